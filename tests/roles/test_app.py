import pytest

from provisioning.errors import ConfigurationError
from tests.roles.samples import HELLO, RELEASE, compiled, text_of, units_of


def test_only_the_apps_own_directories_are_writable_for_it(tmp_path):
    text = HELLO + 'shared = ["instance", "var/uploads"]\n'
    resources = compiled(tmp_path, text)
    owned = {
        each.path: (each.mode, each.owner, each.group)
        for each in resources.values()
        if each.kind == "directory" and each.path.startswith("/srv/")
    }
    # Other apps of the host read none of it; the web server gets what it serves, and goes through.
    read_by_app = ("0750", "root", "hello")
    assert owned == {
        "/srv/hello": ("0751", "root", "root"),
        "/srv/hello/releases": read_by_app,
        "/srv/hello/venvs": read_by_app,
        "/srv/hello/images": read_by_app,
        "/srv/hello/env": read_by_app,
        "/srv/hello/static": ("0750", "root", "www-data"),
        "/srv/hello/shared": ("0750", "hello", "hello"),
        "/srv/hello/home": ("0700", "hello", "hello"),
    }
    # What is below that is the app's: root goes there part by part.
    assert resources["shared-folders:hello"].folders == ("instance", "var/uploads")


def test_an_app_without_shared_folders_has_no_resource_for_them(tmp_path):
    assert "shared-folders:hello" not in compiled(tmp_path, HELLO)


def test_the_web_servers_group_reaches_the_sockets_and_nobody_else(tmp_path):
    made = text_of(compiled(tmp_path, HELLO)["tmpfiles:homeport.hello"]).splitlines()
    # Both are root's: no app can put a socket, or a link, in the place of another one.
    assert "d /run/homeport-sockets 0755 root root -" in made
    assert "d /run/homeport-sockets/hello 0750 root www-data -" in made
    socket = units_of(tmp_path, HELLO)[f"hello@{RELEASE}.socket"].splitlines()
    for line in (
        f"ListenStream=/run/homeport-sockets/hello/{RELEASE}.sock",
        "SocketUser=root", "SocketGroup=www-data", "SocketMode=0660",
    ):  # fmt: skip
        assert line in socket


def test_no_apps_settings_of_temporary_files_can_be_taken_for_anothers(tmp_path):
    """An app of today called "x" had `homeport-x.conf`; names of apps have no dot."""
    text = HELLO + HELLO.replace("apps.hello", "apps.hello-conf").replace("hello.ex", "other.ex")
    made = [each for each in compiled(tmp_path, text) if each.startswith("tmpfiles:")]
    assert made == ["tmpfiles:homeport.hello", "tmpfiles:homeport.hello-conf"]


def test_an_apps_temporary_files_are_its_own(tmp_path):
    made = text_of(compiled(tmp_path, HELLO)["tmpfiles:homeport.hello"]).splitlines()
    assert "d /srv/hello/tmp 0700 hello hello 10d" in made
    unit = units_of(tmp_path, HELLO)[f"hello@{RELEASE}.service"].splitlines()
    assert "BindPaths=/srv/hello/tmp:/tmp /srv/hello/tmp:/var/tmp" in unit


def test_an_apps_packages_are_installed(tmp_path):
    resources = compiled(tmp_path, HELLO + 'packages = ["libpq5"]\n')
    assert resources["packages:app-hello"].names == ("libpq5",)


@pytest.mark.parametrize("name", ["backup", "www-data", "lock", "systemd-journal", "nginx"])
def test_a_name_that_debian_uses_itself_is_refused(tmp_path, name):
    with pytest.raises(ConfigurationError, match=f"cannot call an app {name}") as caught:
        compiled(tmp_path, HELLO.replace("apps.hello", f"apps.{name}"))
    assert f"[apps.{name}-app]" in caught.value.hint
