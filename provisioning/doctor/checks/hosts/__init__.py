"""Checks of a host."""
