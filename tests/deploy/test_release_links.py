"""Links of a source that lead somewhere else, and names that are a file and a folder."""

from __future__ import annotations

from typing import Any

import pytest

from provisioning.deploy.release_links import check_links
from provisioning.errors import ConfigurationError
from provisioning.inventory.models.app import App

FILES = ("app.py", "static/a.css", "brand/logo.png", "uploads/first")


def _app(**more: Any) -> App:
    given = {"static": {"/s/": "static"}, "shared": ["uploads"], **more}
    return App(name="hello", source=".", wsgi="app:app", domains=["hello.test"], **given)


def test_links_that_stay_are_fine() -> None:
    links = {"static/img": "../brand", "static/logo.png": "../brand/logo.png", "web": "static"}
    assert check_links(_app(), FILES, links) == []
    assert check_links(_app(static={"/s/": "web"}), FILES, links) == []


def test_all_that_lead_out_are_named_at_once() -> None:
    links = {
        "static/one": "/etc/hostname",
        "static/two": "../../outside",
        "static/three": "../uploads",
        "static/four": "four",
        # Not served: nobody's business.
        "config": "/etc/hello",
    }
    with pytest.raises(ConfigurationError) as caught:
        check_links(_app(), FILES, links)
    told = caught.value.output.splitlines()
    assert [line.split(" ")[0] for line in told] == [
        "static/four", "static/one", "static/three", "static/two",
    ]  # fmt: skip
    assert "-> /etc/hostname leads out of the release" in told[1]
    assert caught.value.message == (
        "cannot deploy hello: some of its static files cannot be published"
    )
    assert caught.value.hint.startswith("git-track the files themselves, or links to files")


def test_a_static_folder_that_leads_out_is_refused() -> None:
    with pytest.raises(ConfigurationError, match="static folder web: it leads out of the release"):
        check_links(_app(static={"/s/": "web"}), FILES, {"web": "/var/www"})


def test_a_link_to_what_is_not_deployed_is_told() -> None:
    [note] = check_links(_app(), FILES, {"static/app.js": "../build/app.js"})
    assert "static/app.js -> ../build/app.js" in note


def test_a_shared_folder_behind_a_link_is_refused() -> None:
    with pytest.raises(ConfigurationError, match="var is a link to /home/ann"):
        check_links(_app(shared=["var/uploads"]), FILES, {"var": "/home/ann"})
    # What stands in the folder's own place gives way to it.
    assert check_links(_app(), FILES, {"uploads": "/home/ann"}) == []


def test_a_url_that_is_a_file_and_a_folder_is_refused() -> None:
    app = _app(static={"/s/": "static", "/s/a.css/": "brand"})
    with pytest.raises(ConfigurationError, match=r"/s/a\.css is the file static/a\.css, and a f"):
        check_links(app, FILES, {})


def test_a_static_folder_without_files_is_told_unless_a_build_makes_it() -> None:
    [note] = check_links(_app(), ("app.py",), {})
    assert "/s/ has no files: nothing of static is deployed" in note
    assert check_links(_app(build=["make"]), ("app.py",), {}) == []
