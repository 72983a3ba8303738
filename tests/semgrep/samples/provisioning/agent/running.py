"""Good and bad lines for root-runs-nothing-of-an-app.yml. Never imported."""

import ctypes
import importlib
import os
import subprocess
import sys


def bad(self, system, app, text):
    system.run([os.path.join(self.venv, "bin", "python"), "-m", "compileall"])  # bad
    system.run([self._interpreter, "-m", "pip"], timeout_s=5)  # bad
    system.act(["/srv/hello/current/bin/tool"], why="use it")  # bad
    system.act([f"{app.release}/bin/tool"], why="use it", cwd="/")  # bad
    list(system.lines([layout.venv(app), "x"]))  # bad
    subprocess.Popen([self.venv + "/bin/python"])  # bad
    os.execv(os.path.join(self.venv, "bin", "python"), [])  # bad
    exec(text)  # bad
    sys.path.insert(0, self.venv)  # bad
    importlib.util.spec_from_file_location("server", "/srv/hello/server.py")  # bad
    ctypes.CDLL(self.venv + "/lib/x.so")  # bad


def good(self, system, app, argv):
    system.run([self.python, "-I", "-m", "compileall", "-q", os.path.join(self.part, "code")])
    system.run([os.path.join(self.venv, "bin", "python"), "-m", "pip"], user=layout.BUILDER)
    system.act([self._interpreter, "-m", "pip"], why="install", user=self.user)
    system.act(["chown", "--recursive", "root:root", self.venv], why="take it over")
    system.run(["systemctl", "stop", "hello@release.service"])
    list(system.lines(["journalctl", "-o", "json"]))
    importlib.import_module("provisioning.agent.resources")
