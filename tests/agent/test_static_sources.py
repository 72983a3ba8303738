"""Which files of a release are published: those that were deployed, however they are reached."""

from __future__ import annotations

from typing import Any

import pytest

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
    assert caught.value.hint


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
