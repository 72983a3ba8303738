"""A host of ours alone, whose nginx an earlier Homeport had set up otherwise."""

from __future__ import annotations

import pytest

from provisioning.lab import Lab
from tests.e2e.project import Project
from tests.e2e.steps import deploy_change, lift_rate_limit, provision
from tests.e2e.visitors import visitors
from tests.suites import FIRST_TRIXIE

pytestmark = pytest.mark.lab

MAKE_EARLIER = r"""
cd /etc/nginx
mkdir -p conf.d sites-enabled
mv homeport/http/*.conf homeport/tls.conf conf.d/
tail -n +2 homeport/server.conf >> conf.d/logs.conf
tail -n +2 conf.d/media.conf >> conf.d/logs.conf
rm conf.d/media.conf
cat homeport/sites/00-default-tls.conf >> homeport/sites/00-default.conf
rm homeport/server.conf homeport/sites/00-default-tls.conf
mv homeport/sites/*.conf sites-enabled/
rmdir homeport/http homeport/sites
sed -i -E '/include .*homeport.(server|tls)\.con/d' sites-enabled/*.conf sites-tls/*.conf
sed -i -e 's/homeport_app_hello/app-hello/g; s/hello_health/hello-health/g; s/homeport_//g' \
    conf.d/*.conf sites-enabled/*.conf apps/*.conf homeport/*.conf
sed -i -e '/etc.nginx.homeport/d; /etc.nginx.conf.d/d; /temp_path/d' \
    -e 's#.*map_hash_bucket_size.*#&\ninclude /etc/nginx/conf.d/*.conf;#' nginx.conf
nginx -t && systemctl reload nginx
"""
"""Settings for the whole of nginx, and names without a prefix, in folders of everybody's."""


@pytest.mark.parametrize("suite", FIRST_TRIXIE)
def test_an_earlier_nginx_comes_over_with_one_provision_and_no_lost_request(
    lab: Lab, project: Project, deployed_host, suite
):
    host = deployed_host(suite)
    lift_rate_limit(project, host)
    host.shell(MAKE_EARLIER)
    host.shell("mkdir -p /etc/nginx/local.d; echo 'server { listen 127.0.0.1:81; return 204; }' "
               "> /etc/nginx/local.d/mine.conf; systemctl reload nginx")  # fmt: skip
    started = "systemctl show nginx --property=MainPID,ActiveEnterTimestampMonotonic"
    before = host.shell(started)
    with visitors(lab, host, load="repeatable") as visits:
        provision(project, host).must_succeed()
        deploy_change(project, host)
    assert visits.failures == []
    assert host.shell(started) == before
    # Debian's link to its own site is neither ours nor read.
    left = host.shell("cd /etc/nginx; find conf.d sites-enabled local.d -name '*.conf'")
    assert left.split() == ["local.d/mine.conf"]
    assert provision(project, host, "--json").must_succeed().changed(host.name) == []
