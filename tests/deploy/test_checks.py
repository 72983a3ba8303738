"""Which release cannot be gone back to, and what a person is told of it."""

from __future__ import annotations

import re
from typing import Any

import pytest

from provisioning.agent.answers import MIGRATED, MIGRATES_FIRST, AppState, HistoryEvent, ReleaseInfo
from provisioning.deploy.checks import (
    lost_runtimes,
    must_be_whole,
    no_such_release,
    refuse_over_migration,
)
from provisioning.errors import ConfigurationError, DeployRefusedError
from provisioning.inventory.models.app import App
from tests.fakes.answers import app_state

ONE, TWO, THREE = (f"2026010{day}T030405Z-abc000{day}" for day in (1, 2, 3))


@pytest.fixture
def app() -> App:
    return App(name="hello", source=".", wsgi="app:app", domains=["hello.test"], keep_releases=2)


def state(*releases: str, **more: Any) -> AppState:
    there = tuple(ReleaseInfo(each, commit="abc000123456") for each in releases)
    return app_state(releases=there, **more)


def test_a_release_that_never_was_is_told_with_those_that_are(app: App) -> None:
    error = no_such_release(app, {"web1": state(ONE, TWO)}, "2020", [])
    assert isinstance(error, ConfigurationError)
    assert error.message == "cannot roll hello back to 2020: there is no such release"
    assert error.output.split() == [ONE, TWO]


def test_a_beginning_that_several_have_lists_only_these(app: App) -> None:
    error = no_such_release(app, {"web1": state(ONE, TWO, THREE)}, "2026", [ONE, TWO])
    assert "several releases match" in error.message
    assert error.output.split() == [ONE, TWO]


def test_a_host_that_lacks_the_release_is_named(app: App) -> None:
    states = {"web1": state(ONE, TWO), "web2": state(TWO), "web3": state(ONE)}
    error = no_such_release(app, states, ONE[:8], [])
    assert error.message.endswith(": web2 does not have it, web1, web3 does")


def test_a_release_that_was_pruned_is_told_with_the_way_to_have_it_again(app: App) -> None:
    built = HistoryEvent("built", ONE, commit="abc0001ffffff")
    error = no_such_release(app, {"web1": state(TWO, THREE, history=(built,))}, ONE, [])
    assert error.message.endswith(f": {ONE} was pruned: hello keeps 2 releases")
    assert "check out abc0001 and `fab deploy`" in error.hint
    assert "keep_releases under [apps.hello]" in error.hint
    assert error.output.split() == [TWO, THREE]


def test_a_release_of_which_a_part_is_gone_is_refused(app: App) -> None:
    states = {"web1": state(ONE, TWO), "web2": state(ONE, TWO, lacks={ONE: ("virtualenv",)})}
    with pytest.raises(
        DeployRefusedError, match=f"{ONE} of hello: on web2 its virtualenv is missing"
    ) as error:
        must_be_whole(app, states, ONE)
    assert "check out abc0001 and `fab deploy`" in error.value.hint
    assert error.value.exit_code == 4
    must_be_whole(app, states, TWO)


@pytest.mark.parametrize("live", [ONE, TWO])
def test_a_release_for_another_python_is_refused_with_the_way_out(app: App, live: str) -> None:
    lacks = {ONE: ("Python 3.11", "interpreter")}
    lost = {ONE: "Python 3.11"}
    web2 = state(ONE, TWO, lacks=lacks, lost=lost, live=live)
    states = {"web1": state(ONE, TWO), "web2": web2}
    with pytest.raises(DeployRefusedError) as error:
        must_be_whole(app, states, ONE)
    assert error.value.message == (
        f"cannot use release {ONE} of hello: it was built for Python 3.11, which web2 no longer has"
    )
    assert "`fab deploy`" in error.value.hint
    assert ("check out" in error.value.hint) == (live != ONE)


