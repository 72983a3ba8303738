"""What the rows say is within bounds, the docs list it, and what walks them can be trusted."""

from __future__ import annotations

from pathlib import Path
from typing import Any, cast

import pytest

from provisioning.lab import Lab
from tests.apps.__main__ import main
from tests.apps.app import MOST_LINES, App, changed, key, made
from tests.apps.browser import Browser, multipart
from tests.apps.listing import BEGIN, END, listing
from tests.apps.repository import with_key
from tests.apps.rows import APPS
from tests.apps.rows.flaskr import FLASKR
from tests.apps.walk import Walk, Walked
from tests.docs.inventories import RECIPES
from tests.e2e.site import Answer, Site


def test_there_are_enough_apps_each_with_a_name_of_its_own() -> None:
    assert len({app.name for app in APPS}) == len(APPS) >= 12


@pytest.mark.parametrize("app", APPS, ids=lambda app: app.name)
def test_few_lines_are_changed_by_hand_each_with_a_reason(app: App) -> None:
    assert len(app.lines) <= MOST_LINES
    assert all(edit.why for edit in app.by_hand)
    assert app.pages
    assert app.suites


def test_the_docs_list_every_line_with_its_reason() -> None:
    page = RECIPES.read_text()
    shown = page.partition(BEGIN)[2].partition(END)[0]
    assert shown == f"\n{listing(APPS)}", "python -m tests.apps --list prints it"


INVENTORY = '[apps.a]\nsource = ".."\nhealth = "/"   # why\n\n[apps.a.env]\n# LOG = "x"\n\n[tls]\n'


@pytest.mark.parametrize(
    ("table", "line", "old", "new"),
    [
        ("apps.a", 'health = "/up"', 'health = "/"   # why', 'health = "/up"'),
        ("apps.a", "workers = 2", "[apps.a]\n", "[apps.a]\nworkers = 2\n"),
        ("apps.a.env", 'LOG = "y"', '# LOG = "x"', 'LOG = "y"'),
        ("apps.a.secrets", "K = 1", "[tls]\n", "[tls]\n\n[apps.a.secrets]\nK = 1\n"),
    ],
)
def test_a_line_comes_into_its_table(table: str, line: str, old: str, new: str) -> None:
    assert with_key(INVENTORY, table, line) == INVENTORY.replace(old, new)


def test_lines_that_were_there_are_not_counted() -> None:
    app = App(
        "a", "k", "o", lambda _: None,
        (key("x = 1", "w"), changed("f", "A = 1", "A = 1\nB = 2", "w"), made("g", "C\nD", "w")),
        lambda _: None, lambda _: None, "f",
    )  # fmt: skip
    assert [line for line, _ in app.lines] == ["x = 1", "B = 2", "C", "D"]


class Pages:
    """A site that answers what it is told, and keeps what it was asked."""

    name = "a.lab"

    def __init__(self, *answers: Answer) -> None:
        self.answers = list(answers)
        self.asked: list[tuple[str, str, bytes, dict[str, str]]] = []

    def browser(self) -> Browser:
        browser = Browser(cast(Site, self))
        browser.request = self._request  # type: ignore[method-assign]
        return browser

    def _request(self, method: str, path: str, body: bytes = b"", headers: Any = None) -> Answer:
        self.asked.append((method, path, body, headers or {}))
        return self.answers.pop(0)


def ok(text: str) -> Answer:
    return Answer(200, {}, text.encode())


FORM = (
    '<form action="/other"><input name="q"></form><form method="post" action="../in">'
    '<input type="hidden" name="token" value="t"><input name="user">'
    '<input type="checkbox" name="c">'
    '<select name="s"><option value="1"><option value="2" selected></select>'
    '<input type="submit" name="go" value="Go"></form><input name="outside">'
)


def test_a_form_is_sent_with_what_it_holds() -> None:
    site = Pages(ok(FORM), Answer(302, {"location": "/home"}, b""), ok("welcome"))
    assert site.browser().submit("/people/new/", {"user": "mila"}) == "welcome"
    method, path, body, _ = site.asked[1]
    assert (method, path, body) == ("POST", "/people/in", b"token=t&user=mila&s=2")


@pytest.mark.parametrize(
    ("answers", "words"),
    [
        ([ok("<form></form>")], "no form of /"),
        ([Answer(500, {}, b"Traceback")], "500 Traceback"),
        ([Answer(302, {"location": "https://elsewhere.example/"}, b"")], "leads to"),
        ([Answer(302, {"location": "/"}, b"")] * 9, "302"),
    ],
)
def test_what_goes_wrong_at_a_form_is_said(answers: list[Answer], words: str) -> None:
    with pytest.raises(AssertionError, match=words):
        Pages(*answers).browser().submit("/", {"user": "mila"})


def test_files_are_sent_as_they_are() -> None:
    kind, body = multipart({"a": "1"}, {"f": ("x.bin", b"\x00\r\n\xff")})
    boundary = kind.partition("boundary=")[2].encode()
    parts = body.split(b"--" + boundary)
    assert parts[1].endswith(b'name="a"\r\n\r\n1\r\n')
    assert b'name="f"; filename="x.bin"' in parts[2]
    assert parts[2].endswith(b"\r\n\r\n\x00\r\n\xff\r\n")
    assert parts[3] == b"--\r\n"


@pytest.mark.parametrize(
    "spoil", [{"changes": ["file:/x"]}, {"failures": ["500"]}, {"wrong": "no"}, {"requests": 0}],
    ids=lambda spoil: next(iter(spoil)),
)  # fmt: skip
def test_a_walk_on_which_anything_is_wrong_is_not_good(spoil: dict[str, Any]) -> None:
    good: dict[str, Any] = {"requests": 9}
    assert Walked("a", "trixie", **good).is_good
    assert not Walked("a", "trixie", **{**good, **spoil}).is_good


def test_an_app_that_is_not_there_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["--apps", "nobody"])
    assert "there is no nobody; there are: flaskr, " in capsys.readouterr().err


@pytest.mark.lab
@pytest.mark.thorough
def test_an_app_that_others_wrote_goes_all_the_way(lab: Lab, tmp_path: Path) -> None:
    walk = Walk(lab, tmp_path / "flaskr-walk", FLASKR, "trixie")
    try:
        seen = walk.go()
    finally:
        walk.close()
    assert seen.is_good, seen
