"""Trees of files as sources of apps have them, made at random, and changed at random."""

from __future__ import annotations

import random
from dataclasses import dataclass, field

NAMES = (
    "a", "b.py", "__init__.py", "models.py", "app.py", "app.test.py", "-rf", "--help.py", " ",
    "x y.py", "new\nline.py", "new\nline", "größe.py", "日本.css", "*", "[a].py", "'q'", '"q".py',
    "$HOME", "%s.py", ".hidden", ".a.homeport-new", "a.pyc", "b.cpython-313.pyc", "b.py.part",
    "static", "pkg", "data.json",
)  # fmt: skip
CONTENTS = (
    "",
    "",
    "",
    "x = 1\n",
    "x = 2\n",
    "def f():\n    return 1\n",
    "not = python\n",
    "\0",
    "é\n",
)
"""Equal ones come often: empty modules above all."""

MOST_FILES = 14


@dataclass
class Tree:
    """What a source is made of.

    Args:
        files: Path -> content.
        links: Path -> target.
        executables: Those of the files that can be run.
    """

    files: dict[str, str] = field(default_factory=dict)
    links: dict[str, str] = field(default_factory=dict)
    executables: set[str] = field(default_factory=set)

    def copy(self) -> Tree:
        return Tree(dict(self.files), dict(self.links), set(self.executables))

    def remove(self, path: str) -> None:
        """Take a path out, and all below it."""
        for known in (self.files, self.links):
            for each in [each for each in known if f"{each}/".startswith(f"{path}/")]:
                del known[each]
        self.executables &= set(self.files)

    def make_room(self, path: str) -> None:
        """Take out what is at a path, below it, or a file or link on the way to it."""
        self.remove(path)
        parts = path.split("/")
        for number in range(1, len(parts)):
            above = "/".join(parts[:number])
            self.files.pop(above, None)
            self.links.pop(above, None)
        self.executables &= set(self.files)

    @property
    def folders(self) -> list[str]:
        found = {""}
        for path in (*self.files, *self.links):
            parts = path.split("/")
            found.update("/".join(parts[:number]) for number in range(1, len(parts)))
        return sorted(found)


def some_path(dice: random.Random, tree: Tree) -> str:
    """Return a path, mostly in a folder that is there."""
    folder = dice.choice(tree.folders)
    parts = [folder] if folder else []
    parts += [dice.choice(NAMES) for _ in range(dice.choice((1, 1, 1, 2)))]
    return "/".join(parts)


def change(dice: random.Random, before: Tree) -> Tree:
    """Return a tree as a person's next commit may have it."""
    tree = before.copy()
    for _ in range(dice.randint(1, 5)):
        path = some_path(dice, tree)
        known = sorted((*tree.files, *tree.links))
        match dice.randrange(7):
            case 0 | 1:
                if len(tree.files) < MOST_FILES:
                    tree.make_room(path)
                    tree.files[path] = dice.choice(CONTENTS)
                    if dice.random() < 0.2:
                        tree.executables.add(path)
            case 2 if known:
                tree.remove(dice.choice(known))
            case 3 if tree.files:
                old = dice.choice(sorted(tree.files))
                content = tree.files.pop(old)
                tree.make_room(path)
                tree.files[path] = content
            case 4 if tree.files:
                tree.files[dice.choice(sorted(tree.files))] = dice.choice(CONTENTS)
            case 5:
                tree.make_room(path)
                ups = "../" * path.count("/")
                targets = [each for each in (*known, *tree.folders) if each]
                tree.links[path] = ups + (dice.choice(targets) if targets else "a")
            case 6 if known:
                # A file becomes a folder, or a folder a file.
                old = dice.choice(known)
                if old in tree.files:
                    content = tree.files.pop(old)
                    tree.files[f"{old}/{dice.choice(NAMES)}"] = content
                elif "/" in old:
                    folder = old.rpartition("/")[0]
                    tree.make_room(folder)
                    tree.files[folder] = dice.choice(CONTENTS)
            case _:
                pass
        tree.executables &= set(tree.files)
    return tree
