"""A person's project on the operator's side, and the real `fab` run in it."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path

from provisioning.lab import Lab

ROOT = Path(__file__).resolve().parents[2]
FAB = Path(sys.executable).with_name("fab")

FABFILE = "from provisioning.commands import namespace\n"
FEW_WORKERS = "workers = 2\n"
"""A line of the app's table: each of the lab's hosts takes this machine's cores for its own."""

FABRIC_YML = "tasks:\n  executor_class: provisioning.executor.FleetExecutor\n"


@dataclass
class Result:
    """How a command ended.

    Args:
        code: Its exit code.
        stdout, stderr: What it printed.
    """

    code: int
    stdout: str
    stderr: str

    @property
    def output(self) -> str:
        return self.stdout + self.stderr

    @property
    def events(self) -> list[dict]:
        """What `--json` printed."""
        return [json.loads(line) for line in self.stdout.splitlines() if line.startswith("{")]

    def finished(self, host: str, status: str) -> list[str]:
        """Ids of the resources of a host that ended with a status."""
        return [
            event["id"]
            for event in self.events
            if event.get("event") == "finished"
            and event.get("host") == host
            and event.get("status") == status
        ]

    def changed(self, host: str) -> list[str]:
        return self.finished(host, "changed")

    def must_succeed(self) -> Result:
        assert self.code == 0, f"exit code {self.code}\n{self.output[-6000:]}"
        return self


@dataclass
class Project:
    """A folder with a fabfile, an inventory and a copy of the example app in git.

    Args:
        directory: The folder.
        lab: Where its hosts are.
        env: Variables besides those of this process.
        program: What runs as `fab`.
    """

    directory: Path
    lab: Lab
    env: dict[str, str] = field(default_factory=dict)
    program: tuple[str, ...] = (str(FAB),)

    @classmethod
    def create(cls, directory: Path, lab: Lab, name: str = "project") -> Project:
        """Write one in a folder; what has one name is one project, as two people's copies are."""
        directory.mkdir(parents=True)
        (directory / "fabfile.py").write_text(FABFILE)
        (directory / "fabric.yml").write_text(FABRIC_YML)
        (directory / "inventory").mkdir()
        text = (ROOT / "inventory" / "lab.toml").read_text()
        # Without a name it has that of its folder.
        named = "" if directory.name == name else f'[project]\nname = "{name}"\n\n'
        (directory / "inventory" / "lab.toml").write_text(named + text)
        (directory / ".homeport").mkdir()
        (directory / ".homeport" / "lab").symlink_to(lab.ssh_config.parent)
        ignore = shutil.ignore_patterns("__pycache__", "instance")
        shutil.copytree(
            ROOT / "examples" / "hello", directory / "examples" / "hello", ignore=ignore
        )
        project = cls(directory, lab)
        project.configure("migrate = ", f"{FEW_WORKERS}migrate = ")
        project.git("init", "--quiet")
        project.commit("the app as it is")
        return project

    @property
    def app(self) -> Path:
        return self.directory / "examples" / "hello"

    @property
    def inventory(self) -> Path:
        return self.directory / "inventory" / "lab.toml"

    def git(self, *arguments: str) -> str:
        identity = ["-c", "user.name=Tester", "-c", "user.email=tester@example.com"]
        argv = ["git", "-C", str(self.app), *identity, *arguments]
        return subprocess.run(argv, check=True, capture_output=True, text=True).stdout

    def commit(self, message: str) -> None:
        self.git("add", "--all")
        self.git("commit", "--quiet", "--allow-empty", "--message", message)

    def edit(self, path: str, old: str, new: str, *, commit: bool = True) -> None:
        """Change the app's source and commit it."""
        file = self.app / path
        text = file.read_text()
        assert old in text, f"{path} does not say {old!r}"
        file.write_text(text.replace(old, new))
        if commit:
            self.commit(f"change {path}")

    def configure(self, old: str, new: str) -> None:
        """Change the inventory."""
        text = self.inventory.read_text()
        assert old in text, f"the inventory does not say {old!r}"
        self.inventory.write_text(text.replace(old, new))

    def start(self, *arguments: str, **options: object) -> subprocess.Popen:
        """Start `fab` and return its process."""
        return subprocess.Popen(
            [*self.program, *arguments],
            cwd=self.directory,
            env=self.environment(),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            **options,
        )

    def environment(self) -> dict[str, str]:
        kept = {
            name: value for name, value in os.environ.items() if not name.startswith("HOMEPORT")
        }
        return {
            **kept,
            "HOMEPORT_ENV": "lab",
            "XDG_CACHE_HOME": str(self.directory / ".cache"),
            "NO_COLOR": "1",
            **self.env,
        }

    def fab(self, *arguments: str, timeout_s: float = 300) -> Result:
        """Run `fab` to its end."""
        process = self.start(*arguments)
        try:
            stdout, stderr = process.communicate(timeout=timeout_s)
        except subprocess.TimeoutExpired:
            process.kill()
            stdout, stderr = process.communicate()
            raise AssertionError(f"fab did not end in {timeout_s} s:\n{stdout}\n{stderr}") from None
        return Result(process.returncode, stdout, stderr)
