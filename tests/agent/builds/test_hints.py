"""What a person is told of a build that failed: the words of real builds."""

from __future__ import annotations

import pytest

from provisioning.agent.builds.hints import hint, refused_hosts


@pytest.mark.parametrize(
    ("output", "said"),
    [
        ("Error: pg_config executable not found.", '"libpq-dev"'),
        ("src/x.c:1:10: fatal error: Python.h: No such file or directory", '"python3-dev"'),
        ("error: [Errno 2] No such file or directory: 'gcc'", '"build-essential", "python3-dev"'),
        ("error: command 'x86_64-linux-gnu-gcc' failed: No such file or directory",
         '"build-essential", "python3-dev"'),
        ("/bin/sh: 1: mysql_config: not found", '"default-libmysqlclient-dev", "pkg-config"'),
        ("c/_cffi_backend.c:15:10: fatal error: ffi.h: No such file", '"libffi-dev"'),
        ("Error: Please make sure the libxml2 and libxslt development packages are installed.\n"
         "sh: xslt-config: not found", '"libxml2-dev", "libxslt1-dev"'),
        ("error: can't find Rust compiler", '"cargo"'),
        ("  cause: Git executable not found. Ensure that Git is installed", '"git"'),
        ("x.c:3:10: fatal error: gssapi/odd.h: No such file", "gssapi/odd.h: packages.debian.org"),
        ("gunicorn 20.1.0 is too old: it must be 21 or newer\n", "raise gunicorn in base.txt"),
        ("LookupError: setuptools-scm was unable to detect version", "install_project = false"),
        ("  x No solution found when resolving", "correct base.txt so that"),
        ("No solution found ... `--index-strategy unsafe-best-match` ...", "first index that has"),
        ("No solution found ... could not be queried due to a lack of valid authentication "
         "credentials (401 Unauthorized)", "build_secrets"),
        ("error: Failed to fetch: `https://x`", "cannot reach the package index"),
        ("Hash mismatch for `flask`", "update base.txt"),
        ("something else", ""),
    ],
)  # fmt: skip
def test_the_way_out_is_named(output: str, said: str) -> None:
    found = hint(output, "base.txt")
    assert said in found
    assert bool(found) is bool(said)


def test_hosts_that_were_refused_are_named() -> None:
    assert refused_hosts([]) == ""
    assert "a.example:443, b.example:22" in refused_hosts(["a.example:443", "b.example:22"])
