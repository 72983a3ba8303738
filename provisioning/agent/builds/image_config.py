"""What an image says of itself: which program it runs, where, as whom, with which variables.

A build wrote it, and a build is not trusted: what systemd could understand as something else is
refused. Source of names and meanings: the OCI image specification, config.md.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import Any, Dict, List, Mapping, Tuple

from provisioning.agent.errors import AgentError
from provisioning.agent.machine.systemd import quoted, unexpanded

MOST_BYTES = 1 << 18
MOST_VARIABLES = 200
MOST_WORDS = 200
MOST_CHARS = 1 << 15

DEFAULT_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
"""Where an image says nothing. Source: as Docker, Podman and Debian's login(1) have it."""

_DIRECTORY = re.compile(r"/[A-Za-z0-9._+@/-]{0,500}")
_VARIABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,199}")
_USER = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,63}(:[A-Za-z0-9_][A-Za-z0-9_.-]{0,63})?")
_LOADER = re.compile(r"LD_|GCONV_PATH|LOCPATH")
_CONTROL = re.compile(r"[\x00-\x1f\x7f]")


class BadImageError(AgentError):
    """An image says of itself what cannot be, or what Homeport does not do."""

    def __init__(self, why: str, hint: str) -> None:
        super().__init__(f"the image was refused: {why}", hint=hint, refused=True)


@dataclass(frozen=True)
class ImageConfig:
    """What an image says of itself.

    Args:
        command: Its program and arguments: ENTRYPOINT, then CMD.
        directory: Where it runs: WORKDIR.
        user: USER, "" for none.
        variables: ENV, less PATH.
        search_path: PATH.
    """

    command: Tuple[str, ...]
    directory: str
    user: str
    variables: Mapping[str, str]
    search_path: str

    def words(self) -> Dict[str, str]:
        """Return what the units of a release take from its image: word -> text.

        Source: systemd.service(5), "COMMAND LINES". A program with a slash must be absolute.
        """
        program, *arguments = self.command
        if "/" in program and not program.startswith("/"):
            program = f"{self.directory.rstrip('/')}/{program}"
        command = [quoted(program), *(unexpanded(quoted(each)) for each in arguments)]
        return {
            "DIRECTORY": self.directory,
            "SEARCH_PATH": self.search_path,
            "COMMAND": " ".join(command),
        }


def read_config(data: bytes) -> ImageConfig:
    """Read what `buildah inspect` says.

    Raises:
        BadImageError: it cannot be used.
    """
    try:
        said = json.loads(data) if len(data) <= MOST_BYTES else None
    except (ValueError, RecursionError):
        said = None
    if not isinstance(said, dict):
        raise BadImageError("its configuration cannot be read", "check the Dockerfile")
    variables = _variables(_texts(said, "Env"))
    path = variables.pop("PATH", DEFAULT_PATH)
    if not all(map(_DIRECTORY.fullmatch, path.split(":"))):
        raise BadImageError(
            f"its PATH is {path[:200]!r}", "in ENV PATH=, name plain absolute directories only"
        )
    directory = str(said.get("WorkingDir") or "/")
    if not _DIRECTORY.fullmatch(directory) or ".." in directory.split("/"):
        raise BadImageError(
            f"its WORKDIR is {directory[:200]!r}", "use a plain absolute path, such as /app"
        )
    user = str(said.get("User") or "")
    if user and not _USER.fullmatch(user):
        raise BadImageError(f"its USER is {user[:200]!r}", "name a user, such as USER app")
    command = (*_texts(said, "Entrypoint"), *_texts(said, "Cmd"))
    _check_command(command)
    return ImageConfig(command, directory, user, variables, path)


def _texts(said: Mapping[str, Any], name: str) -> List[str]:
    value = said.get(name) or []
    if not isinstance(value, list) or not all(isinstance(each, str) for each in value):
        raise BadImageError(f"its {name} is not a list of texts", "check the Dockerfile")
    try:
        "".join(value).encode()
    except UnicodeEncodeError:
        raise BadImageError(f"its {name} is not text in UTF-8", "check the Dockerfile") from None
    return value


def _variables(pairs: List[str]) -> Dict[str, str]:
    found = dict(each.partition("=")[::2] for each in pairs)
    for name, value in found.items():
        if not _VARIABLE.fullmatch(name) or _CONTROL.search(value.replace("\n", " ")):
            raise BadImageError(
                f"its variable {name[:200]!r} cannot be set", "correct ENV in the Dockerfile"
            )
        # One program of the release's unit is the host's, and root's.
        if _LOADER.match(name):
            raise BadImageError(
                f"it sets {name}, which would also hold for a program of the host",
                "in the Dockerfile, write the library's directory to /etc/ld.so.conf.d and run "
                "ldconfig; or set the variable in the image's own start script",
            )
    if len(found) > MOST_VARIABLES or sum(map(len, pairs)) > MOST_CHARS:
        raise BadImageError("it sets too many variables", "remove some ENV from the Dockerfile")
    return found


def _check_command(command: Tuple[str, ...]) -> None:
    if not command or not command[0]:
        raise BadImageError(
            "it does not say which program to run",
            "end the Dockerfile with CMD and the words of its command",
        )
    if len(command) > MOST_WORDS or sum(map(len, command)) > MOST_CHARS:
        raise BadImageError("its CMD is too long", "move it into a script in the image")
    for word in command:
        if _CONTROL.search(word):
            raise BadImageError(
                f"its CMD has a control character: {word[:200]!r}",
                "move the command into a script in the image",
            )
    if re.search(r"[\s\"'\\%$@!+:|-]", command[0][:1]) or re.search(r"[\s\"'\\%$]", command[0]):
        raise BadImageError(
            f"its program is called {command[0][:200]!r}", "use a plain name or an absolute path"
        )
