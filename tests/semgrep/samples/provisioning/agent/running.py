"""Good and bad lines for root-runs-nothing-of-an-app.yml. Never imported."""

import os
import subprocess


def bad(self, system, app):
    system.run([os.path.join(self.venv, "bin", "python"), "-m", "compileall"])  # bad
    system.run([self._interpreter, "-m", "pip"], timeout_s=5)  # bad
    system.act(["/srv/hello/current/bin/tool"], why="use it")  # bad
    system.act([f"{app.release}/bin/tool"], why="use it", cwd="/")  # bad
    list(system.lines([layout.venv(app), "x"]))  # bad
    subprocess.Popen([self.venv + "/bin/python"])  # bad
    os.execv(os.path.join(self.venv, "bin", "python"), [])  # bad


def good(self, system, app, argv):
    system.run([self.python, "-I", "-m", "compileall", "-q", os.path.join(self.part, "code")])
    system.run([os.path.join(self.venv, "bin", "python"), "-m", "pip"], user=layout.BUILDER)
    system.act([self._interpreter, "-m", "pip"], why="install", user=self.user)
    system.act(["chown", "--recursive", "root:root", self.venv], why="take it over")
    system.run(["systemctl", "stop", "hello@release.service"])
    list(system.lines(["journalctl", "-o", "json"]))
