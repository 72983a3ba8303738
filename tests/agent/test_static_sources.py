"""Which files of a release are published: those that were deployed, however they are reached."""

from __future__ import annotations

from typing import Any

import pytest

from provisioning.agent.apps.static_sources import published as published_of
from provisioning.agent.apps.static_sources import static_sources
from provisioning.agent.errors import AgentError


def _manifest(static: dict[str, str], *files: str, **more: Any) -> dict[str, Any]:
    return {"static": static, "files": dict.fromkeys(files, ""), **more}


@pytest.mark.parametrize(
    ("static", "links", "published"),
    [
        ({"/static/": "static"}, {}, {"static/a.css": "static/a.css", "static/d/b": "static/d/b"}),
        ({"/": "static"}, {}, {"a.css": "static/a.css", "d/b": "static/d/b"}),
        ({"/s/t/": "static/"}, {}, {"s/t/a.css": "static/a.css", "s/t/d/b": "static/d/b"}),
        ({"/x/": "./static/d"}, {}, {"x/b": "static/d/b"}),
        ({"/x/": "stat"}, {}, {}),
        ({"/x/": "nothing"}, {}, {}),
        ({"/a/": "static/d", "/b/": "dist"}, {}, {"a/b": "static/d/b", "b/c": "dist/c"}),
        # By links, as the kernel would go.
        ({"/x/": "pub"}, {"pub": "dist"}, {"x/c": "dist/c"}),
        ({"/x/": "pub"}, {"pub": "./static/../dist/"}, {"x/c": "dist/c"}),
        ({"/x/": "pub/d"}, {"pub": "static"}, {"x/b": "static/d/b"}),
        ({"/x/": "web/pub"}, {"web/pub": "../dist"}, {"x/c": "dist/c"}),
        ({"/x/": "one"}, {"one": "two", "two": "three/", "three": "dist"}, {"x/c": "dist/c"}),
        ({"/x/": "w/pub/deep"}, {"w": "web", "web/pub": "../static", "static/deep": "d"},
         {"x/b": "static/d/b"}),
        # Links besides are of no account.
        ({"/x/": "dist"}, {"other": "/etc", "static/x": "../../.."}, {"x/c": "dist/c"}),
    ],
)  # fmt: skip
def test_files_that_were_deployed_are_published_where_they_belong(
    static: dict[str, str], links: dict[str, str], published: dict[str, str]
) -> None:
    files = ("static/a.css", "static/d/b", "dist/c", "app.py", "static.txt")
    assert static_sources(_manifest(static, *files, links=links)) == published


@pytest.mark.parametrize(
    ("folder", "links"),
    [
        ("pub", {"pub": "/etc"}),
        ("pub", {"pub": "/srv/hello/shared/uploads"}),
        ("pub", {"pub": ".."}),
        ("pub", {"pub": "../../shared/uploads"}),
        ("web/pub", {"web/pub": "../../x"}),
        ("pub/deep", {"pub": "../elsewhere"}),
        # Into what the app writes, at once or by another link, and into a folder in there.
        ("pub", {"pub": "uploads"}),
        ("pub", {"pub": "uploads/avatars"}),
        ("pub", {"pub": "var/media/x"}),
        ("pub/y", {"pub": "var/media"}),
        ("one", {"one": "two", "two": "uploads"}),
        ("w/media", {"w": "var"}),
        # In circles.
        ("pub", {"pub": "pub"}),
        ("one", {"one": "two", "two": "one"}),
        ("one", {"one": "one/x"}),
    ],
)
def test_a_folder_that_leads_out_of_the_release_is_refused(
    folder: str, links: dict[str, str]
) -> None:
    manifest = _manifest(
        {"/x/": folder}, "uploads/secret", "dist/c", links=links, shared=["uploads", "var/media"]
    )
    with pytest.raises(AgentError, match=f"cannot publish the static folder {folder}") as caught:
        static_sources(manifest)
    assert caught.value.refused
    assert caught.value.hint == "name the folder of the source that holds the files"


def test_a_link_may_lead_past_a_shared_folder() -> None:
    manifest = _manifest(
        {"/x/": "pub"}, "uploads-of-ours/c", links={"pub": "uploads-of-ours"}, shared=["uploads"]
    )
    assert static_sources(manifest) == {"x/c": "uploads-of-ours/c"}


