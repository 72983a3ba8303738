"""Releases: what goes into one, and how it becomes live, is left and is gone back to."""
