"""The small values of an inventory: sizes, rates, durations, names; each parsed once, here.

Every parser raises ValueError with a text that reads on after the key's name.
"""

from __future__ import annotations

import ipaddress
import re
from dataclasses import dataclass
from pathlib import PurePosixPath

from provisioning.inventory.suggest import did_you_mean

SIZE_PATTERN = r"^[0-9]+ ?([kKmMgG]([iI]?[bB])?)?$"
RATE_PATTERN = r"^[1-9][0-9]*r/[sm]$"
SHARE_PATTERN = r"^([1-9]|[1-9][0-9]|100)%$"
DURATION_PATTERN = r"^[0-9]+(s|m|h|d)$"
APP_NAME_PATTERN = r"^[a-z][a-z0-9-]{0,30}$"
HOST_NAME_PATTERN = r"^[A-Za-z0-9]([A-Za-z0-9._-]{0,251}[A-Za-z0-9])?$"
HOST_AND_PORT_PATTERN = r"^[A-Za-z0-9]([A-Za-z0-9._-]{0,251}[A-Za-z0-9])?(:[1-9][0-9]{0,4})?$"
VARIABLE_PATTERN = r"^[A-Za-z_][A-Za-z0-9_]*$"
# Source: Debian Policy 5.6.1, with an architecture as apt writes it.
PACKAGE_PATTERN = r"^[a-z0-9][a-z0-9+.-]+(:[a-z0-9-]+)?$"
USER_PATTERN = r"^[a-z_][a-z0-9_-]{0,31}$"
ENTRY_POINT_PATTERN = (
    r"^[A-Za-z_][A-Za-z0-9_]*(\.[A-Za-z_][A-Za-z0-9_]*)*:[A-Za-z_][A-Za-z0-9_.]*(\(.*\))?$"
)
PYTHON_PATTERN = r"^(python3(\.[0-9]+)?|3\.[0-9]{1,2}(\.[0-9]{1,2})?|/[A-Za-z0-9._/+-]+)$"
PYTHON_MIRROR_PATTERN = r"^https?://[^\s/@?#\"'\\]+(/[^\s@?#\"'\\]*)?$"
EMAIL_PATTERN = r"^[^@\s\"<>]+@[^@\s\"<>]+\.[^@\s\"<>]+$"
# Characters that mean nothing else to a web server, a shell or systemd.
URL_PATH_PATTERN = r"^/[A-Za-z0-9._~/-]*$"
URL_FOLDER_PATTERN = r"^/([A-Za-z0-9_~-][A-Za-z0-9._~-]*/)+$"
URL_PREFIX_PATTERN = r"^/([A-Za-z0-9_~-][A-Za-z0-9._~-]*/)*$"
RELATIVE_PATH_PATTERN = r"^[A-Za-z0-9._+@][A-Za-z0-9._+@~/-]*$"

# Source: https://letsencrypt.org/getting-started/ and .../docs/staging-environment/
ACME_DIRECTORIES = {
    "letsencrypt": "https://acme-v02.api.letsencrypt.org/directory",
    "staging": "https://acme-staging-v02.api.letsencrypt.org/directory",
}
# Stands for the directory whose address is known only while the lab is up.
LAB_DIRECTORY = "lab"

_SIZE_UNITS = {"": 1, "k": 1024, "m": 1024**2, "g": 1024**3}
_DURATION_UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86400}


@dataclass(frozen=True)
class Size:
    """A number of bytes, and how web servers and people write it: "10m"."""

    text: str
    size_bytes: int

    @classmethod
    def parse(cls, text: str) -> Size:
        """Return the size that "10m", "512k", "1g", "10MB" or "1048576" stands for.

        Units are powers of 1024, as in systemd and the web servers.
        """
        if not re.fullmatch(SIZE_PATTERN, text):
            raise ValueError(f'must be a size such as "10m", "512k" or "1g", not "{text}"')
        number = re.match(r"[0-9]+", text)
        assert number
        unit = text[number.end() :].strip().lower()[:1]
        return cls(f"{int(number.group())}{unit}", int(number.group()) * _SIZE_UNITS[unit])

    def __str__(self) -> str:
        return self.text


@dataclass(frozen=True)
class Rate:
    """How many requests one visitor may make: "20r/s"."""

    text: str
    per_minute: int

    @classmethod
    def parse(cls, text: str) -> Rate:
        """Return the rate that "20r/s" or "30r/m" stands for."""
        if not re.fullmatch(RATE_PATTERN, text):
            raise ValueError(f'must be a rate such as "20r/s" or "30r/m", or "off", not "{text}"')
        requests, period = text.split("r/")
        return cls(text, int(requests) * (60 if period == "s" else 1))

    @property
    def requests(self) -> int:
        """The number in it: of requests in its period."""
        return int(self.text.partition("r/")[0])

    def __str__(self) -> str:
        return self.text


