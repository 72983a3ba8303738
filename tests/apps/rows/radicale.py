"""Radicale: calendars and contacts, a WSGI app without a framework."""

from __future__ import annotations

from pathlib import Path

from tests.apps.app import App, changed, key
from tests.apps.browser import Browser
from tests.apps.sources import sdist

RADICALE_SDIST = "radicale==3.9.0"

_CALENDAR = "/mila/tides/"
_EVENT = (
    "BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:-//harbour//EN\r\nBEGIN:VEVENT\r\nUID:high\r\n"
    "DTSTAMP:20260101T060000Z\r\nDTSTART:20260101T060000Z\r\nSUMMARY:High water\r\n"
    "END:VEVENT\r\nEND:VCALENDAR\r\n"
)
_MAKE = (
    '<?xml version="1.0"?><create xmlns="DAV:" xmlns:C="urn:ietf:params:xml:ns:caldav"><set><prop>'
    "<resourcetype><collection/><C:calendar/></resourcetype></prop></set></create>"
)
_MILA = {"Authorization": "Basic bWlsYTptaWxh"}


def write(directory: Path) -> None:
    """Write the app."""
    sdist(RADICALE_SDIST, directory)


def _first(browser: Browser) -> None:
    made = browser.request("MKCOL", _CALENDAR, _MAKE.encode(), _MILA)
    assert made.status == 201, made
    browser.put(f"{_CALENDAR}high.ics", _EVENT.encode(), {**_MILA, "Content-Type": "text/calendar"})
    _later(browser)


def _later(browser: Browser) -> None:
    answer = browser.request("GET", f"{_CALENDAR}high.ics", b"", _MILA)
    assert (answer.status, b"SUMMARY:High water" in answer.body) == (200, True), answer


RADICALE = App(
    name="radicale",
    kind="WSGI without a framework",
    origin=RADICALE_SDIST,
    write=write,
    by_hand=(
        changed("config", "#type = denyall", "type = none", "who may log in; here anybody"),
        changed(
            "config",
            "#filesystem_folder = /var/lib/radicale/collections",
            "filesystem_folder = collections",
            "a folder of the app",
        ),
        key('shared = ["collections"]', "calendars"),
        key('health = "/.web/"', "`/` leads there"),
        key('RADICALE_CONFIG = "config"', "the file of settings", ".env"),
    ),
    first_visit=_first,
    later_visit=_later,
    edition="radicale/utils.py",
    pages=("/.web/",),
)
