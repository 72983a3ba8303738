"""Hosts that an earlier Homeport set up come over with one provision and one deploy."""

from __future__ import annotations

from dataclasses import replace

import pytest

from provisioning.lab import Lab, LabHost
from tests.e2e.earlier import install
from tests.e2e.project import Project
from tests.e2e.roads import lead_domains_to
from tests.e2e.site import Site
from tests.e2e.steps import (
    NO_LIMIT,
    deploy,
    deploy_change,
    lift_rate_limit,
    live_on,
    must_run_only,
    provision,
    wait_for,
)
from tests.e2e.visitors import visitors
from tests.suites import BOTH, FIRST_BOOKWORM

pytestmark = pytest.mark.lab

MAKE_EARLIER = r"""
live=$(basename $(readlink /srv/hello/live.sock) .sock)
release=/srv/hello/releases/$live
cat > /etc/tmpfiles.d/homeport-hello.conf <<'END'
d /run/hello 2750 hello www-data -
d /srv/hello/tmp 0700 hello hello 10d
END
systemd-tmpfiles --create /etc/tmpfiles.d/homeport-hello.conf
# As it was: one template for all releases, whose gunicorn makes its socket itself.
sed -e 's/^Wants=.*//; s/^Sockets=.*//; s/^ExecStopPost=.*//; s/^After=.*/After=network.target/' \
    -e 's#^ReadWritePaths=.*#ReadWritePaths=/srv/hello/shared /run/hello#' \
    -e 's/^SystemCallFilter=~@privileged.*/&\nSystemCallFilter=@chown/' \
    -e "s/$live/%i/g" $release/units/hello@$live.service > /etc/systemd/system/hello@.service
sed -i -e "s#^bind = .*#bind = 'unix:/run/hello/$live.sock'\numask = 0#" $release/server.py
systemctl stop hello@$live.socket hello@$live.service
rm $release/units/hello@$live.* /run/systemd/system/hello@$live.*
chmod 0755 /srv/hello /srv/hello/releases /srv/hello/venvs /srv/hello/static
chmod 0644 /srv/hello/history.jsonl
mkdir -p /var/cache/homeport/uv/archive-v0/poisoned
usermod --comment '' hello
systemctl daemon-reload
ln -sfn /run/hello/$live.sock /srv/hello/live.sock
systemctl start hello@$live.service
"""
"""Makes of a host what an earlier Homeport would have left there."""


@pytest.mark.parametrize("suite", FIRST_BOOKWORM)
def test_a_host_from_before_comes_over_without_a_lost_request(
    lab: Lab, project: Project, deployed_host, suite
):
    host = deployed_host(suite)
    lift_rate_limit(project, host)
    host.shell(MAKE_EARLIER)
    site, before = Site(lab, host), live_on(host)
    wait_for(lambda: site.get("/").status == 200)

    with visitors(lab, host) as visits:
        provision(project, host).must_succeed()
    visits.must_have_lost_nothing()
    assert visits.releases == {before}
    # Its live release is as it was, also after a boot.
    assert _earlier(host) != []
    host.reboot()
    wait_for(lambda: site.get("/").status == 200)
    refused = project.fab("-H", host.name, "restart")
    assert refused.code == 4
    assert "fab deploy" in refused.output

    with visitors(lab, host) as visits:
        after = deploy(project, host)
    visits.must_have_lost_nothing()
    assert visits.releases == {before, after}
    must_run_only(host, after)
    assert _earlier(host) == []
    assert host.shell("stat -c %a /srv/hello/history.jsonl").strip() == "600"

    # Its release cannot be gone back to; those that come after it can.
    refused = project.fab("-H", host.name, "rollback")
    assert refused.code == 4
    last = deploy_change(project, host)
    project.fab("-H", host.name, "rollback").must_succeed()
    must_run_only(host, after)
    assert last != after


def _earlier(host: LabHost) -> list[str]:
    """Return what is there of an earlier Homeport's."""
    paths = (
        "/etc/systemd/system/hello@.service /etc/tmpfiles.d/homeport-hello.conf /run/hello "
        "/var/cache/homeport"
    )
    return host.shell(f"ls -d {paths} 2>/dev/null || true").split()


@pytest.mark.thorough
@pytest.mark.parametrize("suite", BOTH)
def test_a_host_that_an_earlier_commit_set_up_comes_over_without_a_lost_request(
    lab: Lab, project: Project, bare_host, tmp_path_factory: pytest.TempPathFactory, suite
):
    host = bare_host(suite)
    lead_domains_to(lab, host)
    project.configure(*NO_LIMIT)
    earlier = replace(project, program=(str(install(tmp_path_factory.mktemp("earlier"))),))
    earlier.fab("-H", host.name, "provision").must_succeed()
    deploy(earlier, host)
    before = deploy_change(earlier, host)
    site = Site(lab, host)
    wait_for(lambda: site.get("/").status == 200)

    # nginx is reloaded: what a client may not send again can meet a connection that closes.
    with visitors(lab, host, load="repeatable") as visits:
        # Nothing of it is in its own successor's way.
        provision(project, host).must_succeed()
        after = deploy_change(project, host)
    assert visits.failures == []
    assert visits.releases == {before, after}
    must_run_only(host, after)
    assert provision(project, host, "--json").must_succeed().changed(host.name) == []
    last = deploy_change(project, host)
    project.fab("-H", host.name, "rollback").must_succeed()
    must_run_only(host, after)
    assert last != after
    told = project.fab("-H", host.name, "owns").must_succeed().output
    assert "/srv/hello" in told
