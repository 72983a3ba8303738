"""A user account."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, List, Tuple

from provisioning.agent.resource import Change, Resource, State
from provisioning.agent.system import Account, System


@dataclass(frozen=True)
class User(Resource):
    """Have a user account.

    Args:
        label: The user's name.
        group: Its own group; "" stands for one of the user's name, which is made with it.
        groups: Groups it is in besides, and only these.
        home: Home directory; it is not made.
        shell: Login shell.
        system: Give it a number from the range of system users.
    """

    kind: ClassVar[str] = "user"

    label: str
    group: str = ""
    groups: Tuple[str, ...] = ()
    home: str = "/nonexistent"
    shell: str = "/usr/sbin/nologin"
    system: bool = True

    @property
    def name(self) -> str:
        return self.label

    def desired(self) -> State:
        return {
            "group": self.group or self.label,
            "groups": ",".join(sorted(self.groups)),
            "home": self.home,
            "shell": self.shell,
        }

    def actual(self, system: System) -> State:
        account = system.user(self.label)
        if account is None:
            return {}
        return {
            "group": account.group,
            "groups": ",".join(account.groups),
            "home": account.home,
            "shell": account.shell,
        }

    def apply(self, system: System, change: Change) -> None:
        own = self.group or self.label
        exists = system.user(self.label) is not None
        argv: List[str] = ["usermod" if exists else "useradd"]
        number = -1
        if not exists:
            argv.append("--no-create-home")
            if self.system:
                # Ours to choose, so that a check knows whose files of that number will be.
                number = system.free_number()
                argv += ["--system", "--uid", str(number)]
        if not exists and not self.group and system.group(own) is None:
            argv.append("--user-group")
        else:
            argv += ["--gid", own]
        argv += ["--groups", ",".join(self.groups), "--home-dir" if not exists else "--home"]
        argv += [self.home, "--shell", self.shell, self.label]
        account = Account(
            self.label, number, own, self.home, self.shell, tuple(sorted(self.groups))
        )
        system.act(
            argv,
            why=f"{'change' if exists else 'create'} the user {self.label}",
            users=[account],
            groups=[] if system.group(own) else [Account(own, number)],
        )
