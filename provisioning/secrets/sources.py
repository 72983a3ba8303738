"""Where a secret comes from, and how it is fetched on the operator's machine."""

from __future__ import annotations

import contextlib
import os
import signal
import stat
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path

from provisioning.errors import ConfigurationError
from provisioning.secrets.redaction import Redactor
from provisioning.secrets.value import Secret

# How many lines of a failed command's own words are shown.
_SHOWN_LINES = 8


@dataclass(frozen=True)
class EnvSource:
    """A variable of the operator's environment: `{ env = "NAME" }`."""

    env: str


@dataclass(frozen=True)
class CommandSource:
    """What a command prints on the operator's machine: `{ command = "pass show hello" }`.

    It is run by `sh` in the inventory's folder; one newline at the end is taken off.
    """

    command: str
    timeout_s: int = 60


@dataclass(frozen=True)
class FileSource:
    """A file on the operator's machine, relative to the inventory: `{ file = "../key" }`."""

    file: str


@dataclass(frozen=True)
class GenerateSource:
    """Random bytes, made once per app and environment: `{ generate = 32 }`."""

    generate: int


FetchedSource = EnvSource | CommandSource | FileSource
"""Sources that are fetched on the operator's machine."""
SecretSource = FetchedSource | GenerateSource


@dataclass(frozen=True)
class FetchedSecrets:
    """What was fetched, and what a person should know about it.

    Args:
        values: One secret per key; keys to be generated are not among them.
        warnings: One line each, such as a key file that others can read.
    """

    values: Mapping[str, Secret]
    warnings: tuple[str, ...] = ()


def fetch_secrets(
    sources: Mapping[str, SecretSource],
    *,
    of: str,
    directory: Path,
    environ: Mapping[str, str] | None = None,
) -> FetchedSecrets:
    """Fetch every secret that is not to be generated, and report all missing ones at once.

    Args:
        sources: The source of each key.
        of: Where they stand in the inventory, such as "apps.hello.secrets"; for messages.
        directory: The inventory's folder: files are relative to it, commands run in it.
        environ: The operator's environment; default: that of this process.

    Raises:
        ConfigurationError: A variable is not set, a command failed, a file cannot be read.
    """
    environ = os.environ if environ is None else environ
    values: dict[str, Secret] = {}
    warnings: list[str] = []
    mistakes: list[str] = []
    for key, source in sources.items():
        if isinstance(source, GenerateSource):
            continue
        try:
            values[key] = Secret(_checked(_fetched(source, directory, environ)))
        except _MissingError as missing:
            mistakes.append(f"{of}.{key}: {missing}")
        else:
            warnings += [f"{of}.{key}: {warning}" for warning in _warnings(source, directory)]
    if mistakes:
        count = (
            f"{len(mistakes)} secret is" if len(mistakes) == 1 else f"{len(mistakes)} secrets are"
        )
        raise ConfigurationError(
            f"cannot fetch the secrets of {of}: {count} missing",
            output="\n".join(mistakes),
            hint="nothing was done; make them available and run the same command again",
        )
    return FetchedSecrets(values, tuple(warnings))


class _MissingError(Exception):
    """One secret cannot be had; the text says why without showing any of it."""


def _fetched(source: FetchedSource, directory: Path, environ: Mapping[str, str]) -> str:
    match source:
        case EnvSource(env):
            return _variable(env, environ)
        case CommandSource(command, timeout_s):
            return _without_newline(_printed(command, timeout_s, directory, environ))
        case FileSource(file):
            return _without_newline(_content(_path(file, directory)))


def _variable(name: str, environ: Mapping[str, str]) -> str:
    if name not in environ:
        near = get_close_matches(name, environ, n=1, cutoff=0.8)
        also = f"; {near[0]} is, did you mean that?" if near else ""
        raise _MissingError(f"the environment variable {name} is not set{also}")
    if not environ[name]:
        raise _MissingError(f"the environment variable {name} is empty")
    return environ[name]


def _printed(command: str, timeout_s: int, directory: Path, environ: Mapping[str, str]) -> str:
    """Run the command; a password manager may ask at the terminal, so its input stays ours."""
    try:
        # Without a terminal to ask at, a session of its own: what hangs can be ended as a whole.
        process = subprocess.Popen(
            ["/bin/sh", "-c", command],
            cwd=directory,
            env=dict(environ),
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            start_new_session=not (sys.stdin and sys.stdin.isatty()),
        )
    except OSError as error:
        raise _MissingError(f"`{command}` cannot be run: {error.strerror}") from None
    with process:
        try:
            stdout, stderr = process.communicate(timeout=timeout_s)
        except BaseException as error:
            _end(process)
            if isinstance(error, subprocess.TimeoutExpired):
                raise _MissingError(f"`{command}` did not end within {timeout_s} s") from None
            raise
    printed = stdout.decode("utf-8", "replace")
    if process.returncode:
        raise _MissingError(
            f"`{command}` ended with exit status {process.returncode}"
            + _complaint(stderr.decode("utf-8", "replace"), printed)
        )
    if not printed.strip():
        raise _MissingError(f"`{command}` printed nothing")
    return printed


def _end(process: subprocess.Popen[bytes]) -> None:
    # Its process group is its own only when the session is; never end our own.
    with contextlib.suppress(ProcessLookupError):
        if os.getpgid(process.pid) == process.pid:
            os.killpg(process.pid, signal.SIGKILL)
    process.kill()


def _complaint(stderr: str, printed: str) -> str:
    """Return the last lines of what a command complained about, indented.

    What it printed may be half of the secret, and a complaint may quote that.
    """
    hidden = Redactor()
    for line in printed.splitlines():
        hidden.add(line.strip())
    lines = hidden.redact(stderr).strip().splitlines()[-_SHOWN_LINES:]
    return "".join(f"\n  {line}" for line in lines)


def _path(file: str, directory: Path) -> Path:
    return directory / Path(file).expanduser()


def _content(path: Path) -> str:
    try:
        text = path.read_text(encoding="utf-8")
    except OSError as error:
        raise _MissingError(f"cannot read {path}: {error.strerror}") from None
    except UnicodeDecodeError:
        raise _MissingError(f"cannot read {path}: it is not UTF-8 text") from None
    if not text.strip():
        raise _MissingError(f"{path} is empty")
    return text


def _warnings(source: FetchedSource, directory: Path) -> list[str]:
    return open_to_others(_path(source.file, directory)) if isinstance(source, FileSource) else []


def open_to_others(path: Path) -> list[str]:
    """Return a warning if others can read a file with secrets."""
    mode = stat.S_IMODE(path.stat().st_mode)
    return [f"{path} can be read by others (mode {mode:04o}); chmod 600 it"] if mode & 0o077 else []


def _checked(value: str) -> str:
    # An environment cannot hold it, and neither can a password prompt. Source: environ(7).
    if "\0" in value:
        raise _MissingError("the value contains a NUL character")
    return value


def _without_newline(text: str) -> str:
    return text.removesuffix("\n").removesuffix("\r")
