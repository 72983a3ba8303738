"""What to do about a build that failed, by what it printed."""

from __future__ import annotations

import re
from typing import Iterator, Sequence, Tuple

NEEDED: Tuple[Tuple[str, str], ...] = (
    (r"pg_config|libpq-fe\.h", "libpq-dev"),
    (r"mysql_config|mysqlclient", "default-libmysqlclient-dev pkg-config"),
    (r"\bPython\.h\b", "python3-dev"),
    (r"\bffi\.h\b|libffi", "libffi-dev"),
    (r"xml2-config|xslt-config|libxml/|libxslt/", "libxml2-dev libxslt1-dev"),
    (r"\bzlib\.h\b|headers or library files could not be found for zlib", "zlib1g-dev"),
    (r"\bjpeglib\.h\b|library files could not be found for jpeg", "libjpeg-dev"),
    (r"openssl/\w+\.h|OPENSSL_DIR", "libssl-dev pkg-config"),
    (r"\bldap\.h\b|\blber\.h\b", "libldap-dev"),
    (r"sasl/sasl\.h", "libsasl2-dev"),
    (r"\bsql\.h\b", "unixodbc-dev"),
    (r"gdal-config", "libgdal-dev"),
    (r"geos_c\.h|geos-config", "libgeos-dev"),
    (r"\byaml\.h\b", "libyaml-dev"),
    (r"curl-config", "libcurl4-openssl-dev"),
    (r"libsystemd|systemd/sd-\w+\.h", "libsystemd-dev pkg-config"),
    (r"\bcargo\b|\brustc\b|rust toolchain|rust compiler", "cargo"),
    (r"\bcmake\b.{0,40}(?:not found|must be installed|No such file)", "cmake"),
    (r"pkg-config.{0,40}(?:not found|No such file)|Did not find pkg-config", "pkg-config"),
    (r"git executable not found|No such file or directory: '?git\b", "git"),
    (r"(?:gcc|cc|g\+\+|c\+\+|clang)['\"`]?\s*(?:failed|: ?(?:not found|No such file))"
     r"|(?:command|program|executable)\s+['\"`]?(?:[\w-]+-)?(?:gcc|cc|g\+\+)\b"
     r"|no (?:acceptable|usable|working) c(?:\+\+)? compiler|unknown compiler"
     r"|No such file or directory: ['\"](?:[\w-]+-)?(?:gcc|cc|g\+\+)['\"]"
    r"|error: linker .cc. not found", "build-essential python3-dev"),
)  # fmt: skip
"""What a build says that it lacks -> the Debian packages that bring it, the same in Debian
11 to 13. Source: packages.debian.org, the contents of these packages."""

HEADER = re.compile(r"fatal error: (\S+\.h(?:pp)?): No such file")
"""As gcc says it."""

FROM_GIT = re.compile(r"setuptools[-_]scm|hatch-vcs|dunamai|dynamic-versioning|versioningit")
"""What takes a project's version from git."""

TOO_OLD = re.compile(r"^(\S+) (\S+) is too old: .*$", re.MULTILINE)
"""As builds/inside.py says it."""


def refused_hosts(names: Sequence[str]) -> str:
    """Say that a build asked for hosts that it may not reach; "" if there are none."""
    if not names:
        return ""
    return (
        f"the build asked for {', '.join(names)}: it may reach only the package index and the "
        "hosts that the requirements name; add them to the app's `build_hosts` if it needs them"
    )


def hint(output: str, listing: str) -> str:
    """Say what to do about the usual reasons.

    Args:
        output: What the build printed last.
        listing: The lock file that it was for.
    """
    lowered = output.lower()
    if old := TOO_OLD.search(output):
        return f"raise {old[1]} in {listing}, or remove it there: Homeport then installs its own"
    if needed := " ".join(dict.fromkeys(_needed(output))):
        listed = ", ".join(f'"{each}"' for each in needed.split())
        return f"the host lacks what the build needs: add {listed} to the app's `packages`"
    if header := HEADER.search(output):
        return (
            f'a package must be compiled and needs {header[1]}: packages.debian.org, "Search the '
            "contents of packages\", says which Debian package has it; add that to the app's "
            "`packages`"
        )
    if FROM_GIT.search(lowered):
        return (
            "the project's version comes from git, which does not travel to the host: write it "
            "into pyproject.toml, or set install_project = false"
        )
    if re.search(r"\b401 unauthorized|\b403 forbidden|authentication credentials", lowered):
        return (
            "an index asks for credentials: name them in [apps.<name>.build_secrets], such as "
            'UV_INDEX_<NAME>_PASSWORD = { env = "..." }, and check their values'
        )
    if "no solution found" in lowered or "no matching distribution" in lowered:
        return _unsatisfiable(lowered, listing)
    if any(word in lowered for word in ("failed to fetch", "dns error", "connection", "timed out")):
        return (
            "the host cannot reach the package index, or what answers is not one: check the "
            "host's network or proxy, and the index"
        )
    if "hash" in lowered:
        return (
            f"update {listing}: it names no hash, or another one, of a file that the index serves; "
            "what has hashes must name one of each requirement"
        )
    return ""


def hint_for_python(output: str, version: str) -> str:
    """Say what to do about a Python that uv could not install.

    Args:
        output: What uv printed last.
        version: The version that was wanted.
    """
    lowered = output.lower()
    if "hash mismatch" in lowered:
        return (
            "what was served is not what uv or the app's `python_downloads` lists: correct the "
            "mirror, or the SHA-256 in that file"
        )
    if "no download found" in lowered or "no download matching" in lowered:
        return (
            f"neither the host nor uv has a Python {version}: correct the app's `python`, or list "
            "it in a file that `python_downloads` names"
        )
    if "404" in lowered:
        return (
            "the mirror lacks this file: correct the app's `python_mirror` or `python_downloads`, "
            "or name a version that the mirror has"
        )
    if "401" in lowered or "403" in lowered:
        return (
            "the mirror asks for credentials: set its URL with them as UV_PYTHON_INSTALL_MIRROR in "
            "[apps.<name>.build_secrets]"
        )
    return (
        "the host must reach the server from which uv downloads Pythons: check its network, or "
        "name a mirror in the app's `python_mirror`"
    )


def _needed(output: str) -> Iterator[str]:
    for pattern, packages in NEEDED:
        if re.search(pattern, output, re.IGNORECASE):
            yield from packages.split()


def _unsatisfiable(lowered: str, listing: str) -> str:
    if "unsafe-best-match" in lowered or "index-strategy" in lowered:
        return (
            "uv takes a package from the first index that has it. Name the index of the package in "
            f"a project with uv.lock ([tool.uv.sources]), or leave out the other index in {listing}"
        )
    return (
        f"correct {listing} so that its requirements can be met together, then deploy again; if "
        "they already can, the host uses a server that is not a package index (/etc/uv/uv.toml "
        "there)"
    )
