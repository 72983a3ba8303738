"""`build`: an app's own commands complete its release on the host, in a sandbox."""

from __future__ import annotations

import pytest

from provisioning.lab import Lab
from tests.e2e.django_shop import DOMAIN, add_shop, commit_shop
from tests.e2e.project import Project
from tests.e2e.site import Site
from tests.e2e.steps import provision

pytestmark = [pytest.mark.lab, pytest.mark.thorough]

BUILD = """\
static = { "/static/" = "staticfiles" }
build = [
    "SECRET_KEY=unused python manage.py collectstatic --noinput",
    "echo $GREETING $TOKEN > made.txt && mkdir -p node_modules/x && touch node_modules/x/y",
    ["sh", "-ec", "cat /etc/shadow /srv/hello/current/app.py; ls /srv; id -u; pwd"],
]
"""

MORE = """
[apps.shop.env]
GREETING = "good-day"

[apps.shop.build_secrets]
TOKEN = { env = "SHOP_TOKEN" }
"""

SILENCED = [f"admin.E{number}" for number in range(400, 411)]

SECRET = "nothing-but-the-tide"


def test_a_build_completes_the_release_and_only_that(lab: Lab, project: Project, deployed_host):
    host = deployed_host()
    add_shop(project)
    lab.set_domain(DOMAIN, host.name)
    project.env["SHOP_TOKEN"] = SECRET
    settings = project.app.parent / "shop" / "shop" / "settings.py"
    text = settings.read_text().replace(
        'INSTALLED_APPS = [', 'STATIC_URL, STATIC_ROOT = "/static/", "staticfiles"\n'
        'INSTALLED_APPS = ["django.contrib.staticfiles", "django.contrib.admin", '
        '"django.contrib.auth", "django.contrib.messages", ',
    )  # fmt: skip
    # Its pages are not asked for, only its style.
    settings.write_text(f"{text}\nSILENCED_SYSTEM_CHECKS = {SILENCED}\n")
    commit_shop(project)
    before = 'workers = 1\nmigrate = "python manage'
    project.configure(before, BUILD + before)
    project.inventory.write_text(project.inventory.read_text() + MORE)
    provision(project, host).must_succeed()
    fab = lambda *words: project.fab("-H", host.name, *words)  # noqa: E731

    # A command that fails refuses the release, with its own words; visitors never see it.
    refused = fab("deploy", "--app", "shop")
    assert refused.code == 4, refused.output
    assert "cat: /etc/shadow: Permission denied" in refused.output
    assert "/srv/hello/current/app.py: No such file" in refused.output
    assert SECRET not in refused.output
    assert host.shell("ls /srv/shop/releases").split() == []

    project.configure("cat /etc/shadow /srv/hello/current/app.py; ", "")
    first = fab("deploy", "--app", "shop").must_succeed()
    assert "static files copied to" in first.output
    assert "node_modules stays with the build" in first.output
    assert SECRET not in first.output
    code = "/srv/shop/current/code"
    assert host.shell(f"cat {code}/made.txt").split() == ["good-day", SECRET]
    assert not host.shell(f"ls {code}/node_modules 2>/dev/null || true").strip()
    assert host.shell(f"find {code}/ ! -user root | wc -l").strip() == "0"
    css = Site(lab, host, DOMAIN).get("/static/admin/css/base.css")
    assert (css.status, css.headers["content-type"]) == (200, "text/css")

    # What was built goes with its release: also where only the environment is new.
    fab("restart", "--app", "shop").must_succeed()
    assert host.shell(f"cat {code}/made.txt").split() == ["good-day", SECRET]
    fab("deploy", "--app", "shop").must_succeed()
    fab("rollback", "--app", "shop").must_succeed()
    assert host.shell(f"cat {code}/made.txt").split() == ["good-day", SECRET]
    # Nothing of a build stays on the host besides what the release has.
    assert "homeport-build" not in host.shell("systemctl list-units --all --plain | cat")
    places = "/srv/shop/venvs /var/lib/homeport /var/lib/private /var/cache/private"
    assert host.shell(f"grep -rl {SECRET} {places} || true").split() == []
