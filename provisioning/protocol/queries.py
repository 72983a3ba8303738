"""The controller's queries, which change nothing on a host, and their answers.

One function for each file of agent/queries/, which gives the answer.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from provisioning.agent.answers import AppState, AppStatus, Examination, LogPage, Owned
from provisioning.agent.facts import Facts
from provisioning.agent.runs.messages import RunInfo
from provisioning.protocol.answers import BEGUN, FACTS, WORD, answer_of
from provisioning.protocol.shapes import maybe

A = TypeVar("A")


@dataclass(frozen=True)
class Query(Generic[A]):
    """A question, and how its answer is read.

    Args:
        name: The name of the file that answers it.
        values: What it needs besides.
        read: Makes the answer of what came; raises ShapeError if it is none.
    """

    name: str
    values: Mapping[str, Any]
    read: Callable[[Any], A]


def app_state(app: str, salt: str = "") -> Query[AppState]:
    """Ask what the host has of an app; `salt` goes into the digests of its secrets."""
    return Query("app", {"app": app, "salt": salt}, lambda value: answer_of(AppState, value))


def app_status(apps: Sequence[Mapping[str, Any]]) -> Query[Mapping[str, AppStatus]]:
    """Ask how apps are doing: name -> how.

    Args:
        apps: For each what agent/queries/status.py needs to look at it.
    """
    kind: Any = Mapping[str, AppStatus]
    return Query("status", {"apps": list(apps)}, lambda value: answer_of(kind, value))


def client_address() -> Query[str]:
    """Ask for the address that the controller's connection comes from, "" if it is not known."""
    return Query("caller", {}, lambda value: str(WORD(value, "answer")))


def examination(apps: Sequence[Mapping[str, Any]]) -> Query[Examination]:
    """Ask for what `fab doctor` looks at on a host.

    Args:
        apps: For each what agent/examination/app.py needs to look at it.
    """
    return Query("doctor", {"apps": list(apps)}, lambda value: answer_of(Examination, value))


def facts(candidates: Iterable[str] = ()) -> Query[Facts]:
    """Ask for the host's facts.

    Args:
        candidates: Versions that are needed also of what is not installed.
    """
    return Query(
        "facts",
        {"candidates": list(candidates)},
        lambda value: Facts.from_json(FACTS(value, "answer")),
    )


def log_page(
    apps: Sequence[str], *, grep: str = "", after: str = "", since: float = 0.0, lines: int = 0
) -> Query[LogPage]:
    """Ask for a page of what apps have logged.

    Args:
        apps: Their names.
        grep: A text that entries must hold, or "".
        after: Where the page begins: a cursor of an earlier page; else:
        since: Seconds since the epoch, or 0; of that only
        lines: the last so many, or 0 for all.
    """
    values = {"apps": list(apps), "grep": grep, "after": after, "since": since, "lines": lines}
    return Query("logs", values, lambda value: answer_of(LogPage, value))


def owned() -> Query[Owned]:
    """Ask what Homeport made there."""
    return Query("owned", {}, lambda value: answer_of(Owned, value))


def current_run() -> Query[RunInfo | None]:
    """Ask for the run in the background that has the host."""

    def read(value: Any) -> RunInfo | None:
        found = maybe(BEGUN)(value, "answer")
        return None if found is None else RunInfo(**found)

    return Query("run", {}, read)


def generated_secrets(app: str) -> Query[Mapping[str, str]]:
    """Ask for the values of an app's generated secrets, for another host of it."""
    kind: Any = Mapping[str, str]
    return Query("secrets", {"app": app}, lambda value: answer_of(kind, value))
