"""An app's hooks as the commands use them: which run, where, in which order, told what."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from provisioning.agent.facts import Facts
from provisioning.errors import ConfigurationError, DeployRefusedError
from provisioning.hooks import Hooks
from provisioning.inventory import load
from tests.hooks.receiver import OK, Receiver

INVENTORY = """
[hosts.web1]
[hosts.web2]

[apps.hello]
source = "../source"
wsgi = "app:app"
domains = ["hello.example.com"]
migrate = "flask init-db"
"""
RELEASE = "20260101T000000.000Z-abcdef0"

HooksOf = Callable[..., Hooks]


@pytest.fixture
def said() -> list[str]:
    return []


@pytest.fixture
def hooks_of(tmp_path: Path, said: list[str]) -> HooksOf:
    """Return a function that gives the hooks of an inventory's text."""
    (tmp_path / "inventory").mkdir()
    (tmp_path / "source").mkdir()

    def make(text: str, command: str = "deploy") -> Hooks:
        (tmp_path / "inventory" / "production.toml").write_text(INVENTORY + text)
        inventory = load(tmp_path, environ={})
        return Hooks.of(
            inventory,
            inventory.apps["hello"],
            command,  # type: ignore[arg-type]
            by="ada@laptop",
            hosts=("web1", "web2"),
            say=said.append,
        )

    return make


@pytest.fixture
def receiver(monkeypatch: pytest.MonkeyPatch) -> Iterator[Receiver]:
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    made = Receiver([OK])
    monkeypatch.setenv("DEPLOY_WEBHOOK_URL", made.url.reveal())
    yield made
    made.close()


def hook(at: str, *lines: str) -> str:
    return "\n".join(["[[apps.hello.hooks]]", f'at = "{at}"', *lines, ""])


def test_those_of_a_stage_run_in_the_order_of_the_file(hooks_of: HooksOf, said: list[str]):
    hooks = hooks_of(
        hook("before-switch", 'run = "echo one"')
        + hook("after-switch", 'run = "echo no"')
        + hook("before-switch", 'run = "echo two"')
        + hook("before-switch", 'run = "echo no"', 'on = "host"')
    )
    hooks.run("before-switch")
    assert said == ["before-switch: `echo one`", "| one", "before-switch: `echo two`", "| two"]
    hooks.run("after-failure")
    assert len(said) == 4


