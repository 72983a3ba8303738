"""Whether nginx loads the module for brotli."""

from __future__ import annotations

import pytest

from provisioning.agent.machine import dpkg
from provisioning.agent.nginx.facts import loads_brotli
from tests.fakes.system import WrittenSystem

MAIN = "/etc/nginx/nginx.conf"
HTTP = "http { include /etc/nginx/sites-enabled/*; }\n"
OURS = f"# Made by Homeport from templates/nginx/nginx.conf.j2\n{HTTP}"
INCLUDE = "include /etc/nginx/modules-enabled/*.conf;\n"
LINK = "/etc/nginx/modules-enabled/50-mod-http-brotli-static.conf"
LOADED = {LINK: "load_module modules/ngx_http_brotli_static_module.so;\n"}

NGINX = "Package: nginx\nStatus: install ok installed\nVersion: 1.26.3-3\n"
DEBIANS = f"{NGINX}Provides: httpd, httpd-cgi, nginx-abi-1.26.3-1\n"
MODULE = (
    "\nPackage: libnginx-mod-http-brotli-static\nStatus: install ok installed\n"
    "Version: 1.0.0~rc-6\n"
)


@pytest.mark.parametrize(
    ("what", "status", "files", "can"),
    [
        ("bare", "", {}, False),
        ("Debian's nginx", DEBIANS, {MAIN: OURS + INCLUDE}, False),
        ("loaded", DEBIANS + MODULE, {MAIN: OURS + INCLUDE, **LOADED}, True),
        ("its link is gone", DEBIANS + MODULE, {MAIN: OURS + INCLUDE}, False),
        ("no module is included", DEBIANS + MODULE, {MAIN: OURS, **LOADED}, False),
        ("beside others", DEBIANS, {MAIN: INCLUDE + HTTP}, False),
        ("beside, loaded", DEBIANS + MODULE, {MAIN: INCLUDE + HTTP, **LOADED}, True),
        ("beside, not included", DEBIANS + MODULE, {MAIN: HTTP, **LOADED}, False),
    ],
)
def test_a_directive_is_written_only_where_nginx_knows_it(
    what: str, status: str, files: dict[str, str], can: bool
) -> None:
    system = WrittenSystem({dpkg.STATUS_FILE: status, **files})
    assert loads_brotli(system) is can, what
