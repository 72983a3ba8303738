"""What the lab reads from this machine's configuration."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from provisioning.lab import machine, network
from provisioning.lab.processes import call

PEM = "-----BEGIN CERTIFICATE-----\nMII{}\n-----END CERTIFICATE-----\n"


def test_certificates_are_taken_from_a_bundle_with_other_text_between():
    bundle = f"# first\n{PEM.format(1)}\nSubject: x\n{PEM.format(2)}"
    assert machine.certificates(bundle) == [PEM.format(1), PEM.format(2)]


def test_pip_settings_are_those_that_lead_to_an_index(tmp_path: Path, monkeypatch):
    conf = tmp_path / "pip.conf"
    conf.write_text("[global]\nindex-url = https://index.example/%2B/\ntimeout = 5\n")
    monkeypatch.setattr(machine, "_PIP_CONF", conf)
    assert machine.pip_settings() == {"index-url": "https://index.example/%2B/"}
    conf.write_text("no section")
    assert machine.pip_settings() == {}
    conf.unlink()
    assert machine.pip_settings() == {}


def test_sources_are_turned_to_the_wanted_suite(monkeypatch):
    targets = (
        "http://a.example/debian/|bookworm|main\nhttp://a.example/debian/|bookworm|contrib\n"
        "http://a.example/security/|bookworm-security|main\nhttp://other.example/|stable|main\n"
        "http://a.example/debian/|bookworm-backports|main\n"
    )
    monkeypatch.setattr(machine, "call", lambda *_, **__: targets)
    release = {"ID": "debian", "VERSION_CODENAME": "bookworm"}
    monkeypatch.setattr(machine, "os_release", lambda: release)
    assert machine.apt_sources("trixie") == [
        ("http://a.example/debian/", "trixie", "main contrib"),
        ("http://a.example/security/", "trixie-security", "main"),
    ]
    release["ID"] = "ubuntu"
    assert machine.apt_sources("trixie") == []


def test_apt_settings_are_those_that_lead_to_an_archive(monkeypatch):
    dump = (
        'APT::Architecture "amd64";\nAcquire::http::Proxy "http://proxy.example:3128";\n'
        'Acquire::http::Timeout "";\nAcquire::Check-Date "false";\nAcquire::GzipIndexes "true";\n'
        'Acquire::https::archive.example::Verify-Peer "true";\n'
    )
    monkeypatch.setattr(machine, "call", lambda *_, **__: dump)
    monkeypatch.setattr(machine.shutil, "which", lambda _: "/usr/bin/apt-config")
    assert machine.apt_settings() == [
        'Acquire::http::Proxy "http://proxy.example:3128";',
        'Acquire::Check-Date "false";',
        'Acquire::https::archive.example::Verify-Peer "true";',
    ]


def test_missing_programs_are_announced_before_they_are_installed(monkeypatch):
    said: list[str] = []
    called: list[list[str]] = []

    def record(argv: list[str], **_: object) -> str:
        assert said
        called.append(argv)
        return call(["true"], purpose="do nothing")

    missing = {"nft", "pebble", "pebble-challtestsrv"}
    monkeypatch.setattr(machine, "call", record)
    monkeypatch.setattr(machine.shutil, "which", lambda name: None if name in missing else name)
    machine.install_programs(said.append)
    assert said == ["installing nftables, pebble on this machine with apt-get"]
    assert called[-1][-2:] == ["nftables", "pebble"]
    missing.clear()
    machine.install_programs(said.append)
    assert (len(said), len(called)) == (1, 2)


@pytest.mark.parametrize(
    ("resolv", "upstream", "expected"),
    [
        ("nameserver 192.0.2.1\nnameserver 192.0.2.1\n", None, (["192.0.2.1"], [])),
        (
            "nameserver 127.0.0.53\noptions edns0\n",
            "nameserver 192.0.2.2\n",
            (["192.0.2.2"], ["127.0.0.53"]),
        ),
        ("search example\nnameserver ::1\nnameserver 127.0.0.1\n", None, ([], ["127.0.0.1"])),
        (None, None, ([], [])),
    ],
)
def test_name_servers_are_told_apart_by_whether_a_host_reaches_them(
    tmp_path: Path, monkeypatch, resolv: str | None, upstream: str | None, expected
):
    for name, text in (("_RESOLV_CONF", resolv), ("_RESOLVED_UPSTREAM", upstream)):
        path = tmp_path / name
        if text is not None:
            path.write_text(text)
        monkeypatch.setattr(network, name, path)
    assert network.resolvers() == expected


def test_a_firewall_that_drops_what_it_forwards_is_found(monkeypatch):
    chains = [
        {"family": "ip", "table": "filter", "name": "FORWARD", "hook": "forward", "policy": "drop"},
        {"family": "ip", "table": "filter", "name": "INPUT", "hook": "input", "policy": "drop"},
        {"family": "ip", "table": "x", "name": "forward", "hook": "forward", "policy": "accept"},
        {"family": "ip", "table": "x", "name": "plain"},
    ]
    listing = json.dumps({"nftables": [{"metainfo": {}}, *({"chain": c} for c in chains)]})
    monkeypatch.setattr(network, "call", lambda *_, **__: listing)
    assert network.dropping_chains() == ["ip filter FORWARD"]
