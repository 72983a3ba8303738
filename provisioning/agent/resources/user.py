"""A user account."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Iterable, List, Optional, Sequence, Tuple

from provisioning.agent.claims import GROUP, USER, Claim, Obstacle
from provisioning.agent.errors import AgentError
from provisioning.agent.machine.accounts import Account
from provisioning.agent.machine.system import System
from provisioning.agent.ownership import things
from provisioning.agent.resource import Change, Resource, State


@dataclass(frozen=True)
class User(Resource):
    """Have a user account.

    Args:
        label: The user's name.
        group: Its own group; "" stands for one of the user's name, which is made with it.
        groups: Groups it is in besides. Others in which a person has put it stay.
        home: Home directory; it is not made. One that a person has given it stays.
        shell: Login shell. One that a person has given it stays.
        system: Give it a number from the range of system users.
        comment: What says that it is Homeport's own: an account of this name with another comment
            is somebody's, and is neither changed nor used. "" for accounts that a role manages.
    """

    kind: ClassVar[str] = "user"

    label: str
    group: str = ""
    groups: Tuple[str, ...] = ()
    home: str = "/nonexistent"
    shell: str = "/usr/sbin/nologin"
    system: bool = True
    comment: str = ""

    @property
    def name(self) -> str:
        return self.label

    def claims(self) -> Iterable[Claim]:
        if not self.group:
            yield Claim(GROUP, self.label, keys=("group",))
        yield self._claim

    @property
    def _claim(self) -> Claim:
        return Claim(USER, self.label)

    def obstacles(self, system: System, run: Sequence[Resource]) -> Iterable[Obstacle]:
        """Yield an account that others made, where an app needs one of its own."""
        if self.comment and things.is_foreign(self._claim, system):
            yield Obstacle(
                self._claim.id,
                things.describe(system, self._claim),
                "the account of an app",
                "give the app another name; the account stays as it is",
                can_be_adopted=False,
            )
        own = Claim(GROUP, self.label)
        has_account = system.user(self.label) is not None
        if self.comment and not has_account and things.is_foreign(own, system):
            yield Obstacle(
                own.id,
                things.describe(system, own),
                "the group of an app, whose files its members could read",
                "give the app another name; the group stays as it is",
                can_be_adopted=False,
            )

    def desired(self) -> State:
        return {
            **({"comment": self.comment} if self.comment else {}),
            "group": self.group or self.label,
            "groups": ",".join(sorted(self.groups)),
            "home": self.home,
            "shell": self.shell,
            "remembered": self._record,
        }

    @property
    def _record(self) -> str:
        """What Homeport has set of the account: what differs from it later was set by a person."""
        return " ".join((self.home, self.shell, ",".join(sorted(self.groups))))

    def _was_set(self, system: System) -> Tuple[str, str, Tuple[str, ...]]:
        """Return home, shell and groups as Homeport set them last; "" and none if it never did."""
        home, shell, groups = (*system.memory.recall(self.id).split(" "), "", "", "")[:3]
        return home, shell, tuple(groups.split(",")) if groups else ()

    def actual(self, system: System) -> State:
        account = system.user(self.label)
        if account is None:
            return {}
        home, shell, groups = self._was_set(system)
        ours = [each for each in account.groups if each in self.groups or each in groups]
        return {
            "comment": account.comment,
            "group": account.group,
            "groups": ",".join(ours),
            "home": account.home if account.home == home or not home else self.home,
            "shell": account.shell if account.shell == shell or not shell else self.shell,
            "remembered": system.memory.recall(self.id),
        }

    def apply(self, system: System, change: Change) -> None:
        # At the end: a run which is cut off must not take its own change for a person's.
        if set(change) != {"remembered"}:
            self._set(system, change)
        system.memory.remember(self.id, self._record)

    def _must_be_open_to(self, system: System) -> None:
        """Refuse groups that are not there, or by which it would have others' rights.

        Raises:
            AgentError: one of them is such.
        """
        for name in self.groups:
            group, account = system.group(name), system.user(name)
            if group is None and not system.dry:
                raise AgentError(
                    f"cannot put the user {self.label} into the group {name}: there is no such "
                    "group",
                    hint="correct the name, or name the Debian package that brings the group",
                    refused=True,
                )
            is_app = account is not None and account.comment == things.app_comment(name)
            if self.comment and name != self.label and (is_app or (group and group.id == 0)):
                raise AgentError(
                    f"cannot put the app {self.label} into the group {name}: "
                    + ("it is another app's, which keeps its code and secrets for it" if is_app
                       else "its members have the rights of root's group"),
                    hint="have both apps share a group that you have made for that",
                    refused=True,
                )  # fmt: skip

    def _set(self, system: System, change: Change) -> None:
        self._must_be_open_to(system)
        there = system.user(self.label)
        own = self.group or self.label
        argv: List[str] = ["useradd" if there is None else "usermod"]
        number = -1
        if there is None:
            argv.append("--no-create-home")
            if self.system:
                # Ours to choose, so that a check knows whose files of that number will be.
                number = system.free_number()
                argv += ["--system", "--uid", str(number)]
        if there is None and not self.group and system.group(own) is None:
            argv.append("--user-group")
        else:
            argv += ["--gid", own]
        groups = self._groups_to_be(system, there)
        argv += ["--groups", ",".join(groups)]
        home, shell = self.home, self.shell
        if there is None:
            argv += ["--home-dir", home, "--shell", shell]
        else:
            home = home if "home" in change else there.home
            shell = shell if "shell" in change else there.shell
            argv += ["--home", home] if "home" in change else []
            argv += ["--shell", shell] if "shell" in change else []
        argv += ["--comment", self.comment] if self.comment else []
        argv.append(self.label)
        system.act(
            argv,
            why=f"{'create' if there is None else 'change'} the user {self.label}",
            users=[Account(self.label, number, own, home, shell, groups, self.comment)],
            groups=[] if system.group(own) else [Account(own, number)],
        )

    def _groups_to_be(self, system: System, there: Optional[Account]) -> Tuple[str, ...]:
        """Return the groups that are wanted, and those that a person has given it besides."""
        *_, was_set = self._was_set(system)
        others = {each for each in there.groups if each not in was_set} if there else set()
        return tuple(sorted({*others, *self.groups}))
