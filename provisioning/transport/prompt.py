"""Ask the person at the terminal for a password, from any thread, and leave the terminal sane."""

from __future__ import annotations

import atexit
import getpass
import sys
import termios
import threading

from provisioning.secrets import Secret

_one_at_a_time = threading.Lock()


def ask_secret(prompt: str) -> Secret | None:
    """Return what the person types, unseen; None if nobody is there, or nothing was typed.

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


def _restore_echo_at_exit() -> None:
    """Give the terminal its echo back even if the process ends while a thread is asking."""
    descriptor = sys.stdin.fileno()
    before = termios.tcgetattr(descriptor)
    atexit.register(termios.tcsetattr, descriptor, termios.TCSANOW, before)
