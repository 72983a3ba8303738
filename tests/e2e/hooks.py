"""Hooks for the inventory of a test, and what a report says of them."""

from __future__ import annotations

import re

from tests.e2e.project import Project

TELL = 'echo "ran $HOMEPORT_STAGE"'

MARKS = re.compile(r"\| ran (\S+)|\+ run:hello/\S+ (\S+)")


def add_hooks(project: Project, *hooks: str) -> None:
    """Have the inventory say these hooks and no others."""
    text = project.inventory.read_text().partition("[[apps.hello.hooks]]")[0]
    tables = "".join(f"[[apps.hello.hooks]]\n{each}\n" for each in hooks)
    project.inventory.write_text(f"{text}\n{tables}")


def hook(at: str, run: str, *more: str) -> str:
    return "\n".join([f'at = "{at}"', f"run = '''{run}'''", *more, ""])


def on_host(at: str, run: str, *more: str) -> str:
    return hook(at, run, 'on = "host"', *more)


def marks(output: str) -> list[str]:
    """Return what ran, in the order in which it was said."""
    return [here or f"{label} on the host" for here, label in MARKS.findall(output)]


def ran_here(output: str) -> list[str]:
    """Return the stages of the hooks that ran on the controller."""
    return [here for here, _ in MARKS.findall(output) if here]
