"""What the environment decides."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Any

# Fewer characters than this are guessed, not generated.
_LEAST_KEY_CHARS = 32


def settings(environ: Mapping[str, str], instance_path: str) -> dict[str, Any]:
    """Return the Flask configuration that an environment stands for.

    SECRET_KEY            signs the session; required
    HELLO_DATABASE        SQLite file; default: hello.sqlite3 in the instance folder
    HELLO_TRUSTED_HOSTS   names that the app answers to, with commas; default: any,
                          because nginx has already refused the others
    HELLO_TEST_ENDPOINTS  1: /slow, /stream, /echo and /upload exist, for tests under load
    HOMEPORT_RELEASE      the release's id, set by Homeport
    """
    secret_key = environ.get("SECRET_KEY", "")
    if len(secret_key) < _LEAST_KEY_CHARS:
        state = "is not set" if not secret_key else f"has fewer than {_LEAST_KEY_CHARS} characters"
        raise RuntimeError(
            f"cannot start: SECRET_KEY {state}; "
            "make one with: python3 -c 'import secrets; print(secrets.token_urlsafe(32))'"
        )
    hosts = [name.strip() for name in environ.get("HELLO_TRUSTED_HOSTS", "").split(",")]
    return {
        "SECRET_KEY": secret_key,
        "DATABASE": environ.get("HELLO_DATABASE") or os.path.join(instance_path, "hello.sqlite3"),
        "RELEASE": environ.get("HOMEPORT_RELEASE") or "development",
        "TEST_ENDPOINTS": environ.get("HELLO_TEST_ENDPOINTS") == "1",
        "TRUSTED_HOSTS": [name for name in hosts if name] or None,
        # The prefix makes browsers insist on Secure, on Path=/ and on no Domain.
        "SESSION_COOKIE_NAME": "__Host-hello",
        "SESSION_COOKIE_SECURE": True,
        "SESSION_COOKIE_HTTPONLY": True,
        "SESSION_COOKIE_SAMESITE": "Lax",
        "MAX_CONTENT_LENGTH": 10 * 1024 * 1024,  # as max_body in the inventory
    }
