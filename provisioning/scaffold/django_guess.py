"""What a Django project's settings say, read without importing them."""

from __future__ import annotations

import ast
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

_PRODUCTION = ("production", "prod")
"""Names of settings that are for hosts. Source: the templates of Wagtail and CodeRed."""

_NOTHING = ast.Constant("")


@dataclass(frozen=True)
class DjangoGuess:
    """What was found.

    Args:
        static_url: Where browsers ask for static files, with a slash at both ends.
        static_root: The folder that `collectstatic` fills, relative to the project; "" for none.
        written: Folders that the app writes to: those of uploads and of SQLite databases.
        has_only_admin: Whether visitors find nothing at "/", and Django's admin below "/admin/".
    """

    static_url: str = "/static/"
    static_root: str = ""
    written: tuple[str, ...] = ()
    has_only_admin: bool = False


def is_django(directory: Path) -> bool:
    """Tell whether a project's manage.py is Django's: others have a file of this name too."""
    try:
        return "django" in (directory / "manage.py").read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError):
        return False


def django_guess(trees: Sequence[ast.Module]) -> DjangoGuess:
    """Return what the settings say.

    Args:
        trees: The project's Python files.
    """
    url, root = "", ""
    for name, value in (each for tree in trees for each in _assigned(tree)):
        if name == "STATIC_ROOT":
            root = root or _folder(value)
        elif name == "STATIC_URL" and isinstance(value, ast.Constant):
            url = url or str(value.value)
    path = f"/{url.strip('/')}/" if url and "//" not in url else "/static/"
    return DjangoGuess(
        path.replace("//", "/"),
        root,
        tuple(sorted({each for tree in trees for each in _written(tree)})),
        _has_only_admin(trees),
    )


def production_settings(directory: Path) -> str | None:
    """Return the settings for production where a project has those of several environments.

    None if there are none, if there is no telling, or if the project uses them by itself: what
    `manage.py` names counts too, since commands run with the same settings.
    """
    patterns = [f"{above}settings/{name}.py" for name in _PRODUCTION for above in ("", "*/")]
    found = [path for pattern in patterns for path in sorted(directory.glob(pattern))]
    if len(found) != 1:
        return None
    module = ".".join(found[0].relative_to(directory).with_suffix("").parts)
    starters = [directory / "manage.py", *directory.glob("*/wsgi.py")]
    texts = [each.read_text(encoding="utf-8", errors="replace") for each in starters]
    return None if all(module in text for text in texts) else module


def _written(tree: ast.Module) -> Iterator[str]:
    """Yield the folder of uploads, and those of databases that are files."""
    for name, value in _assigned(tree):
        if name == "MEDIA_ROOT" and (folder := _folder(value)):
            yield folder
    for node in ast.walk(tree):
        if isinstance(node, ast.Dict):
            said = {
                ast.literal_eval(each): value
                for each, value in zip(node.keys, node.values, strict=True)
                if isinstance(each, ast.Constant)
            }
            if "sqlite3" in ast.unparse(said.get("ENGINE", _NOTHING)) and "NAME" in said:
                folder = PurePosixPath(_folder(said["NAME"])).parent.as_posix()
                if folder != ".":
                    yield folder


def _has_only_admin(trees: Sequence[ast.Module]) -> bool:
    """Tell whether the only pages are Django's admin: a new project has no other."""
    routes = [
        (str(node.args[0].value).lstrip("^"), ast.unparse(node.args[1]))
        for tree in trees
        for node in ast.walk(tree)
        if isinstance(node, ast.Call)
        and len(node.args) > 1
        and ast.unparse(node.func).endswith("path")
        and isinstance(node.args[0], ast.Constant)
    ]
    return ("admin/", "admin.site.urls") in routes and not any(
        path in ("", "$") for path, _ in routes
    )


def _assigned(tree: ast.Module) -> Iterator[tuple[str, ast.expr]]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Assign):
            yield from (
                (each.id, node.value) for each in node.targets if isinstance(each, ast.Name)
            )
        elif isinstance(node, ast.AnnAssign) and node.value and isinstance(node.target, ast.Name):
            yield node.target.id, node.value


def _folder(value: ast.expr) -> str:
    """Return what `BASE_DIR / "a"` or `os.path.join(BASE_DIR, "a")` names below the project."""
    parts = [
        str(node.value)
        for node in ast.walk(value)
        if isinstance(node, ast.Constant) and isinstance(node.value, str)
    ]
    # A name in front stands for the project's folder; ast.walk goes from the outside in.
    in_order = sorted(parts, key=lambda part: ast.unparse(value).find(repr(part)))
    path = PurePosixPath(*in_order) if in_order else PurePosixPath()
    is_inside = in_order and not path.is_absolute() and ".." not in path.parts
    return path.as_posix() if is_inside else ""
