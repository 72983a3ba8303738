"""The commands whose runs are disturbed."""

from __future__ import annotations

from abc import ABC, abstractmethod

from tests.chaos.stage import Stage

HARMLESS_DRIFT = """
rm -r /etc/systemd/journald.conf.d /etc/homeport/acme/renewal-hooks
rm /etc/apt/apt.conf.d/52homeport-upgrades
chmod 0777 /srv/hello/shared
systemctl disable --quiet --now homeport-renewal@hello.timer
echo '# mine' >> /etc/systemd/system/hello-boot.service
echo '# mine' >> /etc/tmpfiles.d/homeport.hello.conf
systemctl daemon-reload
"""
"""Something of every kind to mend, of which visitors notice nothing, not even after a boot."""

CSP = ('csp = "strict"\n', 'csp = "off"\n')


class Subject(ABC):
    """A command, what it is to do each time, and what it has done.

    Args:
        stage: Where it is given.

    Attributes:
        name: The command's.
        background: Whether its runs outlive their caller.
        reloads: Whether it gives nginx another configuration.
        closes_ports: Whether the ports of visitors are closed for a moment, by its nature.
        arguments: The command, after `prepare`.
        again: What completes it when it was disturbed.
    """

    name: str
    background = True
    reloads = False
    closes_ports = False
    arguments: tuple[str, ...] = ()

    def __init__(self, stage: Stage) -> None:
        self.stage = stage

    @property
    def again(self) -> tuple[str, ...]:
        return self.arguments

    @abstractmethod
    def prepare(self) -> None:
        """Have something to do for it."""

    @property
    def variant(self) -> str:
        """What the host is to be: the same variant is the same each time."""
        return self.name

    @abstractmethod
    def is_done(self) -> bool:
        """Return whether it has come to its good end on the host."""


class Deploy(Subject):
    name = "deploy"
    arguments = ("deploy",)

    def prepare(self) -> None:
        self.stage.make_edition()

    def is_done(self) -> bool:
        return self.stage.live_edition() == self.stage.edition


class Rollback(Subject):
    name = "rollback"

    def prepare(self) -> None:
        self._to = self._edition = ""
        listed = self.stage.host.shell(
            "cd /srv/hello/releases; live=$(basename $(readlink ../current)); "
            "for each in *; do test $each = $live || echo $each; done"
        ).split()
        were_live = self.stage.host.shell("cat /srv/hello/history.jsonl")
        candidates = [each for each in listed if f'"live", "release": "{each}"' in were_live]
        self._to = candidates[-1]
        self.arguments = ("rollback", "--to", self._to)

    @property
    def again(self) -> tuple[str, ...]:
        # To the live release there is no going back; any command puts the rest in order.
        return ("provision",) if self.is_done() else self.arguments

    def is_done(self) -> bool:
        return self.stage.host.shell("basename $(readlink /srv/hello/live.sock) .sock").strip() == (
            self._to
        )


class Provision(Subject):
    name = "provision"
    background = False
    reloads = True
    arguments = ("provision",)

    def prepare(self) -> None:
        is_strict = CSP[0] in self.stage.project.inventory.read_text()
        self.stage.project.configure(*(CSP if is_strict else CSP[::-1]))
        self.stage.host.shell(HARMLESS_DRIFT)

    @property
    def variant(self) -> str:
        return f"{self.name} {CSP[0] in self.stage.project.inventory.read_text()}"

    def is_done(self) -> bool:
        return self.stage.fab("provision", "--check", "--exit-code").code == 0


SUBJECTS = (Deploy, Rollback, Provision)
