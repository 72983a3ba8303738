import pytest

from provisioning.errors import ConfigurationError
from tests.roles.samples import HELLO, compiled, text_of


def test_only_the_apps_own_directories_are_writable_for_it(tmp_path):
    text = HELLO + 'shared = ["instance", "var/uploads"]\n'
    resources = compiled(tmp_path, text)
    owned = {
        each.path: (each.mode, each.owner, each.group)
        for each in resources.values()
        if each.kind == "directory" and each.path.startswith("/srv/")
    }
    roots = ("0755", "root", "root")
    apps = ("0750", "hello", "hello")
    assert owned == {
        "/srv/hello": roots,
        "/srv/hello/releases": roots,
        "/srv/hello/venvs": roots,
        "/srv/hello/static": roots,
        "/srv/hello/env": ("0750", "root", "hello"),
        "/srv/hello/shared": apps,
        "/srv/hello/shared/instance": apps,
        "/srv/hello/shared/var": apps,
        "/srv/hello/shared/var/uploads": apps,
    }


def test_two_shared_folders_in_one_folder_make_that_one_once(tmp_path):
    resources = compiled(tmp_path, HELLO + 'shared = ["var/a", "var/b"]\n')
    made = [each for each in resources if each.startswith("directory:/srv/hello/shared/")]
    assert made == [f"directory:/srv/hello/shared/{each}" for each in ("var", "var/a", "var/b")]


def test_the_web_servers_group_reaches_the_sockets_and_nobody_else(tmp_path):
    text = text_of(compiled(tmp_path, HELLO)["tmpfiles:homeport-hello"])
    assert "d /run/hello 2750 hello www-data -" in text.splitlines()


def test_an_apps_temporary_files_are_its_own(tmp_path):
    resources = compiled(tmp_path, HELLO)
    made = text_of(resources["tmpfiles:homeport-hello"]).splitlines()
    assert "d /srv/hello/tmp 0700 hello hello 10d" in made
    unit = text_of(resources["unit:hello@.service"]).splitlines()
    assert "BindPaths=/srv/hello/tmp:/tmp /srv/hello/tmp:/var/tmp" in unit


def test_an_apps_packages_are_installed(tmp_path):
    resources = compiled(tmp_path, HELLO + 'packages = ["libpq5"]\n')
    assert resources["package:app-hello"].names == ("libpq5",)


@pytest.mark.parametrize("name", ["backup", "www-data", "lock", "systemd-journal", "nginx"])
def test_a_name_that_debian_uses_itself_is_refused(tmp_path, name):
    with pytest.raises(ConfigurationError, match=f"cannot call an app {name}") as caught:
        compiled(tmp_path, HELLO.replace("apps.hello", f"apps.{name}"))
    assert f"[apps.{name}-app]" in caught.value.hint
