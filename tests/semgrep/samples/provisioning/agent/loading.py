"""Good and bad lines for root-loads-nothing-from-elsewhere.yml. Never imported."""

import ctypes
import importlib
import marshal
import pickle
import runpy
import site
import sys


def bad(self, text):
    exec(text)  # bad
    sys.path.insert(0, self.venv)  # bad
    importlib.util.spec_from_file_location("server", "/srv/hello/server.py")  # bad
    ctypes.CDLL(self.venv + "/lib/x.so")  # bad
    eval(text)  # bad
    runpy.run_path("/srv/hello/current/code/app.py")  # bad
    sys.path.append(self.venv)  # bad
    site.addsitedir(self.venv)  # bad
    marshal.loads(text)  # bad
    pickle.loads(text)  # bad


def good(name):
    importlib.import_module("provisioning.agent.resources")
    ctypes.CDLL(None)
    sys.path.index(name)
    self.execute(name)
