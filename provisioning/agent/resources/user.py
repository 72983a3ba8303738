"""A user account."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, List, Tuple

from provisioning.agent.errors import AgentError
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
        comment: What says that it is Homeport's own: an account of this name with another comment
            is somebody's, and is neither changed nor used. "" for accounts that a role manages,
            whoever made them.
        evidence: A path that only Homeport gives to this account: it shows that one without the
            comment was made by an earlier Homeport.
    """

    kind: ClassVar[str] = "user"

    label: str
    group: str = ""
    groups: Tuple[str, ...] = ()
    home: str = "/nonexistent"
    shell: str = "/usr/sbin/nologin"
    system: bool = True
    comment: str = ""
    evidence: str = ""

    @property
    def name(self) -> str:
        return self.label

    def desired(self) -> State:
        comment = {"comment": self.comment} if self.comment else {}
        return {
            **comment,
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
            "comment": account.comment,
            "group": account.group,
            "groups": ",".join(account.groups),
            "home": account.home,
            "shell": account.shell,
        }

    def test(self, system: System, change: Change) -> None:
        """Refuse to take over an account of somebody else's, or of the host's own."""
        account = system.user(self.label)
        if account is None or "comment" not in change:
            return
        found = system.stat(self.evidence) if self.evidence else None
        if found is not None and found.owner == self.label:
            return
        raise AgentError(
            f"cannot use the account {self.label}: the host has one of that name already, which "
            f"Homeport has not made (number {account.id}, home {account.home}, shell "
            f"{account.shell}{', groups ' + ', '.join(account.groups) if account.groups else ''})",
            hint="give the app another name; the account stays as it is",
        )

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
        argv += [self.home, "--shell", self.shell]
        argv += ["--comment", self.comment] if self.comment else []
        argv.append(self.label)
        account = Account(
            self.label,
            number,
            own,
            self.home,
            self.shell,
            tuple(sorted(self.groups)),
            self.comment,
        )
        system.act(
            argv,
            why=f"{'change' if exists else 'create'} the user {self.label}",
            users=[account],
            groups=[] if system.group(own) else [Account(own, number)],
        )
