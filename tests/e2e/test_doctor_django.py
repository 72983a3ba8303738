"""`fab doctor` asks a Django app about itself, and runs its `check --deploy`."""

from __future__ import annotations

import pytest

from provisioning.lab import Lab
from tests.e2e.django_shop import DOMAIN, add_shop, commit_shop
from tests.e2e.project import Project
from tests.e2e.steps import only, provision

pytestmark = [pytest.mark.lab, pytest.mark.thorough]


def test_django_is_asked_about_itself(lab: Lab, project: Project, deployed_host):
    host = deployed_host()
    add_shop(project)
    lab.set_domain(DOMAIN, host.name)
    provision(project, host).must_succeed()

    def doctor() -> dict[str, dict]:
        project.fab("-H", host.name, "deploy", "--app", "shop").must_succeed()
        result = project.fab("-H", host.name, "doctor", "--app", "shop", "--json")
        return {row["check"]: row for row in only(result.events, "table")["rows"]}

    rows = doctor()
    assert {name: row for name, row in rows.items() if row["verdict"] != "pass"} == {}
    assert "no warning" in rows["django-deploy-check"]["evidence"]
    assert "SECRET_KEY of the environment" in rows["secret-key"]["evidence"]
    assert "https://shop.lab/" in rows["forwarded-headers"]["evidence"]

    settings = project.app.parent / "shop" / "shop" / "settings.py"
    text = settings.read_text().replace("DEBUG = False", "DEBUG = True")
    text = text.replace("SECURE_PROXY_SSL_HEADER", "PROXY").replace("SSL_REDIRECT = True", "X = 0")
    settings.write_text(text.replace("CSRF_COOKIE_SECURE = True", "CSRF_COOKIE_SECURE = False"))
    commit_shop(project)
    refused = project.fab("-H", host.name, "deploy", "--app", "shop")
    assert refused.code == 4
    assert "set DEBUG = False in shop.settings" in refused.output
    project.inventory.write_text(
        project.inventory.read_text().replace("[apps.shop]\n", "[apps.shop]\ndebug = true\n")
    )
    rows = doctor()
    assert rows["debug-mode"]["verdict"] == "fail"
    assert rows["cookies"]["verdict"] == "fail"
    assert rows["django-deploy-check"]["verdict"] == "warn"
    assert "security.W018" in rows["django-deploy-check"]["evidence"]
