"""The first code of the agent on a host: makes its modules importable from memory.

The loader (see provisioning/protocol/payload.py) hands over compiled modules, from the cache or
fresh from the controller. Nothing of Homeport needs to be installed on the host.
"""

from __future__ import annotations

import importlib.abc
import importlib.machinery
import marshal
import os
import sys
from types import CodeType, ModuleType
from typing import Dict, Optional, Sequence


class MemoryFinder(importlib.abc.MetaPathFinder, importlib.abc.Loader):
    """Imports modules from a table of code objects.

    Args:
        modules: Dotted name -> code; packages end in ".__init__".
    """

    def __init__(self, modules: Dict[str, CodeType]) -> None:
        self._modules = modules

    def find_spec(
        self,
        fullname: str,
        path: Optional[Sequence[str]] = None,
        target: Optional[ModuleType] = None,
    ) -> Optional[importlib.machinery.ModuleSpec]:
        """Find a module of the agent; anything else is the standard library's."""
        is_package = fullname + ".__init__" in self._modules
        if not is_package and fullname not in self._modules:
            return None
        return importlib.machinery.ModuleSpec(fullname, self, is_package=is_package)

    def exec_module(self, module: ModuleType) -> None:
        """Run a module's code."""
        name = module.__name__
        code = self._modules.get(name) or self._modules[name + ".__init__"]
        exec(code, module.__dict__)  # noqa: S102  # nosec B102 # our own, by digest


def start(modules: Dict[str, CodeType], cache: str, fresh: bool, argv: Sequence[str]) -> None:
    """Make the modules importable, keep them for the next run, and run the agent.

    Args:
        modules: Dotted name -> code.
        cache: Where compiled agents are kept: one file, named by digest and Python version.
        fresh: They came from the controller just now, so they are not in the cache.
        argv: The agent's arguments.
    """
    # A borrowed Python (see payload.py) needs its own libraries; the programs we start do not.
    os.environ.pop("LD_LIBRARY_PATH", None)
    os.umask(0o022)
    sys.meta_path.insert(0, MemoryFinder(modules))
    if fresh:
        keep(modules, cache)
    from provisioning.agent.main import main

    sys.exit(main(argv))


def keep(modules: Dict[str, CodeType], cache: str) -> None:
    """Write the compiled modules for the next run, and remove older ones.

    A host that cannot keep them (a full disk) still works: the next run sends them again.
    """
    directory = os.path.dirname(cache)
    try:
        for each in (os.path.dirname(directory), directory):
            os.makedirs(each, mode=0o700, exist_ok=True)
        for name in os.listdir(directory):
            os.unlink(os.path.join(directory, name))
        part = cache + ".new"
        with open(os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
            marshal.dump(modules, file)
        os.replace(part, cache)
    except OSError:
        return
