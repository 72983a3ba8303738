from __future__ import annotations

from collections.abc import Callable

import pytest

from provisioning.inventory import Duration, Rate, Size
from provisioning.inventory.types import units
from provisioning.inventory.types.commands import parse_command


@pytest.mark.parametrize(
    ("text", "size_bytes", "written"),
    [
        ("10m", 10 * 1024**2, "10m"),
        ("512K", 512 * 1024, "512k"),
        ("1g", 1024**3, "1g"),
        ("10MB", 10 * 1024**2, "10m"),
        ("10 MiB", 10 * 1024**2, "10m"),
        ("2048", 2048, "2048"),
    ],
)
def test_a_size_is_bytes_and_is_written_as_nginx_reads_it(
    text: str, size_bytes: int, written: str
) -> None:
    assert Size.parse(text) == Size(written, size_bytes)
    assert str(Size.parse(text)) == written


def test_a_rate_and_a_duration_have_their_units() -> None:
    assert Rate.parse("20r/s").per_minute == 1200
    assert Rate.parse("30r/m").per_minute == 30
    assert [Duration.parse(text).seconds for text in ("30s", "5m", "12h", "730d")] == [
        30,
        300,
        43_200,
        63_072_000,
    ]


@pytest.mark.parametrize(
    ("parse", "text"),
    [
        (parse, text)
        for parse, texts in {
            Size.parse: ("", "m", "10x", "-1m", "1.5m", "10m; evil", "10m\n", "10t"),
            Rate.parse: ("", "20", "0r/s", "20r/h", "20 r/s", "20r/s;", "20r/s\n"),
            Duration.parse: ("", "30", "1.5h", "-1s", "1w", "30s;", "30s\n"),
            units.domain: (
                "",
                ".",
                "a..b",
                "-a.example.com",
                "a_b.example.com",
                "http://example.com",
                "example.com/x",
                "example.com:80",
                "a" * 64 + ".example.com",
                ".".join(["a" * 60] * 5),
                "example com",
                "example.com; evil",
                "a.*.example.com",
                "1.2.3.400",
                "straße.de",
                "example.com\n.de",
            ),
            units.relative_path: (
                "",
                ".",
                "/etc",
                "~/x",
                "../x",
                "a/../../x",
                "a b",
                "a;b",
                "a\n",
                "$HOME",
                "-rf",
            ),
            units.network: ("", "192.0.2.0/33", "192.0.2.1/24", "name", "192.0.2.0/24;"),
            parse_command: ("", "  ", "echo 'x", "a\nb"),
            units.acme_directory: (
                "",
                "stagin",
                "http://x.example/dir",
                "https://x y/",
                "https://x'",
            ),
            units.content_security_policy: (
                "",
                "strickt",
                "default-src 'self'\nX: y",
                "default-src $host",
                'default-src "x"',
                "default-src {x}",
            ),
        }.items()
        for text in texts
    ],
)
def test_a_value_that_is_not_quite_right_is_refused(
    parse: Callable[[str], object], text: str
) -> None:
    with pytest.raises(ValueError, match=r"^(must |is not |has |\")"):
        parse(text)


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("Hello.Example.COM", "hello.example.com"),
        ("hello.example.com.", "hello.example.com"),
        ("bücher.example", "xn--bcher-kva.example"),
        ("xn--bcher-kva.example", "xn--bcher-kva.example"),
        ("*.example.com", "*.example.com"),
        ("203.0.113.10", "203.0.113.10"),
        ("localhost", "localhost"),
    ],
)
def test_a_domain_becomes_what_is_asked_of_the_dns(text: str, name: str) -> None:
    assert units.domain(text) == name


def test_a_path_is_written_in_one_way() -> None:
    assert units.relative_path("app/static/") == "app/static"
    assert units.relative_path("./app//static") == "app/static"
