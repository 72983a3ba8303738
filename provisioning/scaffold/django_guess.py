"""What a Django project's settings say, read without importing them."""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath


@dataclass(frozen=True)
class DjangoGuess:
    """What was found.

    Args:
        static_url: Where browsers ask for static files, with a slash at both ends.
        static_root: The folder that `collectstatic` fills, relative to the project; "" for none.
    """

    static_url: str = "/static/"
    static_root: str = ""


def is_django(directory: Path) -> bool:
    """Tell whether a project's manage.py is Django's: others have a file of this name too."""
    try:
        return "django" in (directory / "manage.py").read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError):
        return False


def django_guess(trees: Iterable[ast.Module]) -> DjangoGuess:
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
    return DjangoGuess(path.replace("//", "/"), root)


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
