"""The module that may change the host by path: nothing here is bad. Never imported."""

import os
import shutil


def good(path):
    os.makedirs(path)
    os.chmod(path, 0o755)
    shutil.rmtree(path)
