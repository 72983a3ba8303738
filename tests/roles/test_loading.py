import pytest

from provisioning.errors import ConfigurationError
from provisioning.resources import File
from provisioning.roles import load_own_roles
from provisioning.roles.loading import resources_of
from tests.roles.samples import BOOKWORM, inventory


@pytest.fixture
def host(tmp_path):
    return inventory(tmp_path / "inventory-of-its-own", "[hosts.web1]\n").hosts["web1"]


@pytest.fixture
def write(tmp_path):
    def write(text, name="monitoring.py"):
        (tmp_path / "roles").mkdir(exist_ok=True)
        (tmp_path / "roles" / name).write_text(text)
        return tmp_path

    return write


def refusal(project):
    with pytest.raises(ConfigurationError) as caught:
        load_own_roles(project)
    return str(caught.value)


def compiling(project, host):
    with pytest.raises(ConfigurationError) as caught:
        resources_of("monitoring", load_own_roles(project)["monitoring"], host, BOOKWORM)
    return str(caught.value)


IMPORT = "from provisioning.resources import File\n"


@pytest.mark.parametrize("name", ["monitoring", "role"])
def test_a_role_is_the_function_named_as_its_file_or_role(write, host, name):
    project = write(f'{IMPORT}def {name}(host, facts):\n    return [File("/x", host.name)]\n')
    role = load_own_roles(project)["monitoring"]
    assert resources_of("monitoring", role, host, BOOKWORM) == [File("/x", "web1")]


def test_a_role_may_yield_and_may_use_dataclasses_of_its_own(write, host):
    project = write(
        "from __future__ import annotations\nfrom dataclasses import dataclass\n"
        + IMPORT
        + """
@dataclass
class Exporter:
    port: int

def role(host, facts):
    yield File("/x", str(Exporter(9100).port))
"""
    )
    role = load_own_roles(project)["monitoring"]
    assert resources_of("monitoring", role, host, BOOKWORM) == [File("/x", "9100")]


def test_files_with_an_underscore_first_are_no_roles(write):
    project = write("raise RuntimeError", "_helpers.py")
    assert load_own_roles(project) == {}


def test_a_project_without_roles_has_none(tmp_path):
    assert load_own_roles(tmp_path) == {}


def test_a_syntax_error_names_file_and_line(write):
    project = write("x = 1\ndef role(host, facts)\n    return []\n")
    assert refusal(project) == (
        f"cannot read the role monitoring: expected ':' ({project}/roles/monitoring.py:2)"
    )


def test_a_failing_import_names_file_and_line(write):
    project = write("import os\nimport no_such_module\n")
    assert refusal(project) == (
        "cannot load the role monitoring: ModuleNotFoundError: No module named 'no_such_module' "
        f"({project}/roles/monitoring.py:2)"
    )


def test_a_file_without_a_function_says_what_to_write(write):
    message = refusal(write("x = 1\n"))
    assert "has no function monitoring or role" in message
    assert "try: def monitoring(host, facts): return [...]" in message


def test_something_that_is_not_a_function_is_refused(write):
    assert "monitoring in " in refusal(write("monitoring = []\n"))


def test_a_failing_role_names_the_line_of_the_persons_file(write, host):
    project = write("def helper(x):\n    return x['a']\n\ndef role(host, facts):\n    helper({})\n")
    assert compiling(project, host) == (
        f"cannot compile the role monitoring for web1: KeyError: 'a' "
        f"({project}/roles/monitoring.py:2)"
    )


def test_a_resource_with_a_wrong_argument_is_told_with_the_line_that_made_it(write, host):
    project = write(f'{IMPORT}def role(host, facts):\n    return [File("/x", contents="")]\n')
    message = compiling(project, host)
    assert "TypeError" in message
    assert f"({project}/roles/monitoring.py:3)" in message


def test_a_role_that_returns_nothing_says_what_to_return(write, host):
    message = compiling(write("def role(host, facts):\n    pass\n"), host)
    assert "it returned nothing" in message
    assert "return a list of resources" in message


def test_a_role_that_returns_something_else_names_it(write, host):
    message = compiling(write("def role(host, facts):\n    return ['/etc/x']\n"), host)
    assert "it returned str, which is not a resource: '/etc/x'" in message


def test_a_role_may_refuse_in_its_own_words(write, host):
    project = write(
        "from provisioning.errors import ConfigurationError\n"
        "def role(host, facts):\n    raise ConfigurationError('not on this host')\n"
    )
    assert compiling(project, host) == "not on this host"
