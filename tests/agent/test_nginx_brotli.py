"""Whether nginx loads the module for brotli, or would."""

from __future__ import annotations

import pytest

from provisioning.agent.machine import dpkg
from provisioning.agent.nginx.facts import can_load_brotli
from tests.fakes.system import WrittenSystem

MAIN = "/etc/nginx/nginx.conf"
HTTP = "http { include /etc/nginx/sites-enabled/*; }\n"
OURS = f"# Made by Homeport from templates/nginx/nginx.conf.j2\n{HTTP}"
INCLUDE = "include /etc/nginx/modules-enabled/*.conf;\n"
LINK = "/etc/nginx/modules-enabled/50-mod-http-brotli-static.conf"
LOADED = {LINK: "load_module modules/ngx_http_brotli_static_module.so;\n"}
BESIDE = "sites-enabled/zz-homeport.conf"

NGINX = "Package: nginx\nStatus: install ok installed\nVersion: 1.26.3-3\n"
DEBIANS = f"{NGINX}Provides: httpd, httpd-cgi, nginx-abi-1.26.3-1\n"
MODULE = (
    "\nPackage: libnginx-mod-http-brotli-static\nStatus: install ok installed\n"
    "Version: 1.0.0~rc-6\n"
)


@pytest.mark.parametrize(
    ("what", "status", "files", "beside", "can"),
    [
        ("bare", "", {}, "", True),
        ("Debian's nginx", DEBIANS, {MAIN: OURS + INCLUDE}, "", True),
        ("another build", NGINX, {MAIN: OURS + INCLUDE}, "", False),
        ("a removed one", DEBIANS.replace("ok installed", "ok config-files"), {}, "", True),
        ("a template that loads no modules", DEBIANS, {MAIN: OURS}, "", False),
        ("loaded", DEBIANS + MODULE, {MAIN: OURS + INCLUDE, **LOADED}, "", True),
        ("its link is gone", DEBIANS + MODULE, {MAIN: OURS + INCLUDE}, "", False),
        ("no module is included", DEBIANS + MODULE, {MAIN: OURS, **LOADED}, "", False),
        ("beside others", DEBIANS, {MAIN: INCLUDE + HTTP}, BESIDE, False),
        ("beside, loaded", DEBIANS + MODULE, {MAIN: INCLUDE + HTTP, **LOADED}, BESIDE, True),
        ("beside, not included", DEBIANS + MODULE, {MAIN: HTTP, **LOADED}, BESIDE, False),
    ],
)
def test_a_directive_is_written_only_where_nginx_knows_it(
    what: str, status: str, files: dict[str, str], beside: str, can: bool
) -> None:
    system = WrittenSystem({dpkg.STATUS_FILE: status, **files})
    assert can_load_brotli(system, beside) is can, what


def test_what_a_package_provides_is_read_of_that_package_as_it_is_now() -> None:
    gone = DEBIANS.replace("ok installed", "ok config-files")
    for text, given in ((DEBIANS, True), (NGINX, False), (MODULE, False), ("", False)):
        system = WrittenSystem({dpkg.STATUS_FILE: text})
        assert dpkg.provides(system, "nginx", "nginx-abi-") is given
    system = WrittenSystem({dpkg.STATUS_FILE: f"{DEBIANS}\n{gone}"})
    assert not dpkg.provides(system, "nginx", "nginx-abi-")
