"""Web servers: sites to resources, first what needs no certificate, then the rest.

One file each, by the name that stands in the inventory (models/web_servers.py).
"""

from __future__ import annotations

import importlib
import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Protocol, cast

from provisioning.agent.facts import Facts
from provisioning.resources import Resource
from provisioning.roles.site import KeyPair, Site, Snippet


class WebServer(Protocol):
    """The interface of the modules in this folder.

    Args:
        UNIT: Its unit of systemd.
        LOGS: Where it logs, on the host.
        BRINGS_CERTIFICATES: Whether it gets certificates from an ACME authority itself.
        KEY_READERS: The group as which it reads the keys of certificates that others bring.
        CHALLENGES: Where it answers an authority while another server has port 80:
            "127.0.0.1:580"; "" where it needs no answer of its own.
        ETAG: What it sends as ETag of a static file, so that its answers can be told from an app's.
    """

    UNIT: str
    LOGS: str
    BRINGS_CERTIFICATES: bool
    KEY_READERS: str
    CHALLENGES: str
    ETAG: re.Pattern[str]

    def installed(self, until: Sequence[str]) -> list[Resource]:
        """Return what must be there before the keys of certificates.

        Args:
            until: Units of the web servers that it replaces.
        """

    def front(
        self,
        sites: Sequence[Site],
        facts: Facts,
        *,
        key_pairs: Mapping[str, KeyPair],
        webroot: str,
        until: Sequence[str] = (),
    ) -> list[Resource]:
        """Return the server itself and all that it says on port 80.

        Args:
            sites: Those on this host.
            facts: Of the host.
            key_pairs: Site's name -> certificate and key that there will be; empty when there
                is no HTTPS. With it, port 80 only leads there.
            webroot: Directory with answers to an ACME authority, or "".
            until: Units of the web servers that it replaces.
        """

    def secure(
        self,
        sites: Sequence[Site],
        facts: Facts,
        *,
        key_pairs: Mapping[str, KeyPair],
        reload_on: Sequence[Resource],
        webroot: str,
    ) -> list[Resource]:
        """Return the configuration of port 443.

        Args:
            sites: Those on this host.
            facts: Of the host.
            key_pairs: Site's name -> certificate and key; empty when there is no HTTPS.
            reload_on: Resources that make the certificates.
            webroot: Directory with answers to an ACME authority, or "".
        """

    def without(self, app: str, *, sites: Sequence[str], is_last: bool) -> list[Resource]:
        """Return the resources that remove an app from the web server.

        Args:
            app: The app's name; the inventory may have it no more.
            sites: Names of sites that no other app has a place in; see `shared_name`.
            is_last: It is the last one of this project on the host: where the server serves others,
                it has nothing of ours any more.
        """

    def snippet_mistakes(self, snippet: Snippet) -> Iterable[str]:
        """Return what is wrong with a person's settings, each with file and line.

        Args:
            snippet: What stands in an app's part of a site. What is not found here, the server's
                own test finds on the host.
        """

    def is_alone(self, facts: Facts) -> bool:
        """Return whether the server serves nobody but Homeport's apps, so that it can be replaced.

        Args:
            facts: Of the host.
        """

    def passing_challenges(self, sites: Sequence[Site], to: str) -> list[Resource]:
        """Return what has this server pass on what an authority asks its successor.

        Args:
            sites: Those on this host.
            to: The successor's `CHALLENGES`.
        """

    def in_advance(self, sites: Sequence[Site]) -> list[Resource]:
        """Return what brings certificates to a server that has no ports yet.

        Args:
            sites: Those on this host.
        """

    def gone(self, sites: Sequence[Site], facts: Facts) -> list[Resource]:
        """Return what removes the server, which has been replaced: its files, drop-ins and record.

        Its package stays: others may have installed it.

        Args:
            sites: Those that another server has now.
            facts: Of the host.
        """

    def maintenance(self, app: str, allowed: Sequence[str] | None) -> list[Resource]:
        """Return what turns an app's visitors away, or lets them in again.

        Args:
            app: The app's name.
            allowed: Networks from which they are let through all the same, besides the host
                itself; None: all are let in again.
        """


def web_server(name: str) -> WebServer:
    """Return a web server.

    Args:
        name: One that the inventory may name.
    """
    return cast(WebServer, importlib.import_module(f"{__name__}.{name}"))
