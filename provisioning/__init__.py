"""Homeport: from a bare Debian host to a Python web app in production."""

__version__ = "0.1.0"
