"""The JSON schema of an inventory, so that editors complete and check it while it is written."""

from __future__ import annotations

from typing import Any, get_args

from pydantic import BaseModel, ConfigDict, Field

from provisioning.inventory.models.app import App
from provisioning.inventory.models.app_servers import APP_SERVERS
from provisioning.inventory.models.host import Host, Ssh
from provisioning.inventory.models.project import Project
from provisioning.inventory.models.runtimes import RUNTIMES
from provisioning.inventory.models.tls import Tls
from provisioning.inventory.models.web_servers import WEB_SERVERS
from provisioning.inventory.types.fields import AppName, HostName
from provisioning.inventory.types.interface import Interface


class _Document(BaseModel):
    """A Homeport inventory: the hosts and apps of one environment."""

    model_config = ConfigDict(extra="forbid", title="Homeport inventory")

    hosts: dict[HostName, Host] = Field(description="The Debian hosts.", min_length=1)
    apps: dict[AppName, App] = Field(default={}, description="The Python web apps.")
    tls: Tls = Field(default_factory=Tls, description=Tls.__doc__)
    ssh: Ssh = Field(default_factory=Ssh, description=Ssh.__doc__)
    project: Project = Field(default_factory=Project, description=Project.__doc__)


def schema() -> dict[str, Any]:
    """Return the schema; see `provisioning.inventory.schema`."""
    made = _Document.model_json_schema()
    models = made["$defs"]
    for name in ("Host", "App"):
        # The name is the table's header, not a key in it.
        del models[name]["properties"]["name"]
        models[name]["required"] = [key for key in models[name]["required"] if key != "name"]
    own = [name for name, server in RUNTIMES.items() if server]
    models["App"]["oneOf"] = [
        *({"required": [interface]} for interface in get_args(Interface)),
        {"properties": {"runtime": {"enum": own}}, "required": ["runtime"]},
    ]
    app = models["App"]["properties"]
    app["server"]["enum"] = sorted(APP_SERVERS)
    app["runtime"]["enum"] = sorted(RUNTIMES)
    app["web_server"]["enum"] = sorted(WEB_SERVERS)
    del app["settings"], models["ServerSettings"]
    for name, settings in APP_SERVERS.items():
        models[settings.__name__] = settings.model_json_schema()
        app[name] = {
            "$ref": f"#/$defs/{settings.__name__}",
            "description": f"What {name} alone has.",
        }
    for model in (made, *models.values()):
        model["properties"] = {key: _plain(each) for key, each in model["properties"].items()}
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **made}


def _plain(described: dict[str, Any]) -> dict[str, Any]:
    """Return a property without what says nothing to a person, or cannot be written in TOML."""
    kept = {key: value for key, value in described.items() if key != "title"}
    # TOML has no null: a key without a value is left out.
    ways = [way for way in kept.pop("anyOf", []) if way != {"type": "null"}]
    if len(ways) == 1:
        kept = {**ways[0], **kept}
    elif ways:
        kept["anyOf"] = ways
    default = kept.get("default", "")
    if default is None:
        del kept["default"]
    elif isinstance(default, dict) and "text" in default:
        # A size, rate or duration; in the file it is its text.
        kept["default"] = default["text"]
    if "patternProperties" in kept:
        kept["additionalProperties"] = False
    return kept
