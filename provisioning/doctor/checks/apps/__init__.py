"""Checks of an app on a host."""
