"""Modules of the agent as programs of their own, for users with fewer rights.

The agent's code is nowhere on disk where another user could read it, so it goes along on the
command line, as text: their Python may be of another version than the agent's.
"""

from __future__ import annotations

import importlib
import json
import os
import sys
from typing import List, Tuple

PYTHON = "/usr/bin/python3"
"""Debian's Python: that of the agent may be where other users cannot read."""

SOURCE = "_source"
"""How the modules end that hold the text of others: see provisioning/protocol/payload.py."""

_START = """\
import json, sys, types
for name, text in json.loads(sys.argv.pop(1)):
    module = sys.modules[name] = types.ModuleType(name)
    exec(compile(text, "<homeport>/" + name, "exec", dont_inherit=True), module.__dict__)
sys.exit(module.main(sys.argv[1:]))
"""


def command(modules: Tuple[str, ...], *arguments: str) -> List[str]:
    """Return the command line that runs the last of some modules' `main`.

    Args:
        modules: Their names; each may import those before it, and the standard library.
        arguments: What `main` gets.
    """
    python = PYTHON if os.path.exists(PYTHON) else sys.executable
    texts = json.dumps([(name, _text(name)) for name in modules])
    return [python, "-I", "-S", "-c", _START, texts, *arguments]


def _text(name: str) -> str:
    try:
        return str(importlib.import_module(name + SOURCE).SOURCE)
    except ModuleNotFoundError:
        # In a checkout, where the module lies on disk.
        with open(str(importlib.import_module(name).__file__)) as file:
            return file.read()
