"""Debian's packages: what is installed, and what installs it."""