@dataclass(frozen=True)
class Batch:
    """How many of several hosts at once: a number of them, or a share of all.

    Args:
        hosts: The number; 0 where it is a share.
        percent: The share; 0 where it is a number.
    """

    hosts: int = 0
    percent: int = 0

    @classmethod
    def parse(cls, given: object) -> Batch:
        """Return the batch that 2 or "25%" stands for."""
        if isinstance(given, int) and not isinstance(given, bool) and given >= 1:
            return cls(hosts=given)
        if isinstance(given, str) and re.fullmatch(SHARE_PATTERN, given):
            return cls(percent=int(given[:-1]))
        raise ValueError(f'must be a number of hosts from 1, or a share such as "25%", not {given}')

    def size(self, hosts: int) -> int:
        """Return how many of so many hosts are a batch, at least 1."""
        return self.hosts or max(1, hosts * self.percent // 100)


@dataclass(frozen=True)
class Duration:
    """A length of time: "30s", "12h", "365d"."""

    text: str
    seconds: int

    @classmethod
    def parse(cls, text: str) -> Duration:
        """Return the duration that "30s", "5m", "12h" or "365d" stands for."""
        if not re.fullmatch(DURATION_PATTERN, text):
            raise ValueError(f'must be a duration such as "30s", "12h" or "365d", not "{text}"')
        return cls(text, int(text[:-1]) * _DURATION_UNITS[text[-1]])

    def __str__(self) -> str:
        return self.text


def domain(text: str) -> str:
    """Return a domain name in lower case, international ones as `xn--`.

    Source: RFC 1123 section 2.1 (labels), RFC 1035 section 2.3.4 (lengths), RFC 5891.
    """
    if "://" in text or "/" in text or ":" in text:
        raise ValueError(f'must be a bare name such as "www.example.com", not "{text}"')
    name = text.strip().lower().removesuffix(".")
    if set(name) & set("ßς\u200c\u200d"):
        # Python's codec follows the older standard, under which these become other names.
        raise ValueError(f'"{text}" has a letter that must be written in the xn-- form')
    try:
        name = name.encode("ascii" if name.isascii() else "idna").decode()
    except UnicodeError:
        raise ValueError(f'"{text}" is not a domain name') from None
    labels = name.removeprefix("*.").split(".")
    if len(name) > 253 or not all(re.fullmatch(r"(?!-)[a-z0-9-]{1,63}(?<!-)", x) for x in labels):
        raise ValueError(f'"{text}" is not a domain name')
    if labels[-1].isdigit() and not is_address(name):
        raise ValueError(f'"{text}" is neither a domain name nor an address')
    return name


def is_address(text: str) -> bool:
    """Tell whether the text is an IP address, not a name."""
    try:
        ipaddress.ip_address(text)
    except ValueError:
        return False
    return True


def peer_address(text: str) -> str:
    """Return an IP address as it is written, or "off"."""
    if text != "off" and (not is_address(text) or "%" in text):
        raise ValueError(f'must be an IP address such as "10.0.0.5", or "off", not "{text}"')
    return text


def relative_path(text: str) -> str:
    """Return a path that stays within the folder it is relative to."""
    if text.startswith(("/", "~")):
        raise ValueError(f'must be relative to the app\'s source, not "{text}"')
    parts = PurePosixPath(text).parts
    if ".." in parts:
        raise ValueError(f'must stay within the app\'s source; "{text}" leads out of it')
    if not parts:
        raise ValueError(f'must name a file or folder of the app, not "{text}"')
    if not re.fullmatch(RELATIVE_PATH_PATTERN, text):
        raise ValueError(f'has a character that is not allowed in a path: "{text}"')
    return str(PurePosixPath(text))


def network(text: str) -> str:
    """Return a network in CIDR notation; a single address counts as one."""
    try:
        return str(ipaddress.ip_network(text))
    except ValueError as error:
        raise ValueError(f'must be a network such as "192.0.2.0/24": {error}') from None


def acme_directory(text: str) -> str:
    """Return the name of a known ACME directory, or its URL."""
    if text in ACME_DIRECTORIES or text == LAB_DIRECTORY:
        return text
    # Source: RFC 8555 section 6.1: a directory is only spoken to over HTTPS.
    if not re.fullmatch(r"https://[^\s\"'$\\]+", text):
        names = (*ACME_DIRECTORIES, LAB_DIRECTORY)
        raise ValueError(
            f'must be one of {", ".join(names)} or a URL with https, not "{text}"'
            + did_you_mean(text, names)
        )
    return text


def content_security_policy(text: str) -> str:
    """Return "strict", "report-only", "off" or a policy of one's own that is safe to quote."""
    if text in ("strict", "report-only", "off"):
        return text
    if not re.match(r"[a-z]+(-[a-z]+)*( |;|$)", text) or "-" not in text.split(";")[0]:
        raise ValueError(
            'must be "strict", "report-only", "off" or a policy such as '
            f'"default-src \'self\'", not "{text}"'
        )
    if re.search(r'["$\\{}\x00-\x1f\x7f]', text):
        raise ValueError('must be on one line and without any of " $ \\ { }')
    return text
