"""Homeport's commands; `fab --list` explains them."""

from provisioning.commands import namespace

__all__ = ["namespace"]
