import dataclasses
import inspect

import pytest

from provisioning.agent.facts import VERSIONS
from provisioning.errors import ConfigurationError
from provisioning.inventory.models.app_servers import APP_SERVERS
from provisioning.inventory.models.web_servers import WEB_SERVERS
from provisioning.protocol.plan import make_plan
from provisioning.resources import File
from provisioning.roles import ROLES, app_server, compile_host, web_server
from provisioning.roles.app_servers import AppServer
from provisioning.roles.web_servers import WebServer
from tests.roles.samples import BOOKWORM, HELLO, TRIXIE, compiled, inventory

OFF = HELLO + '[tls]\nmethod = "off"\n'


def position(resources, resource_id):
    return list(resources).index(resource_id)


def functions_of(protocol):
    return {name: call for name, call in vars(protocol).items() if inspect.isfunction(call)}


@pytest.mark.parametrize(
    ("protocol", "get", "name"),
    [
        *((AppServer, app_server, name) for name in APP_SERVERS),
        *((WebServer, web_server, name) for name in WEB_SERVERS),
    ],
)
def test_each_server_that_an_inventory_may_name_has_all_that_a_server_has(protocol, get, name):
    server = get(name)
    for each, wanted in functions_of(protocol).items():
        if each.startswith("_"):
            continue
        took = inspect.signature(getattr(server, each)).parameters.values()
        needs = list(inspect.signature(wanted).parameters.values())[1:]
        assert [(one.name, one.kind) for one in took] == [(one.name, one.kind) for one in needs]
    for each in inspect.get_annotations(protocol):
        assert hasattr(server, each), each


def test_every_host_has_the_base_role():
    assert list(ROLES) == ["base"]


@pytest.mark.parametrize("method", ["acme", "self-signed", "off"])
@pytest.mark.parametrize("facts", [BOOKWORM, TRIXIE])
def test_what_is_compiled_makes_a_plan(tmp_path, method, facts):
    resources = compiled(tmp_path, f'{HELLO}[tls]\nmethod = "{method}"\n', facts).values()
    assert len(make_plan(resources).resources) == len(resources)


def test_ports_come_first_so_that_a_taken_one_stops_the_run_before_it_changed_anything(tmp_path):
    assert list(compiled(tmp_path, HELLO))[:2] == ["port:80", "port:443"]


def test_nginx_answers_on_port_80_before_the_authority_is_asked_and_on_443_after(tmp_path):
    resources = compiled(tmp_path, HELLO)
    order = ["file-set:nginx", "service:nginx", "certificate:hello", "file-set:nginx-tls"]
    positions = [position(resources, each) for each in (*order, "service:nginx-tls")]
    assert positions == sorted(positions)


def test_a_self_signed_certificate_is_there_before_nginx(tmp_path):
    resources = compiled(tmp_path, HELLO + '[tls]\nmethod = "self-signed"\n')
    assert position(resources, "self-signed:hello") < position(resources, "file-set:nginx")


def test_a_host_without_apps_gets_no_web_server(tmp_path):
    text = '[hosts.db]\n[hosts.web1]\ngroups = ["web"]\n' + HELLO + 'hosts = ["web"]\n'
    resources = compiled(tmp_path, text)
    assert "packages:base" in resources
    assert not [each for each in resources if "nginx" in each or "hello" in each]


def test_only_the_apps_of_a_host_are_on_it(tmp_path):
    other = HELLO.replace("hello", "other") + 'hosts = ["web2"]\n'
    text = "[hosts.web1]\n[hosts.web2]\n" + HELLO + 'hosts = ["web1"]\n' + other
    resources = compiled(tmp_path, text)
    assert "user:hello" in resources
    assert "user:other" not in resources
    assert "homeport/sites/other.conf" not in resources["file-set:nginx"].files


def test_a_persons_own_role_comes_last(tmp_path):
    (tmp_path / "roles").mkdir()
    (tmp_path / "roles" / "mine.py").touch()
    text = '[hosts.web1]\nroles = ["mine"]\n' + OFF
    given = {"mine": lambda host, facts: [File("/etc/mine", f"{host.name} {facts.cores}\n")]}
    resources = compiled(tmp_path, text, own_roles=given)
    # What the app needs to run may be the role's.
    assert list(resources)[-8:] == [
        "file:/etc/mine", "leftover-programs:hello", "old-releases:hello",
        "static-files:hello/live replaced", "live-processes:hello", "kept-secrets:hello",
        "superseded:hello", "applied-settings:hello",
    ]  # fmt: skip
    assert resources["file:/etc/mine"].content.data == b"web1 2\n"


def test_each_resource_is_known_by_the_role_that_made_it(tmp_path):
    made = inventory(tmp_path, OFF)
    compiled_host = compile_host(made, made.hosts["web1"], BOOKWORM)
    assert list(compiled_host.roles) == [each.id for each in compiled_host.resources]
    roles = compiled_host.roles
    assert roles["packages:base"] == "base"
    assert roles["user:hello"] == "app"
    assert roles["service:nginx"] == roles["port:80"] == "nginx"


def test_a_role_that_was_not_loaded_is_named_with_the_nearest_one(tmp_path):
    (tmp_path / "roles").mkdir()
    (tmp_path / "roles" / "monitoring.py").touch()
    made = inventory(tmp_path, '[hosts.web1]\nroles = ["monitoring"]\n' + OFF)
    with pytest.raises(ConfigurationError, match="did you mean monitorng"):
        compile_host(made, made.hosts["web1"], BOOKWORM, {"monitorng": ROLES["base"]})


def test_facts_that_no_role_asks_for_change_nothing(tmp_path):
    plain = compiled(tmp_path, HELLO)
    assert compiled(tmp_path, HELLO, dataclasses.replace(BOOKWORM, debian="14")) == plain
    assert compiled(tmp_path, HELLO, dataclasses.replace(BOOKWORM, codename="other")) == plain


def test_no_two_packages_of_one_host_share_a_name_even_for_an_app_called_base(tmp_path):
    text = OFF.replace("apps.hello", "apps.base").replace("[tls]", 'packages = ["jq"]\n[tls]')
    resources = compiled(tmp_path, text)
    assert resources["packages:app-base"].names == ("jq",)


def test_apt_is_asked_only_for_versions_of_what_a_run_installs_or_debian_has(tmp_path):
    """A version of what nobody installs would cost every run the lists of apt, for ever."""
    made = compiled(tmp_path, HELLO).values()
    installed = {name for each in made if each.kind == "packages" for name in each.names}
    assert {*VERSIONS.values()} <= installed | {"openssl", "systemd"}
