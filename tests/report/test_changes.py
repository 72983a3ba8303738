from __future__ import annotations

import pytest

from provisioning.agent import events
from provisioning.report.changes import VALUE_CHARS, took, words_for
from provisioning.secrets import Secret
from tests.report.samples import CHANGED_FILE, FAILED, NEW, NEW_FILE, OLD


def changed(**change):
    return words_for(events.Finished("kind:name", events.CHANGED, change))


def test_a_digest_shows_as_the_name_of_what_it_digests():
    words = words_for(CHANGED_FILE)
    assert (words.symbol, words.details) == ("~", "content, mode 0640 -> 0644")


def test_a_new_file_needs_no_list_of_its_attributes():
    words = words_for(NEW_FILE)
    assert (words.symbol, words.id, words.details) == ("+", "file:/etc/new", "")


def test_a_new_link_says_where_it_leads():
    assert changed(type=(None, "link"), target=(None, "/srv/x")).details == "target /srv/x"


def test_a_file_that_becomes_a_directory_says_so():
    assert changed(type=("file", "directory"), mode=("0644", "0755")).details == (
        "file -> directory, mode 0644 -> 0755"
    )


@pytest.mark.parametrize(
    ("change", "symbol", "details"),
    [
        ({"nginx": ("absent", "installed"), "curl": ("absent", "installed")}, "+", "nginx, curl"),
        ({"apache2": ("installed", "absent")}, "-", "apache2"),
        (
            {"nginx": ("absent", "installed"), "apache2": ("installed", "absent")},
            "~",
            "nginx, not apache2",
        ),
        ({"type": ("link", None)}, "-", "link"),
        ({"present": (False, True)}, "+", ""),
        ({"done": (False, True)}, "+", ""),
        ({"running": (False, True), "masked": (True, False)}, "~", "running, not masked"),
        ({"health": (None, 200)}, "+", "health 200"),
        ({"to publish": (14, 0)}, "~", "published 14"),
        ({"to make": ("instance", "")}, "+", "made instance"),
        ({"to put in order": ("a.timer", "")}, "~", "repaired a.timer"),
        ({"loaded": (OLD, NEW)}, "~", "reloaded"),
        ({"loaded": ("never", NEW), "started": (OLD, NEW)}, "~", "reloaded, restarted"),
        ({"to remove": ("a b", "")}, "-", "removed a b"),
        ({"ran_with": (OLD, NEW)}, "~", "ran with"),
        ({"ready": (None, NEW)}, "+", ""),
        ({"ready": (OLD, NEW)}, "~", "ready"),
    ],
)
def test_a_change_is_said_in_few_words(change, symbol, details):
    words = changed(**change)
    assert (words.symbol, words.details) == (symbol, details)


def test_a_member_of_a_file_set_says_whether_its_content_or_its_mode_differs():
    words = changed(
        **{
            "a.conf": (f"0644 {OLD}", f"0644 {NEW}"),
            "b.conf": (f"0600 {NEW}", f"0644 {NEW}"),
            "new.conf": ("", f"0644 {NEW}"),
            "on.conf": ("-> ../old", "-> ../new"),
        }
    )
    assert words.details == ("a.conf, b.conf 0600 -> 0644, new.conf, on.conf ../old -> ../new")


def test_a_long_value_is_cut():
    details = changed(shell=("/bin/sh", "x" * 100)).details
    assert details == "shell /bin/sh -> " + "x" * (VALUE_CHARS - 3) + "..."


def test_of_many_names_the_rest_is_counted():
    words = changed(**{f"p{number}": ("absent", "installed") for number in range(9)})
    assert words.details == "p0, p1, p2, p3, p4, and 4 more"


def test_exactly_as_many_names_as_fit_are_all_shown():
    words = changed(**{f"p{number}": ("absent", "installed") for number in range(6)})
    assert words.details == "p0, p1, p2, p3, p4, p5"


def test_a_check_says_would():
    assert words_for(NEW_FILE).would() == "would be added"
    assert words_for(CHANGED_FILE).would() == "would change content, mode 0640 -> 0644"
    assert changed(type=("link", None)).would() == "would remove link"
    assert changed(**{"to make": ("instance", "")}).would() == "would make instance"
    assert changed(loaded=(OLD, NEW), started=(OLD, NEW)).would() == "would reload, restart"


def test_a_failure_says_why():
    words = words_for(FAILED)
    assert (words.symbol, words.details) == ("!", "cannot reload nginx.service: exit status 1")


def test_a_secret_is_masked_before_its_value_is_cut():
    value = "canary-" + "9" * 60
    Secret(value)
    assert "canary" not in changed(shell=("/bin/sh", value)).details


@pytest.mark.parametrize(("seconds", "words"), [(0.0, ""), (0.9, ""), (1.2, "1 s"), (75.0, "75 s")])
def test_a_step_that_takes_time_says_so(seconds, words):
    assert took(events.Finished("x:y", "changed", {"a": (1, 2)}, seconds=seconds)) == words