def test_a_command_is_told_all_there_is_to_know_and_what_the_operator_has(
    hooks_of: HooksOf, said: list[str], monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setenv("FROM_THE_OPERATOR", "too")
    hooks = hooks_of(
        hook("before-build", 'run = "env | grep -e ^HOMEPORT_ -e ^FROM_ | sort"')
        + hook("after-switch", 'run = "env | grep ^HOMEPORT_ | sort"')
    )
    for name in os.environ:
        if name.startswith("HOMEPORT_"):
            monkeypatch.delenv(name)
    hooks.tell(commit="abcdef0")
    hooks.run("before-build")
    assert [line.removeprefix("| ") for line in said[1:]] == [
        "FROM_THE_OPERATOR=too",
        "HOMEPORT_APP=hello",
        "HOMEPORT_BY=ada@laptop",
        "HOMEPORT_COMMAND=deploy",
        "HOMEPORT_COMMIT=abcdef0",
        "HOMEPORT_ENVIRONMENT=production",
        "HOMEPORT_HOSTS=web1 web2",
        "HOMEPORT_PREVIOUS=",
        "HOMEPORT_RELEASE=",
        "HOMEPORT_RESULT=",
        "HOMEPORT_STAGE=before-build",
    ]
    said.clear()
    hooks.tell(release=RELEASE, previous="before")
    hooks.run("after-switch")
    for line in (
        f"HOMEPORT_RELEASE={RELEASE}",
        "HOMEPORT_PREVIOUS=before",
        "HOMEPORT_RESULT=ok",
        "HOMEPORT_STAGE=after-switch",
    ):
        assert f"| {line}" in said


@pytest.mark.parametrize(
    "stage", ["before-build", "after-build", "before-migrate", "after-migrate", "before-switch"]
)
def test_before_the_switch_a_failure_stops_the_deploy_and_what_comes_next(
    hooks_of: HooksOf, said: list[str], stage: str
):
    hooks = hooks_of(
        hook(stage, 'run = "echo the tide is out; exit 7"') + hook(stage, 'run = "echo next"')
    )
    with pytest.raises(DeployRefusedError) as caught:
        hooks.run(stage)  # type: ignore[arg-type]
    assert caught.value.exit_code == 4
    assert caught.value.message == (
        f"the deploy of hello was stopped: the hook {stage}, `echo the tide is out; exit 7`, "
        "ended with exit status 7"
    )
    # The line was shown when it came: the error does not repeat it.
    assert (said.count("| the tide is out"), caught.value.output) == (1, "")
    assert "old release" not in said
    assert "| next" not in said


def test_a_rollback_is_stopped_in_its_own_words(hooks_of: HooksOf):
    hooks = hooks_of(hook("before-rollback", 'run = "false"'), "rollback")
    with pytest.raises(DeployRefusedError, match="the rollback of hello was stopped"):
        hooks.run("before-rollback")


@pytest.mark.parametrize("stage", ["after-switch", "after-rollback", "after-failure"])
def test_after_the_switch_a_failure_is_a_warning_and_the_next_one_runs(
    hooks_of: HooksOf, said: list[str], stage: str
):
    hooks = hooks_of(hook(stage, 'run = "exit 7"') + hook(stage, 'run = "echo next"'))
    hooks.run(stage)  # type: ignore[arg-type]
    assert f"warning: the hook {stage}, `exit 7`, ended with exit status 7" in said
    assert said[-1] == "| next"


def test_what_hangs_has_failed(hooks_of: HooksOf):
    hooks = hooks_of(hook("before-switch", 'run = "sleep 600"', "timeout_s = 1"))
    with pytest.raises(DeployRefusedError, match="did not end within 1 s"):
        hooks.run("before-switch")


def test_a_webhook_gets_a_message_that_a_chat_can_show(
    hooks_of: HooksOf, said: list[str], receiver: Receiver
):
    hooks = hooks_of(
        hook("after-switch", 'webhook = { env = "DEPLOY_WEBHOOK_URL" }')
        + hook("after-failure", 'webhook = { env = "DEPLOY_WEBHOOK_URL" }')
    )
    hooks.tell(release=RELEASE, previous="before", commit="abcdef0")
    hooks.run("after-switch")
    hooks.run("after-failure")
    live, failed = receiver.messages
    assert len(live.pop("id")) == 16
    assert live == {
        "text": f"hello {RELEASE} is live (production: web1, web2; ada@laptop)",
        "app": "hello",
        "release": RELEASE,
        "previous": "before",
        "hosts": ["web1", "web2"],
        "environment": "production",
        "command": "deploy",
        "stage": "after-switch",
        "result": "ok",
        "by": "ada@laptop",
        "commit": "abcdef0",
    }
    assert failed["result"] == "failed"
    assert failed["text"].startswith(f"the deploy of hello {RELEASE} failed")
    assert said == ["after-switch: the webhook", "after-failure: the webhook"]


@pytest.mark.parametrize(
    ("value", "words"),
    [(None, "DEPLOY_WEBHOOK_URL is not set"), ("canary", "is not a URL that begins with https")],
)
def test_a_url_that_is_missing_or_none_is_found_before_anything_runs(
    hooks_of: HooksOf, monkeypatch: pytest.MonkeyPatch, value: str | None, words: str
):
    monkeypatch.delenv("DEPLOY_WEBHOOK_URL", raising=False)
    if value:
        monkeypatch.setenv("DEPLOY_WEBHOOK_URL", value)
    with pytest.raises(ConfigurationError) as caught:
        hooks_of(
            hook("before-build", 'run = "true"')
            + hook("after-switch", 'webhook = { env = "DEPLOY_WEBHOOK_URL" }')
        )
    assert words in str(caught.value)
    assert "apps.hello.hooks.2 (after-switch)" in str(caught.value)
    assert "canary" not in str(caught.value)


def test_a_source_that_is_gone_matters_only_where_something_runs_in_it(
    hooks_of: HooksOf, tmp_path: Path, receiver: Receiver
):
    (tmp_path / "source").rmdir()
    hooks_of(hook("after-switch", 'webhook = { env = "DEPLOY_WEBHOOK_URL" }'), "rollback")
    with pytest.raises(ConfigurationError, match="there is no such folder"):
        hooks_of(hook("after-switch", 'run = "true"'), "rollback")


def test_on_a_host_it_is_a_program_of_the_release_told_the_same(hooks_of: HooksOf):
    hooks = hooks_of(
        hook("before-switch", 'run = "true"')
        + hook("before-switch", 'run = "warm ${HOMEPORT_HOST:-x}"', 'on = "host"', "timeout_s = 9")
        + hook("before-switch", 'run = "once"', 'on = "host"', "once = true")
        + hook("after-switch", 'run = "later"', 'on = "host"')
    )
    hooks.tell(release=RELEASE)
    assert hooks.has("before-switch", on="host")
    assert not hooks.has("after-switch")
    warm, once = hooks.on_host("before-switch", Facts(), "web1", first=True)
    assert (warm.label, once.label) == ("before-switch-hook-2", "before-switch-hook-3")
    # systemd makes one dollar sign of two.
    assert warm.argv == ("/bin/sh", "-c", "warm ${HOMEPORT_HOST:-x}")
    assert "User=hello" in warm.properties
    assert (warm.release, warm.timeout_s, warm.required) == (RELEASE, 9, True)
    assert warm.env["HOMEPORT_HOST"] == "web1"
    assert warm.env["HOMEPORT_STAGE"] == "before-switch"
    assert [
        each.label for each in hooks.on_host("before-switch", Facts(), "web2", first=False)
    ] == ["before-switch-hook-2"]
    (later,) = hooks.on_host("after-switch", Facts(), "web1", first=True)
    assert not later.required


def test_another_command_runs_a_host_s_hooks_again(hooks_of: HooksOf):
    text = hook("after-switch", 'run = "x"', 'on = "host"')
    (one,) = hooks_of(text).on_host("after-switch", Facts(), "web1", first=True)
    (two,) = hooks_of(text).on_host("after-switch", Facts(), "web1", first=True)
    assert one.id == two.id
    assert one.occasion != two.occasion
