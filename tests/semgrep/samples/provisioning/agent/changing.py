"""Good and bad lines for paths-are-changed-in-one-module.yml. Never imported."""

import os
import shutil


def bad(path, other):
    os.chmod(path, 0o755)  # bad
    os.chown(path, 0, 0)  # bad
    os.lchown(path, 0, 0)  # bad
    os.makedirs(path, exist_ok=True)  # bad
    shutil.rmtree(path)  # bad
    shutil.rmtree(path, ignore_errors=True)  # bad
    shutil.copytree(path, other, symlinks=True)  # bad
    shutil.copy(path, other)  # bad
    shutil.copy2(path, other)  # bad
    shutil.copyfile(path, other)  # bad
    shutil.copystat(path, other)  # bad
    shutil.move(path, other)  # bad


def good(files, path, descriptor):
    os.fchmod(descriptor, 0o755)
    os.fchown(descriptor, 0, 0)
    os.chown("name", 0, 0, dir_fd=descriptor, follow_symlinks=False)
    shutil.rmtree("name", dir_fd=descriptor)
    files.make_directory(path)
    shutil.which("nginx")
    shutil.disk_usage(path)
