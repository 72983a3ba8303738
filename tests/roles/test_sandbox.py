import pytest

from provisioning.roles import sandbox_properties
from tests.roles.samples import BOOKWORM, HELLO, RELEASE, inventory, units_of


def properties(tmp_path, text=""):
    return sandbox_properties(inventory(tmp_path, HELLO + text).apps["hello"], BOOKWORM)


def test_the_unit_has_every_property_of_the_sandbox_in_its_order(tmp_path):
    unit = units_of(tmp_path, HELLO)[f"hello@{RELEASE}.service"].splitlines()
    wanted = properties(tmp_path)
    start = unit.index(wanted[0])
    assert unit[start : start + len(wanted)] == wanted


def test_the_app_is_a_user_of_its_own_and_writes_only_where_it_may(tmp_path):
    made = properties(tmp_path)
    assert made[:2] == ["User=hello", "Group=hello"]
    assert "ProtectSystem=strict" in made
    assert [each for each in made if each.startswith("ReadWritePaths=")] == [
        "ReadWritePaths=/srv/hello/shared -/srv/hello/home"
    ]


def test_no_privileged_call_is_allowed_again_after_all_were_forbidden(tmp_path):
    filters = [each for each in properties(tmp_path) if each.startswith("SystemCallFilter=")]
    assert filters == [
        "SystemCallFilter=@system-service",
        "SystemCallFilter=~@privileged @resources",
    ]


def test_what_all_of_a_host_share_is_the_apps_own_or_out_of_its_reach(tmp_path):
    made = properties(tmp_path)
    for line in (
        "PrivateIPC=yes",
        "TemporaryFileSystem=/dev/shm:size=25%,mode=1777",
        "InaccessiblePaths=-/run/dbus",
    ):
        assert line in made


@pytest.mark.parametrize(
    ("network", "there", "absent"),
    [
        ("full", "RestrictAddressFamilies=AF_UNIX AF_INET AF_INET6", "IPAddressDeny=any"),
        ("local", "IPAddressDeny=any", "PrivateNetwork=yes"),
        ("none", "PrivateNetwork=yes", "RestrictAddressFamilies=AF_UNIX AF_INET AF_INET6"),
    ],
)
def test_the_network_is_what_was_asked_for(tmp_path, network, there, absent):
    made = properties(tmp_path, f'network = "{network}"\n')
    assert there in made
    assert absent not in made


def test_what_is_relaxed_is_left_out_and_nothing_else(tmp_path):
    strict = properties(tmp_path / "strict")
    relaxed = properties(tmp_path / "relaxed", 'relax = ["jit", "proc"]\n')
    assert set(strict) - set(relaxed) == {"MemoryDenyWriteExecute=yes", "ProcSubset=pid"}
    assert set(relaxed) <= set(strict)


@pytest.mark.parametrize(
    ("text", "line"),
    [("", "MemoryMax=75%"), ('memory_max = "512m"\n', "MemoryMax=536870912")],
)
def test_memory_is_always_bounded(tmp_path, text, line):
    made = [each for each in properties(tmp_path, text) if each.startswith("MemoryMax")]
    assert made == [line]
