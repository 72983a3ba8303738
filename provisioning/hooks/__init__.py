"""What a person has run before and after the steps of a deploy, here and on the hosts."""

from __future__ import annotations

from provisioning.hooks.hooks import Hooks
from provisioning.hooks.occasion import Command

__all__ = ["Command", "Hooks"]