def test_what_an_earlier_homeport_told_of_a_release_is_enough() -> None:
    """It told of no links; a release without static files tells nothing."""
    assert static_sources({}) == {}
    assert static_sources({"static": {"/s/": "static"}}) == {}
    assert static_sources(_manifest({"/s/": "static"}, "static/a")) == {"s/a": "static/a"}


@pytest.mark.parametrize(
    ("links", "published"),
    [
        # To a file, a folder, by several steps, and up and down again.
        ({"static/logo.png": "../brand/logo.png"}, {"s/logo.png": "brand/logo.png"}),
        ({"static/img": "../brand"}, {"s/img/logo.png": "brand/logo.png"}),
        ({"static/img": "../brand/"}, {"s/img/logo.png": "brand/logo.png"}),
        ({"static/a": "b", "static/b": "c", "static/c": "../brand/logo.png"},
         {"s/a": "brand/logo.png", "s/b": "brand/logo.png", "s/c": "brand/logo.png"}),
        ({"static/x": "../brand/../static/d"}, {"s/x/b": "static/d/b"}),
        # In a folder that is reached by a link.
        ({"static/img": "../brand", "brand/more": "../static/d"},
         {"s/img/logo.png": "brand/logo.png", "s/img/more/b": "static/d/b"}),
        # Up from where a link leads, as the kernel goes: not from where it stands.
        ({"deep": "static/d", "static/x": "../deep/../a.css"}, {"s/x": "static/a.css"}),
        # Once, where it leads to what it stands in.
        ({"static/v1": "."},
         {"s/v1/a.css": "static/a.css", "s/v1/d/b": "static/d/b"}),
        # What is hidden is a file like any other here.
        ({"static/.hidden": "../brand"}, {"s/.hidden/logo.png": "brand/logo.png"}),
    ],
)  # fmt: skip
def test_links_in_a_static_folder_are_followed(
    links: dict[str, str], published: dict[str, str]
) -> None:
    files = ("static/a.css", "static/d/b", "brand/logo.png", "app.py")
    manifest = _manifest({"/s/": "static"}, *files, links=links)
    own = {"s/a.css": "static/a.css", "s/d/b": "static/d/b"}
    found = published_of(manifest)
    assert found.files == {**own, **published}
    assert not found.refused
    assert not found.dangling


@pytest.mark.parametrize(
    ("target", "why"),
    [
        ("/etc/hostname", "leads out of the release"),
        ("/srv/hello/releases/x/code/brand/logo.png", "leads out of the release"),
        ("../../outside", "leads out of the release"),
        ("../uploads", "leads into the shared folder uploads"),
        ("../uploads/a.png", "leads into the shared folder uploads"),
        ("x", "is part of a loop of links"),
        ("x/y", "is part of a loop of links"),
    ],
)
def test_links_in_a_static_folder_that_lead_out_are_told(target: str, why: str) -> None:
    manifest = _manifest(
        {"/s/": "static"}, "static/a", links={"static/x": target}, shared=["uploads"]
    )
    found = published_of(manifest)
    assert found.files == {"s/a": "static/a"}
    assert list(found.refused) == ["static/x"]
    assert f"static/x -> {target} {why}" in found.refused["static/x"]


def test_links_to_what_was_not_deployed_are_told() -> None:
    manifest = _manifest({"/s/": "static"}, "static/a", links={"static/x": "../build/app.js"})
    assert published_of(manifest).dangling == {"static/x": "../build/app.js"}


def test_links_that_multiply_are_refused() -> None:
    links = {
        f"static/{one}/{other}": f"../{other}"
        for one in range(12) for other in range(12) if one != other
    }  # fmt: skip
    files = [f"static/{one}/f" for one in range(12)]
    with pytest.raises(AgentError, match="its links lead to more than"):
        static_sources(_manifest({"/s/": "static"}, *files, links=links))


def test_the_longer_url_says_where_two_overlap() -> None:
    for order in (("/s/", "/s/x/"), ("/s/x/", "/s/")):
        folders = {"/s/": "a", "/s/x/": "b"}
        manifest = _manifest({url: folders[url] for url in order}, "a/x/f", "b/f", "a/g")
        assert static_sources(manifest) == {"s/x/f": "b/f", "s/g": "a/g"}
