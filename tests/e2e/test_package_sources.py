"""Package sources in trouble: they stop nothing that does not need them."""

from __future__ import annotations

import pytest

from provisioning.lab import LabHost
from tests.e2e.project import Project
from tests.e2e.steps import deploy, live_on

pytestmark = pytest.mark.lab

BROKEN = """
cd /etc/apt/sources.list.d
echo 'deb cdrom:[Debian GNU/Linux]/ bookworm main' > old.list
printf '# ours\\n\\nfoo http://example.invalid stable main\\n' > torn.list
echo 'deb [trusted=yes] http://127.0.0.1:9/debian stable main' > dead.list
"""

NOBODY_ASKS_APT = r"""
for name in apt-get apt-cache apt; do
  printf '#!/bin/sh\necho "$0 $*" >> /root/asked\nexit 100\n' > /usr/local/bin/$name
  chmod 755 /usr/local/bin/$name
done
find /var/lib/apt/lists -type f -exec touch -d '3 days ago' {} +
cat > /root/hold.py <<'END'
import fcntl, time
locks = [open(path, "a") for path in (
    "/var/lib/dpkg/lock-frontend", "/var/lib/dpkg/lock", "/var/lib/apt/lists/lock")]
for lock in locks:
    fcntl.lockf(lock, fcntl.LOCK_EX)
open("/root/held", "w")
time.sleep(3600)
END
systemd-run --quiet --unit=holder python3 /root/hold.py
until test -e /root/held; do sleep 0.05; done
"""
"""Another program has the locks; and whoever asks apt is written down."""

# The agent's own PATH has no /usr/local: so apt's own places are covered.
COVERED = """
for name in apt-get apt-cache; do mount --bind /usr/local/bin/$name /usr/bin/$name; done
"""


def _self_signed(project: Project) -> None:
    text = project.inventory.read_text()
    start = text.index("[tls]")
    project.inventory.write_text(text[:start] + '[tls]\nmethod = "self-signed"\n')


def _asked(host: LabHost) -> str:
    return host.shell("cat /root/asked 2>/dev/null || true")


def test_sources_in_trouble_are_named_and_stop_nothing(project: Project, bare_host):
    host = bare_host()
    _self_signed(project)
    host.shell(BROKEN)
    made = project.fab("-H", host.name, "provision").must_succeed()
    for place in ("old.list:1", "dead.list:1", "torn.list:3"):
        assert f"/etc/apt/sources.list.d/{place} " in made.output, made.output
        assert made.output.count(f"/etc/apt/sources.list.d/{place} ") == 1, made.output

    host.shell(NOBODY_ASKS_APT + COVERED)
    again = project.fab("-H", host.name, "provision", "--json").must_succeed()
    assert again.changed(host.name) == []
    # Also where nothing is remembered of the host.
    for file in (project.directory / ".cache").rglob("*.json"):
        file.unlink()
    checked = project.fab("-H", host.name, "provision", "--check").must_succeed()
    assert "nothing" in checked.output
    deploy(project, host)
    assert live_on(host)
    project.fab("-H", host.name, "status").must_succeed()
    project.fab("-H", host.name, "restart").must_succeed()
    assert _asked(host) == ""


def test_what_no_source_has_is_told_with_the_sources_in_trouble(project: Project, bare_host):
    host = bare_host()
    _self_signed(project)
    host.shell("apt-get -qq update")
    host.shell("apt-get -qq -y install --no-install-recommends python3 >/dev/null 2>&1")
    host.shell(BROKEN + "find /var/lib/apt/lists -type f -exec touch -d '3 days ago' {} +")
    project.configure("[apps.hello]\n", '[apps.hello]\npackages = ["nosuch-package"]\n')
    refused = project.fab("-H", host.name, "provision", "--check")
    assert refused.code == 1, refused.output
    assert "cannot install nosuch-package" in refused.output
    for place in ("old.list:1", "dead.list:1", "torn.list:3"):
        assert f"/etc/apt/sources.list.d/{place} " in refused.output, refused.output
    assert "Traceback" not in refused.output
