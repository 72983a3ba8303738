"""Hooks before and after the steps of a deploy, on the controller and on the hosts."""

from __future__ import annotations

from provisioning.hooks.context import Command
from provisioning.hooks.hooks import Hooks

__all__ = ["Command", "Hooks"]
