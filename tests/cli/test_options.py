"""What a person says to a command, as the command hears it."""

import json

import pytest
from fabric.config import Config
from invoke.exceptions import Exit

from provisioning.cli.executor import FleetContext, FleetTask
from provisioning.cli.options import Options
from provisioning.commands import on_hosts
from provisioning.errors import ConfigurationError, DeployRefusedError


def command_that_tells(heard, *flags, **settings) -> FleetTask:
    @on_hosts(*flags, **settings)
    def tell(context: FleetContext, options: Options, app: str = "") -> int:
        heard.append((options, app))
        return 0

    return tell


def test_flags_that_were_given_and_those_that_were_not_become_options():
    heard = []
    command = command_that_tells(heard, "env", "limit", "check")
    context = FleetContext(Config(), hosts=("web1", "web2"))
    command(context, env="staging", check=True, app="hello")
    [(options, app)] = heard
    said = (options.env, options.limit, options.check, options.json, options.hosts)
    assert said == ("staging", "", True, False, ("web1", "web2"))
    assert app == "hello"


def test_a_command_offers_the_flags_it_takes_and_no_others():
    command = command_that_tells([], "env", "limit", "accept_new_host_keys")
    offered = {argument.name: argument.help for argument in command.get_arguments()}
    assert set(offered) == {"app", "env", "limit", "accept_new_host_keys"}
    assert all(offered.values())


@pytest.mark.parametrize(
    ("error", "message", "code"),
    [
        (ConfigurationError("cannot: no", hint="do it"), "cannot: no", 2),
        (DeployRefusedError("refused"), "refused", 4),
        (KeyboardInterrupt(), "interrupted", 130),
    ],
    ids=repr,
)
def test_the_last_line_of_json_says_why_a_command_could_not_go_on(capsys, error, message, code):
    @on_hosts("json")
    def command(context: FleetContext, options: Options) -> int:
        raise error

    context = FleetContext(Config())
    for json_wanted in (False, True):
        with pytest.raises(Exit) as ended:
            command(context, json=json_wanted)
        assert ended.value.code == code
        said = capsys.readouterr().out.splitlines()
        assert len(said) == json_wanted
    told = json.loads(said[-1])
    assert (told["event"], told["message"], told["exit_code"]) == ("error", message, code)
