"""Files and directories, reached part by part, so that only root decides where a path leads.

The kernel follows symbolic links on its way along a path. Below a directory that an app or a
person may write, a path therefore leads where they choose, also between two calls of ours. So
this is the one place of the agent that makes, changes, copies and removes: it opens each directory
of a path by itself, holds it open, and acts relative to it.
"""

from __future__ import annotations

from provisioning.agent.machine.files.changing import (
    create,
    link,
    make_directory,
    own,
    rename,
    symlink,
    sync,
    unlink,
    write,
)
from provisioning.agent.machine.files.copying import copy_entry, copy_file, copy_tree
from provisioning.agent.machine.files.paths import (
    MOST_LINKS,
    UnsafePathError,
    descend,
    directory,
    is_roots_alone,
    parent,
)
from provisioning.agent.machine.files.reading import (
    lstat,
    names,
    open_any,
    open_directory,
    open_entry,
    open_file,
    open_linked_file,
    readlink,
)
from provisioning.agent.machine.files.removing import (
    TooMuchError,
    remove,
    remove_if_empty,
    remove_if_there,
)
from provisioning.agent.machine.files.trees import (
    MOST_DEPTH,
    Entry,
    give_tree,
    links,
    regular_files,
    walk,
)

__all__ = [
    "Entry",
    "MOST_DEPTH",
    "MOST_LINKS",
    "TooMuchError",
    "UnsafePathError",
    "copy_entry",
    "copy_file",
    "copy_tree",
    "create",
    "descend",
    "directory",
    "give_tree",
    "is_roots_alone",
    "link",
    "links",
    "lstat",
    "make_directory",
    "names",
    "open_any",
    "open_directory",
    "open_entry",
    "open_file",
    "open_linked_file",
    "own",
    "parent",
    "readlink",
    "regular_files",
    "remove",
    "remove_if_empty",
    "remove_if_there",
    "rename",
    "symlink",
    "sync",
    "unlink",
    "walk",
    "write",
]
