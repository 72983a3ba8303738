"""An app in its sandbox does not lead root astray in the folders that are its own."""

from __future__ import annotations

import pytest

from tests.attacks.conftest import Neighbourhood
from tests.attacks.running import FOR_S, attack

pytestmark = pytest.mark.lab


def test_a_link_in_shared_leads_to_no_other_file(neighbourhood: Neighbourhood, suite: str) -> None:
    """Proof 3: the first content of a shared folder, exchanged while root puts it there."""
    project = neighbourhood(suite)
    folder = project.source("evil") / "instance"
    folder.mkdir()
    for number in range(300):
        (folder / f"{number}.txt").write_text("the beginning of a shared folder\n")
    targets = ["/srv/victim/secrets.json", "/etc/canary", "/root/canary"]
    with attack(project, "swap_new_folders", AWAY="instance", TARGETS=targets, FOR_S=FOR_S) as said:
        # Refusing is as good as succeeding.
        project.deploy("evil")
        project.deploy("evil")
    assert any(line.startswith("swaps") for line in said), said
    assert not [line for line in said if line.startswith("READ")], said
    project.deploy("victim").must_succeed()


def test_a_link_in_a_shared_folder_on_the_way_leads_nowhere(
    neighbourhood: Neighbourhood, suite: str
) -> None:
    """Proof 4: nested shared folders, whose parents are exchanged while root repairs them."""
    project = neighbourhood(suite)
    host = project.host
    parents = [f"v{number}" for number in range(60)]
    names = ["log", "cache", "spool", "lib"]
    shared = [f"{parent}/{names[index % 4]}" for index, parent in enumerate(parents)]
    listed = ", ".join(f'"{each}"' for each in ("instance", *shared))
    project.configure_app("evil", f"shared = [{listed}]\n", instead_of='shared = ["instance"]\n')
    project.provision().must_succeed()
    look = "stat -c '%n %A %U %G' /var /var/log /var/cache /var/spool /var/lib"
    before = host.shell(look)
    with attack(project, "swap_parents", PARENTS=parents, TARGET="/var", FOR_S=FOR_S) as said:
        for _ in range(3):
            project.provision()
            if host.shell(look) != before:
                break
        project.deploy("evil")
    assert f"linked {len(parents)}" in said, said
    assert host.shell(look) == before, said
    made = host.shell("find /var -xdev -maxdepth 2 -user evil", check=False)
    assert made == ""


def test_deep_directories_block_nobody(neighbourhood: Neighbourhood, suite: str) -> None:
    """Proof 8: trees that are too deep to walk, where root tidies up."""
    project = neighbourhood(suite)
    project.deep = True
    result = project.run("evil", "block").must_succeed()
    assert result.stdout.count("BLOCKED") >= 1, result.stdout
    project.configure_app(
        "evil", 'shared = ["instance", "uploads"]\n', instead_of='shared = ["instance"]\n'
    )
    outcomes = {
        "provision": project.provision(),
        "deploy of victim": project.deploy("victim"),
        "deploy of evil": project.deploy("evil"),
    }
    failed = {what: each.output[-600:] for what, each in outcomes.items() if each.code != 0}
    assert not failed, result.stdout


def test_an_app_cannot_fill_the_hosts_memory_by_files(
    neighbourhood: Neighbourhood, suite: str
) -> None:
    """Proof 10: /run and /dev/shm are memory, which the host shares with systemd and the agent."""
    project = neighbourhood(suite)
    look = "df --output=used --block-size=1M /run /dev/shm | tail -n +2"
    before = [int(word) for word in project.host.shell(look).split()]
    result = project.run("evil", "fill", MIB=64)
    now = [int(word) for word in project.host.shell(look).split()]
    assert "/dev/shm" in result.stdout, result.output
    grown = {
        place: after - was
        for place, was, after in zip(("/run", "/dev/shm"), before, now, strict=True)
        if after - was > 8
    }
    assert grown == {}, result.stdout
