"""Which requirements travel with a release, and which cannot."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import pytest

from provisioning.deploy import requirements
from provisioning.deploy.requirements.sources import trusted_unseen
from provisioning.errors import ConfigurationError


def read_requirements(source: Path, listing: str) -> Mapping[str, bytes]:
    """Return the files that travel as requirements."""
    return requirements.read_requirements(source, listing).files


@pytest.fixture
def source(tmp_path: Path) -> Path:
    path = tmp_path / "hello"
    path.mkdir()
    return path


def test_requirements_bring_what_they_include(source: Path) -> None:
    contents = {
        "requirements.txt": "-r requirements/base.txt\nflask  # -r no.txt\n# -r comment.txt\n",
        "requirements/base.txt": "  --requirement=more.in\n-c ../constraints.txt\n-rglued.txt\n",
        "requirements/more.in": "--constraint\tdeep/c.txt\n",
        "requirements/deep/c.txt": "x==1\n",
        "requirements/glued.txt": "-r base.txt  # around in a circle\n",
        "constraints.txt": "y==2\n",
    }
    for name, text in contents.items():
        (source / name).parent.mkdir(parents=True, exist_ok=True)
        (source / name).write_text(text)
    found = read_requirements(source, "requirements.txt")
    assert {name: each.decode() for name, each in found.items()} == contents


def test_a_url_among_the_requirements_is_the_hosts_business(source: Path) -> None:
    (source / "requirements.txt").write_text("-c https://example.com/constraints.txt\nflask\n")
    assert list(read_requirements(source, "requirements.txt")) == ["requirements.txt"]


@pytest.mark.parametrize("missing", ["requirements.txt", "base.txt"])
def test_requirements_that_are_not_there_are_named(source: Path, missing: str) -> None:
    (source / "requirements.txt").write_text("-r base.txt\n")
    (source / "base.txt").write_text("flask\n")
    (source / missing).unlink()
    with pytest.raises(ConfigurationError, match=f"hello/{missing}: No such file") as caught:
        read_requirements(source, "requirements.txt")
    assert "pip freeze" in caught.value.hint


@pytest.mark.parametrize("outside", ["../base.txt", "/etc/hostname", "a/../../base.txt"])
def test_requirements_outside_of_the_source_are_refused(source: Path, outside: str) -> None:
    """On the host they would be written outside of the virtualenv."""
    (source.parent / "base.txt").write_text("flask\n")
    (source / "requirements.txt").write_text(f"-r {outside}\n")
    with pytest.raises(ConfigurationError, match="they are outside"):
        read_requirements(source, "requirements.txt")


def test_a_uv_lock_brings_its_project(source: Path) -> None:
    (source / "back").mkdir()
    (source / "back" / "uv.lock").write_text('name = "gunicorn"\nsdist = { hash = "sha256:1" }\n')
    (source / "back" / "pyproject.toml").write_text("[project]\nname = 'x'\n# -r no.txt\n")
    found = read_requirements(source, "back/uv.lock")
    assert sorted(found) == ["back/pyproject.toml", "back/uv.lock"]


def test_a_uv_lock_without_its_project_is_refused(source: Path) -> None:
    (source / "uv.lock").write_text("")
    with pytest.raises(ConfigurationError, match=r"pyproject\.toml"):
        read_requirements(source, "uv.lock")


@pytest.mark.parametrize(
    "line",
    [
        "--extra-index-url https://example.com/simple",
        "flask==3.1.3 \\\n    --hash=sha256:ab/cd",
        "flask  # see docs/flask.md",
        "#./lib",
        "    # via -r requirements.in",
        "lib @ https://example.com/lib-1.0.tar.gz",
        "lib@https://example.com/lib-1.0-py3-none-any.whl",
        "https://example.com/lib-1.0.tar.gz",
        "git+ssh://git@example.com/lib.git@v1",
        "zope.interface[extra]>=5 ; platform_machine == 'x86_64'",
    ],
)
def test_what_a_host_can_fetch_is_taken(source: Path, line: str) -> None:
    (source / "requirements.txt").write_text(f"{line}\n")
    assert list(read_requirements(source, "requirements.txt")) == ["requirements.txt"]


def test_a_lock_file_that_is_no_toml_is_refused(source: Path) -> None:
    (source / "pylock.toml").write_text("flask==3\n")
    with pytest.raises(ConfigurationError, match=r"cannot read .*pylock\.toml: .*line 1"):
        read_requirements(source, "pylock.toml")


# What comes unencrypted

HASH = "--hash=sha256:" + "0" * 64
COMMIT = "0123456789abcdef0123456789abcdef01234567"


@pytest.mark.parametrize(
    "line",
    [
        "lib @ http://example.com/lib-1.0.tar.gz",
        "lib@http://example.com/lib-1.0-py3-none-any.whl ; python_version > '3'",
        "http://example.com/lib-1.0.tar.gz",
        "HTTP://example.com/lib-1.0.tar.gz",
        "lib @ http://localhost.example.com/lib-1.0.tar.gz",
        "lib @ http://localhost@example.com/lib-1.0.tar.gz",
        "lib @ ftp://example.com/lib-1.0.tar.gz",
        "lib @ http://example.com/lib-1.0.tar.gz#egg=lib",
        "lib @ http://example.com/lib-1.0.tar.gz#md5=0123456789abcdef0123456789abcdef",
        "git+http://example.com/lib.git@v1",
        "git+git://example.com/lib.git",
        "--index-url http://example.com/simple",
        "--index-url=http://example.com/simple",
        '--index-url "http://example.com/simple"',
        "-i http://example.com/simple",
        "-ihttp://example.com/simple",
        "--extra-index-url http://example.com/simple",
        "--find-links http://example.com/wheels",
        "-f http://example.com/wheels",
        "--trusted-host example.com",
        "--trusted-host=example.com:8080",
        "-r http://example.com/more.txt",
        "-c http://example.com/constraints.txt",
    ],
)
def test_what_anybody_on_the_way_could_replace_is_refused_with_its_file_and_line(
    source: Path, line: str
) -> None:
    (source / "requirements.txt").write_text("-r base.txt\n")
    (source / "base.txt").write_text(f"# http://example.com/comment\nflask==3.1.3\n{line}\n")
    with pytest.raises(ConfigurationError, match="unencrypted and without a hash") as caught:
        read_requirements(source, "requirements.txt")
    assert (
        caught.value.output
        == f"{source / 'base.txt'}, line 3: {line.replace('localhost@', '***@')}"
    )
    assert "use https" in caught.value.hint
    assert "--generate-hashes" in caught.value.hint


@pytest.mark.parametrize(
    "lines",
    [
        f"lib @ http://example.com/lib-1.0.tar.gz {HASH}",
        f"lib @ http://example.com/lib-1.0.tar.gz \\\n    {HASH}",
        f"lib @ http://example.com/lib-1.0.tar.gz#sha256={'0' * 64}",
        f"git+http://example.com/lib.git@{COMMIT}",
        f"git+http://example.com/lib.git@{COMMIT}#egg=lib",
        "lib @ http://localhost:8000/lib-1.0.tar.gz",
        "--index-url http://127.0.0.1/simple",
        "--extra-index-url http://[::1]:3141/simple",
        "--trusted-host localhost:3141",
        "--trusted-host 127.0.0.1",
        f"--index-url http://example.com/simple\nlib==1 \\\n    {HASH} \\\n    {HASH}",
        f"--trusted-host example.com\n-c more.txt\nlib==1 {HASH}",
        "flask  # http://example.com",
    ],
)
def test_what_has_a_hash_or_comes_from_the_host_itself_may_come_unencrypted(
    source: Path, lines: str
) -> None:
    (source / "more.txt").write_text("Lib\n")
    (source / "requirements.txt").write_text(f"{lines}\n")
    assert "requirements.txt" in read_requirements(source, "requirements.txt")


def test_an_index_that_one_requirement_without_a_hash_comes_from_is_refused(source: Path) -> None:
    (source / "requirements.txt").write_text(
        f"--index-url http://example.com/simple\nlib==1 {HASH}\nother==1\n"
    )
    with pytest.raises(ConfigurationError) as caught:
        read_requirements(source, "requirements.txt")
    assert "line 1: --index-url http://example.com/simple" in caught.value.output


def test_a_password_of_a_refused_source_is_not_shown(source: Path) -> None:
    (source / "requirements.txt").write_text("-i http://ann:canary@example.com/simple\nlib\n")
    with pytest.raises(ConfigurationError) as caught:
        read_requirements(source, "requirements.txt")
    assert "canary" not in f"{caught.value}{caught.value.output}{caught.value.hint}"
    assert caught.value.output.endswith("line 1: -i http://***@example.com/simple")


WHEEL = 'wheels = [{ url = "http://example.com/a-1-py3-none-any.whl"%s }]\n'


@pytest.mark.parametrize(
    ("package", "refused"),
    [
        ('source = { registry = "http://example.com/simple" }\n' + WHEEL % "", 5),
        ('source = { registry = "http://example.com/simple" }\n', 4),
        ('source = { registry = "https://example.com/simple" }\n' + WHEEL % "", 5),
        ('source = { url = "http://example.com/a.tar.gz" }\nsdist = { }\n', 4),
        ('source = { git = "http://example.com/a.git?rev=v1" }\n', 4),
        ('source = { registry = "http://localhost/simple" }\n', 0),
        (
            'source = { registry = "http://example.com/simple" }\n'
            + WHEEL % f', hash = "sha256:{"0" * 64}"',
            0,
        ),
        (
            'source = { url = "http://example.com/a.tar.gz" }\n'
            f'sdist = {{ hash = "sha256:{"0" * 64}" }}\n',
            0,
        ),
        (f'source = {{ git = "http://example.com/a.git?rev=v1#{COMMIT}" }}\n', 0),
    ],
)
def test_a_uv_lock_may_name_unencrypted_places_only_with_hashes(
    source: Path, package: str, refused: int
) -> None:
    (source / "pyproject.toml").write_text("[project]\nname = 'x'\n")
    (source / "uv.lock").write_text(f'[[package]]\nname = "a"\nversion = "1"\n{package}')
    if not refused:
        assert len(read_requirements(source, "uv.lock")) == 2
        return
    with pytest.raises(ConfigurationError, match="unencrypted and without a hash") as caught:
        read_requirements(source, "uv.lock")
    assert f"{source / 'uv.lock'}, line {refused}: http://example.com/" in caught.value.output


def test_the_index_in_a_uv_project_may_be_unencrypted_only_where_all_have_hashes(
    source: Path,
) -> None:
    (source / "pyproject.toml").write_text(
        '[project]\nname = "x"\n[[tool.uv.index]]\nurl = "http://example.com/simple"\n'
    )
    lock = '[[package]]\nname = "a"\nsource = { registry = "https://example.com/simple" }\n'
    hashed = f'sdist = {{ url = "https://example.com/a", hash = "sha256:{"0" * 64}" }}\n'
    (source / "uv.lock").write_text(lock + hashed)
    assert len(read_requirements(source, "uv.lock")) == 2
    (source / "uv.lock").write_text(lock)
    with pytest.raises(ConfigurationError) as caught:
        read_requirements(source, "uv.lock")
    assert "pyproject.toml, line 4: http://example.com/simple" in caught.value.output


@pytest.mark.parametrize(
    ("package", "refused"),
    [
        (WHEEL % "", True),
        ('sdist = { url = "http://example.com/a.tar.gz" }\n', True),
        ('archive = { url = "http://example.com/a.tar.gz" }\n', True),
        ('vcs = { type = "git", url = "http://example.com/a", commit-id = "v1" }\n', True),
        (
            f'vcs = {{ type = "git", url = "http://example.com/a", commit-id = "{COMMIT}" }}\n',
            False,
        ),
        (WHEEL % f', hashes = {{ sha256 = "{"0" * 64}" }}', False),
        (
            'index = "http://example.com/simple"\n'
            + WHEEL % f', hashes = {{ sha256 = "{"0" * 64}" }}',
            False,
        ),
        (
            'index = "http://example.com/simple"\nwheels = [{ url = "https://example.com/a" }]\n',
            True,
        ),
    ],
)
def test_a_pylock_may_name_unencrypted_places_only_with_hashes(
    source: Path, package: str, refused: bool
) -> None:
    (source / "pylock.toml").write_text(f'[[packages]]\nname = "a"\n{package}')
    if not refused:
        assert list(read_requirements(source, "pylock.toml")) == ["pylock.toml"]
        return
    with pytest.raises(ConfigurationError, match="unencrypted and without a hash") as caught:
        read_requirements(source, "pylock.toml")
    assert f"{source / 'pylock.toml'}, line 3: http://example.com/" in caught.value.output


# What names no hashes


@pytest.mark.parametrize(
    ("listing", "files", "said"),
    [
        (
            "requirements.txt",
            {"requirements.txt": "flask==3\n"},
            "requirements.txt names no hashes; Homeport trusts what the index serves. "
            "`uv pip compile --generate-hashes` adds them",
        ),
        (
            "requirements.txt",
            {"requirements.txt": f"flask==3 \\\n    {HASH}\nclick==8\n"},
            "requirements.txt names no hash of click; Homeport trusts what the index serves. "
            "`uv pip compile --generate-hashes` adds them",
        ),
        ("requirements.txt", {"requirements.txt": f"flask==3 \\\n    {HASH}\n"}, ""),
        ("requirements.txt", {"requirements.txt": f"a.b==3 {HASH}\n", "c.txt": "A_B\n"}, ""),
        ("requirements.txt", {"requirements.txt": "# nothing\n"}, ""),
        (
            "uv.lock",
            {"uv.lock": '[[package]]\nname = "a"\nsource = { registry = "https://example.com" }\n'},
            "uv.lock names no hash of a; Homeport trusts what the index serves. "
            "`uv lock` adds them",
        ),
        ("uv.lock", {"uv.lock": '[[package]]\nname = "x"\nsource = { virtual = "." }\n'}, ""),
    ],
)
def test_requirements_without_hashes_are_said(
    listing: str, files: dict[str, str], said: str
) -> None:
    assert trusted_unseen(listing, {name: each.encode() for name, each in files.items()}) == said
