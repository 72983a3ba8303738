"""`[[apps.<name>.hooks]]`: what can be written, and what is told of what cannot."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import pytest

from provisioning.secrets import EnvSource

if TYPE_CHECKING:
    from tests.inventory.conftest import Inventories

AppWith = Callable[[str], Any]


def hook(*lines: str) -> str:
    return "\n".join(["", "[[apps.hello.hooks]]", *lines, ""])


def test_hooks_keep_their_order_and_have_defaults(app_with: AppWith) -> None:
    first, second = app_with(
        hook('at = "before-build"', 'run = "npm run build && true"')
        + hook('at = "after-switch"', 'webhook = { env = "URL" }')
    ).hooks
    assert (first.on, first.once, first.limit_s, first.stops) == ("controller", False, 600, True)
    assert second.webhook == EnvSource("URL")
    assert (second.limit_s, second.stops) == (10, False)


@pytest.mark.parametrize(
    ("text", "mistake"),
    [
        (hook('at = "before-switch"'), "hooks: must have either run or webhook"),
        (
            hook('at = "after-switch"', 'run = "x"', 'webhook = { env = "URL" }'),
            "hooks: must have either run or webhook",
        ),
        (hook('run = "x"'), "hooks.at: is missing"),
        (
            hook('at = "before-swich"', 'run = "x"'),
            "hooks.at: must be one of before-build, after-build, before-migrate, after-migrate, "
            "before-switch, after-switch, before-rollback, after-rollback, after-failure, "
            'not "before-swich"; did you mean before-switch?',
        ),
        (hook('at = "before-flip"', 'run = "x"'), 'hooks.at: is called "before-switch" now'),
        (
            hook('at = "after-switch"', 'rum = "x"'),
            "hooks.rum: unknown key; did you mean run?",
        ),
        (
            hook('at = "after-switch"', "run = \"echo 'x\""),
            "hooks.run: is not a command: no closing quotation",
        ),
        (
            hook('at = "after-switch"', 'run = "a\\u0000b"'),
            "hooks.run: must be without control characters",
        ),
        (
            hook('at = "after-switch"', 'run = "x"', "timeout_s = 0"),
            "hooks.timeout_s: must be at least 1, not 0",
        ),
        (
            hook('at = "before-build"', 'run = "x"', 'on = "host"'),
            "hooks: at before-build there may be no release on the host to run it in; "
            'it needs on = "controller"',
        ),
        (
            hook('at = "after-switch"', 'webhook = { env = "URL" }', 'on = "host"'),
            "hooks: a webhook is called from the controller; remove on",
        ),
        (
            hook('at = "after-switch"', 'run = "x"', "once = true"),
            'hooks: once is for hooks with on = "host"',
        ),
        (hook('at = "before-migrate"', 'run = "x"'), "hooks: before-migrate: there is no migrate"),
        (
            "\n[apps.hello.hooks]\nat = 'after-switch'\n",
            "hooks: must be a list of tables: each begins with [[apps.<name>.hooks]]",
        ),
    ],
)  # fmt: skip
def test_a_mistake_is_told_where_it_stands(
    inventories: Inventories, text: str, mistake: str
) -> None:
    assert mistake in inventories.app_mistakes(text)


def test_a_url_in_plain_text_is_refused_and_not_shown(inventories: Inventories) -> None:
    text = hook('at = "after-switch"', 'webhook = "https://hooks.example.com/canary"')
    (mistake,) = inventories.app_mistakes(text)
    assert "must not be in the inventory in plain text" in mistake
    assert "canary" not in mistake


def test_mistakes_of_several_hooks_are_told_with_their_lines(inventories: Inventories) -> None:
    first, second = inventories.mistakes(
        inventories.smallest + hook('at = "after-switch"') + hook('at = "after-switch"', "once = 1")
    )
    lines = [int(each.split(":")[0]) for each in (first, second)]
    assert lines == [9, 14]
