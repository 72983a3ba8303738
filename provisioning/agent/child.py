"""Modules of the agent as programs of their own, for users with fewer rights.

The agent's code is nowhere on disk where another user could read it, so it goes along on the
command line, compiled.
"""

from __future__ import annotations

import base64
import importlib.util
import marshal
import sys
from typing import List, Tuple

from provisioning.agent.layout import BORROWED_PYTHON

PYTHON = "/usr/bin/python3"
"""Debian's own; what the agent itself runs with may be borrowed, and not be there for others."""

_START = """\
import base64, marshal, sys, types
for name, code in marshal.loads(base64.b64decode(sys.argv.pop(1))):
    module = sys.modules[name] = types.ModuleType(name)
    exec(code, module.__dict__)
sys.exit(module.main(sys.argv[1:]))
"""


def command(modules: Tuple[str, ...], *arguments: str) -> List[str]:
    """Return the command line that runs the last of some modules' `main`.

    Args:
        modules: Their names; each may import those before it, and the standard library.
        arguments: What `main` gets.
    """
    packed = base64.b64encode(marshal.dumps([(name, _code(name)) for name in modules])).decode()
    # Compiled code fits only the version of Python that compiled it.
    is_borrowed = sys.executable.startswith(BORROWED_PYTHON + "/")
    return [PYTHON if is_borrowed else sys.executable, "-I", "-S", "-c", _START, packed, *arguments]


def _code(name: str) -> object:
    spec = importlib.util.find_spec(name)
    assert spec is not None
    assert spec.loader is not None
    return spec.loader.get_code(name)  # type: ignore[attr-defined]
