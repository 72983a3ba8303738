"""A person's own directives in nginx's server of an app: what may stand there."""

from __future__ import annotations

from collections.abc import Iterator
from fnmatch import fnmatchcase

from provisioning.agent.nginx.conf import Directive
from provisioning.roles.site import Snippet
from provisioning.roles.web_servers.directives import BadSyntaxError, whole_directives

ANYWHERE = {
    "include": "what it includes would not be checked; write the directives here",
    "*_by_lua_block": "Lua's braces and quotes are not nginx's; use *_by_lua_file",
}
"""Directives that are refused -> why."""

OUTSIDE_LOCATIONS = {
    "listen": "Homeport decides where its sites listen",
    "server_name": "write the name into domains or redirect",
    "ssl_*": "[tls] and Homeport decide about certificates and TLS",
    "http2": "Homeport turns HTTP/2 on where it can",
    "client_max_body_size": "set max_body",
    "set_real_ip_from": "set trusted_proxies",
    "real_ip_*": "set trusted_proxies",
    "auth_basic*": "set basic_auth: here it would keep deploys from the health path",
    "allow": "it would keep deploys from the health path; write it into a location",
    "deny": "it would keep deploys from the health path; write it into a location",
    "return": "it would answer everything, the health path as well; write it into a location",
    "add_header": "it has no effect, as each location adds headers of its own; let the app send "
    "it, or write it into a location of yours",
    "proxy_set_header": "it has no effect, as each location sets headers of its own; write it into "
    "a location of yours",
}
"""The same for those that would apply to the app's whole server, or prefix."""


def mistakes(snippet: Snippet) -> Iterator[str]:
    """Yield what is wrong with a snippet, each with file and line."""
    try:
        for each in whole_directives(snippet.text, snippet.path):
            reason = _why_refused(each)
            if reason:
                yield f"{each.where}: {each.name} cannot be set: {reason}"
    except BadSyntaxError as error:
        yield f"{snippet.path}:{error.line}: {error.what}"


def _why_refused(each: Directive) -> str:
    refused = {**ANYWHERE, **({} if each.blocks else OUTSIDE_LOCATIONS)}
    if each.name == "error_page" and not each.blocks and {"502", "503", "504"} & {*each.args[:-1]}:
        return "Homeport shows its page for 502, 503 and 504"
    return next((why for name, why in refused.items() if fnmatchcase(each.name, name)), "")
