"""Ask the person at the terminal, and leave the terminal sane."""

from __future__ import annotations

import atexit
import getpass
import sys
import termios
import threading

from provisioning.secrets import Secret

_one_at_a_time = threading.Lock()


def ask_secret(prompt: str) -> Secret | None:
    """Return what the person types, hidden; None without a terminal, or if nothing was typed.

    Args:
        prompt: What to show, such as "sudo password: ".
    """
    if not sys.stdin.isatty():
        return None
    with _one_at_a_time:
        _restore_echo_at_exit()
        try:
            typed = getpass.getpass(prompt)
        except (EOFError, OSError):
            return None
    return Secret(typed) if typed else None


def ask_word(prompt: str) -> str | None:
    """Return the line that the person types, visible; None without a terminal.

    Args:
        prompt: What to show, on stderr.
    """
    if not sys.stdin.isatty():
        return None
    print(prompt, end="", file=sys.stderr, flush=True)
    return sys.stdin.readline().strip()


def _restore_echo_at_exit() -> None:
    """Give the terminal its echo back even if the process ends while a thread is asking."""
    descriptor = sys.stdin.fileno()
    before = termios.tcgetattr(descriptor)
    atexit.register(termios.tcsetattr, descriptor, termios.TCSANOW, before)
