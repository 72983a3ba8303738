"""The repository of an app as its people have it, and the real `fab` run in it."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

from provisioning.lab import Lab, LabHost
from tests.apps.app import INVENTORY, App, Edit
from tests.e2e.project import Result

FAB = Path(sys.executable).with_name("fab")

_LONGEST_S = 580
"""Of one command; nothing is asserted about how long anything takes."""

WORKERS = "workers = 2"
"""Each of the lab's hosts takes this machine's cores for its own."""


class Repository:
    """A folder with an app.

    Args:
        app: The app.
        directory: The folder, which is made; it has the app's name.
    """

    def __init__(self, app: App, directory: Path) -> None:
        self.app, self.directory = app, directory
        self._edition = 0
        app.write(directory)
        # As a generator would, which may have done so.
        self._git("init", "--quiet")
        self.commit("the app as it is")

    @property
    def inventory(self) -> Path:
        """Return the inventory that `fab init` writes."""
        return self.directory / INVENTORY

    def commit(self, message: str) -> None:
        """Commit everything."""
        self._git("add", "--all")
        self._git("commit", "--quiet", "--allow-empty", "--message", message)

    def change(self) -> None:
        """Change one file of the source, and commit it."""
        self._edition += 1
        path = self.directory / self.app.edition
        path.write_text(f"{path.read_text()}\n{self.app.comment}Edition {self._edition}.\n")
        self.commit("a change of the code only")

    def initialise(self, lab: Lab, host: LabHost) -> None:
        """Change what is changed by hand, run `fab init`, say what only the person knows."""
        for edit in (each for each in self.app.by_hand if each.table is None):
            self._edit(edit)
        self.commit("ready for production")
        self.fab("init").must_succeed()
        text = self.inventory.read_text()
        own = (
            ("[hosts.web1]", f"[hosts.{host.name}]"),
            ('address = "203.0.113.10"', f'address = "{host.address}"'),
            (f'"{self.app.name}.example.com"', f'"{self.app.domain}"'),
            ('method = "acme"', f'method = "acme"\ndirectory_url = "{lab.acme.directory_url}"'),
            ('source = ".."', f'{WORKERS}\nrate_limit = "off"\nsource = ".."'),
        )
        for old, new in own:
            assert old in text, text
            text = text.replace(old, new)
        self.inventory.write_text(f'{text}\n[ssh]\nconfig_file = "{lab.ssh_config}"\n')
        for edit in (each for each in self.app.by_hand if each.table is not None):
            self._edit(edit)
        self.commit("Homeport")

    def fab(self, *arguments: str) -> Result:
        """Run `fab` to its end."""
        hidden = ("HOMEPORT", "PYTHON", "VIRTUAL_ENV")
        kept = {name: value for name, value in os.environ.items() if not name.startswith(hidden)}
        done = subprocess.run(
            [FAB, *arguments],
            cwd=self.directory,
            env={**kept, "XDG_CACHE_HOME": str(self.directory.parent / "cache"), "NO_COLOR": "1"},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=_LONGEST_S,
        )
        return Result(done.returncode, done.stdout, done.stderr)

    def _edit(self, edit: Edit) -> None:
        path = self.directory / edit.path
        if edit.table is not None:
            path.write_text(
                with_key(path.read_text(), f"apps.{self.app.name}{edit.table}", edit.line)
            )
        elif edit.instead_of:
            text = path.read_text()
            assert edit.instead_of in text, f"{edit.path} does not say {edit.instead_of!r}"
            path.write_text(text.replace(edit.instead_of, edit.line))
        else:
            path.parent.mkdir(parents=True, exist_ok=True)
            before = path.read_text() if path.exists() else ""
            path.write_text(f"{before}{edit.line.rstrip()}\n")

    def _git(self, *arguments: str) -> None:
        identity = ["-c", "user.name=Tester", "-c", "user.email=tester@example.com"]
        subprocess.run(["git", "-C", self.directory, *identity, *arguments], check=True)


def with_key(text: str, table: str, line: str) -> str:
    """Return an inventory with a line in a table, in place of the one with the same key, if any."""
    name = re.escape(line.partition(" = ")[0])
    head = f"[{table}]\n"
    if head not in text:
        return f"{text}\n{head}{line}\n"
    before, _, after = text.partition(head)
    inside, bracket, rest = after.partition("\n[")
    pattern = re.compile(rf"^(?:# )?{name} = .*\n?", re.MULTILINE)
    inside, replaced = pattern.subn(lambda _: f"{line}\n", f"{inside}\n", count=1)
    if not replaced:
        inside = f"{line}\n{inside}"
    kept = inside.removesuffix("\n")
    return f"{before}{head}{kept}{bracket}{rest}"
