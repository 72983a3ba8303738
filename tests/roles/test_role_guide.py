"""What the guide shows is what happens."""

import re
from dataclasses import replace
from pathlib import Path

import pytest

from provisioning.protocol.plan import make_plan
from provisioning.roles import load_own_roles
from tests.roles.samples import BOOKWORM, HELLO, TRIXIE, compiled
from tests.roles.test_nginx import files

GUIDE = (Path(__file__).parents[2] / "docs" / "role-guide.md").read_text()


def block(language: str, containing: str) -> str:
    """Return the one code block of the guide with this in it."""
    found = [
        text
        for text in re.findall(rf"^```{language}\n(.*?)^```", GUIDE, re.DOTALL | re.MULTILINE)
        if containing in text
    ]
    assert len(found) == 1
    return found[0]


def own(tmp_path, name, text, facts=BOOKWORM):
    """Return what the role of the guide adds to a host, as a plan would have it."""
    (tmp_path / "roles").mkdir()
    (tmp_path / "roles" / f"{name}.py").write_text(text)
    host = f'[hosts.web1]\nroles = ["{name}"]\n'
    with_role = compiled(tmp_path, host + HELLO, facts, own_roles=load_own_roles(tmp_path))
    without = compiled(tmp_path / "without", HELLO, facts)
    make_plan(with_role.values())
    added = [each for each in with_role if each not in without]
    # After what it may build upon, and before releases run that may need it.
    first = list(with_role).index("leftover-programs:hello") - len(added)
    assert list(with_role)[first : first + len(added)] == added
    assert [each for each in with_role if each in without] == list(without)
    return added


def test_the_example_gives_the_resources_that_the_guide_names(tmp_path):
    named = block("text", "packages:monitoring").split()
    example = block("python", "def monitoring")
    assert own(tmp_path, "monitoring", example) == named


def test_the_example_looks_at_facts(tmp_path):
    example = block("python", "def monitoring")
    made = own(tmp_path, "monitoring", example, replace(TRIXIE, container="lxc"))
    assert "packages:smart" not in made


def test_the_example_is_asked_for_as_the_guide_says(tmp_path):
    (tmp_path / "roles").mkdir()
    (tmp_path / "roles" / "monitoring.py").write_text(block("python", "def monitoring"))
    text = block("toml", "roles = ") + HELLO
    resources = compiled(tmp_path, text, own_roles=load_own_roles(tmp_path))
    assert "file-set:status" in resources


def test_the_drop_in_is_for_the_units_of_an_app(tmp_path):
    made = own(tmp_path, "role", block("python", "TasksMax"))
    assert made == ["unit:hello@.service.d/local.conf"]


def test_the_guide_names_every_directory_of_nginx_that_is_ours(tmp_path):
    sentence = re.search(r"in the directories .*?\.", GUIDE, re.DOTALL)[0]
    made = {path.partition("/")[0] for path in files(compiled(tmp_path, HELLO))}
    assert set(re.findall(r"`([\w.-]+)`", sentence)) == made - {"nginx.conf"}


def test_the_line_that_the_guide_shows_is_the_templates(tmp_path):
    number = int(re.search(r"from templates/nginx/homeport/server.conf.j2:(\d+)", GUIDE)[1])
    line = files(compiled(tmp_path, HELLO))["homeport/server.conf"].splitlines()[number - 1]
    assert line.strip().startswith("gzip")


@pytest.mark.parametrize("name", re.findall(r"`facts\.(\w+)`", GUIDE))
def test_the_facts_that_the_guide_names_exist(name):
    assert hasattr(BOOKWORM, name)