def test_virtualenvs_for_a_python_that_is_gone_are_told() -> None:
    lacks = {ONE: ("Python 3.11",), TWO: ("virtualenv",)}
    one = state(ONE, TWO, lacks=lacks, lost={ONE: "Python 3.11"})
    there = tuple(
        each._replace(runtime=f"venvs/venv{number}") for number, each in enumerate(one.releases)
    )
    one = one._replace(releases=there)
    assert lost_runtimes({"web1": one, "web2": state(TWO)}) == {"venv0"}


def manifests(*names: str, **more: dict[str, Any]) -> AppState:
    """Return what a host says that has these releases; `more` of their manifests."""
    named = {"one": ONE, "two": TWO, "three": THREE}
    there = tuple(ReleaseInfo(named[each], **more.get(each, {})) for each in names)
    return app_state(releases=there, live=TWO)


def goes_back_over_migration(app: App, there: AppState, to: str) -> bool:
    """Return whether going back to a release is refused, for the reason that it is to be."""
    try:
        refuse_over_migration(app, {"web1": there}, to)
    except DeployRefusedError as error:
        assert re.search(f"back to {to}: .* has migrated the database", str(error))
        return True
    return False


MIGRATES = {"migrates": "yes"}


@pytest.mark.parametrize(
    ("there", "to", "refused"),
    [
        (manifests("one", "two", two=MIGRATES), ONE, True),
        (manifests("one", "two", one=MIGRATES), ONE, False),
        # It migrated, and then did not start; or was gone back from.
        (manifests("one", "two", "three", three=MIGRATES), ONE, True),
        (manifests("one", "two", "three", three=MIGRATES), THREE, False),
        # The newest has the code of the oldest: going back to that goes over no migration less.
        (manifests("two", "three", two=MIGRATES, three={"renews": TWO}), TWO, False),
        (manifests("one", "two", "three", two=MIGRATES, three={"renews": ONE}), THREE, True),
    ],
)
def test_older_code_does_not_come_to_a_database_that_newer_has_migrated(
    app: App, there: AppState, to: str, refused: bool
) -> None:
    assert goes_back_over_migration(app, there, to) is refused


def test_a_release_that_could_not_be_imported_has_migrated_nothing(app: App) -> None:
    there = manifests("one", "two", "three", three=MIGRATES)
    assert goes_back_over_migration(app, there, ONE)
    failed = HistoryEvent("failed", THREE, at_state="import")
    assert not goes_back_over_migration(app, there._replace(history=(failed,)), ONE)


def test_one_that_migrates_first_may_have_migrated_before_it_was_imported(app: App) -> None:
    there = manifests("one", "two", "three", three={"migrates": MIGRATES_FIRST})
    failed = HistoryEvent("failed", THREE, at_state="import")
    assert goes_back_over_migration(app, there._replace(history=(failed,)), ONE)
    failed = failed._replace(at_state="setup")
    assert not goes_back_over_migration(app, there._replace(history=(failed,)), ONE)


def test_only_a_release_that_has_really_migrated_keeps_from_going_back(app: App) -> None:
    there = manifests("one", "two", "three", two=MIGRATES, three=MIGRATES)
    nothing = [HistoryEvent(MIGRATED, each) for each in (TWO, THREE)]
    assert not goes_back_over_migration(app, there._replace(history=tuple(nothing)), ONE)
    # Of one of them nobody could say.
    assert goes_back_over_migration(app, there._replace(history=(nothing[0],)), ONE)
    assert not goes_back_over_migration(app, there._replace(history=(nothing[1],)), TWO)


def test_a_refusal_names_what_was_migrated_on_whichever_host_it_was(app: App) -> None:
    there = manifests("one", "two", two=MIGRATES)
    # Cut off after the first, and asked again: nothing was left to do.
    migrated = (
        HistoryEvent(MIGRATED, TWO, migrations=("shop.0002_price", "shop.0003_vat")),
        HistoryEvent(MIGRATED, TWO),
    )
    states = {"web1": there, "web2": there._replace(history=migrated)}
    with pytest.raises(DeployRefusedError) as refused:
        refuse_over_migration(app, states, ONE)
    assert refused.value.output.splitlines() == [
        "migrated since: shop.0002_price",
        "migrated since: shop.0003_vat",
    ]
