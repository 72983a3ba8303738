"""Secrets: never in a repr, a log, a diff, an argv or a traceback.

A `Secret` shows as `***`; `REDACTOR` masks it where it slipped into other text;
`fetch_secrets` gets the values of an app from the operator's machine.
"""

from __future__ import annotations

from provisioning.secrets.redaction import MASK, REDACTOR, Redactor, redact
from provisioning.secrets.sources import (
    CommandSource,
    EnvSource,
    FetchedSecrets,
    FetchedSource,
    FileSource,
    GenerateSource,
    SecretSource,
    fetch_secrets,
)
from provisioning.secrets.value import Secret, generate_secret

__all__ = [
    "MASK",
    "REDACTOR",
    "CommandSource",
    "EnvSource",
    "FetchedSecrets",
    "FetchedSource",
    "FileSource",
    "GenerateSource",
    "Redactor",
    "Secret",
    "SecretSource",
    "fetch_secrets",
    "generate_secret",
    "redact",
]
