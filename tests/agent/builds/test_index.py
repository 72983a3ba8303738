"""Which hosts a build may reach."""

from __future__ import annotations

import pytest

from provisioning.agent.builds.index import PYPI, allowed_hosts

BOTH = sorted(PYPI)


@pytest.mark.parametrize(
    ("text", "more"),
    [
        ("", []),
        ("flask==3.1.3 --hash=sha256:abc\n", []),
        ("pkg @ https://files.example.com/pkg.whl\n", ["files.example.com:443"]),
        ("pkg @ http://files.example.com/pkg.whl\n", ["files.example.com:80"]),
        ("--extra-index-url https://two.example.com:8443/simple\n", ["two.example.com:8443"]),
        ("-f https://wheels.example.com/\n", ["wheels.example.com:443"]),
        ("pkg @ git+https://git.example.com/x/y@main\n", ["git.example.com:443"]),
        ("pkg @ https://user:p%40ss@files.example.com/x\n", ["files.example.com:443"]),
        ("pkg @ https://user@files.example.com:8080/x\n", ["files.example.com:8080"]),
        ("pkg @ HTTPS-less://x\n", []),
        ("pkg @ https://Files.Example.COM/x\n", ["files.example.com:443"]),
        ("pkg @ https://[2001:db8::1]:8443/x\n", ["[2001:db8::1]:8443"]),
        ("pkg @ https://[2001:db8::1]/x\n", ["[2001:db8::1]:443"]),
        ('url = "https://files.example.com/a.whl"\n', ["files.example.com:443"]),
        ("pkg @ file:///srv/wheels/pkg.whl\n", []),
        ("-i https://pypi.org/simple\nflask==3.1.3\n", []),
        ("--index-url https://PyPI.org/simple/\n", []),
        ("index==1.0\nindex-builder==2\n", []),
        ("indexed-gzip==1\nno-index==1\n", []),
        (
            'index = [{ name = "two", url = "https://two.example.com/simple" }]\n',
            ["two.example.com:443"],
        ),
    ],
)
def test_hosts_that_the_requirements_name_are_added_to_the_index(
    text: str, more: list[str]
) -> None:
    assert allowed_hosts([text]) == sorted([*BOTH, *more])


@pytest.mark.parametrize(
    "text",
    [
        "--index-url https://index.example.com/simple\nflask\n",
        "--index-url=https://index.example.com/simple\n",
        "-i https://index.example.com/simple\n",
        "flask\n  -i https://index.example.com/simple\n",
        'index-url = "https://index.example.com/simple"\n',
        "[global]\nindex-url = https://index.example.com/simple\n",
        '[[index]]\nname = "ours"\nurl = "https://index.example.com/simple"\ndefault = true\n',
        '[[tool.uv.index]]\nurl = "https://index.example.com/simple"\ndefault  =  true\n',
        'index = [{ url = "https://index.example.com/simple", default = true }]\n',
        "--no-index\n--find-links https://index.example.com/wheels\n",
        "[global]\nno-index = true\nfind-links = https://index.example.com/wheels\n",
    ],
)
def test_an_index_in_the_place_of_pypi_is_the_only_one(text: str) -> None:
    assert allowed_hosts([text]) == ["index.example.com:443"]


def test_all_texts_count_together() -> None:
    texts = [
        "flask @ https://a.example.com/x\n",
        "",
        "index-url = http://b.example.com:3141/simple\n",
    ]
    assert allowed_hosts(texts) == ["a.example.com:443", "b.example.com:3141"]


def test_a_lock_that_names_every_file_needs_no_index() -> None:
    text = 'wheels = [{ url = "https://files.pythonhosted.org/a.whl" }]\n'
    assert allowed_hosts([text], is_locked=True) == ["files.pythonhosted.org:443"]


def test_without_texts_it_is_the_index_and_nothing_else() -> None:
    assert allowed_hosts([]) == BOTH
