"""Groups of an app's account: those that are there, and that give it nothing of others."""

from __future__ import annotations

import pytest

from provisioning.agent.errors import AgentError
from provisioning.agent.machine.accounts import Account
from provisioning.agent.ownership.things import app_comment
from provisioning.resources import User
from tests.fakes.system import QuietSystem


class _Host(QuietSystem):
    """A host with some groups, and another app."""

    def user(self, name: str) -> Account | None:
        return Account("other", 990, comment=app_comment("other")) if name == "other" else None

    def group(self, name: str) -> Account | None:
        return {"redis": Account("redis", 120), "toor": Account("toor", 0)}.get(name)

    def free_number(self) -> int:
        return 989


def _apply(*groups: str) -> list[str]:
    host = _Host()
    app = User("hello", groups=groups, comment=app_comment("hello"))
    app._set(host, {})
    return [" ".join(argv) for argv in host.told]


def test_it_is_made_in_a_group_that_is_there() -> None:
    [made] = _apply("redis")
    assert made.startswith("useradd ")
    assert " --groups redis " in made


@pytest.mark.parametrize(
    ("group", "why"),
    [
        ("redsi", "no such group"),
        ("toor", "the rights of root's group"),
    ],
)
def test_it_is_not_put_where_nothing_is_or_others_rights_are(group: str, why: str) -> None:
    with pytest.raises(AgentError, match=why) as refused:
        _apply(group)
    assert refused.value.refused


def test_another_apps_group_is_refused_also_of_another_project() -> None:
    class Both(_Host):
        def group(self, name: str) -> Account | None:
            return Account(name, 990)

    with pytest.raises(AgentError, match="another app's"):
        User("hello", groups=("other",), comment=app_comment("hello"))._set(Both(), {})
