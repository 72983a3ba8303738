"""How to tell a secret by its name or its form: one place for all that ask.

The more a match costs the one who was not meant, the narrower its pattern.
"""

from __future__ import annotations

import re

_WORDS = "secret|password|passwd|token|api_?key|private_?key|credential|database_url"

CERTAIN = re.compile(
    r"(^|_)(SECRET|SECRET_KEY|PASSWORD|PASSWD|PASSPHRASE|TOKEN|API_KEY|PRIVATE_KEY|CREDENTIALS?)$",
    re.IGNORECASE,
)
"""A variable of this name in plain text is refused."""

PROBABLE = re.compile(f"(?i)({_WORDS})")
"""One of this name, where everybody can read it, is a finding of `fab doctor`."""

POSSIBLE = re.compile(f"(?i)({_WORDS}|_dsn|_key)")
"""The value of one of this name is looked for in places where no secret belongs."""

MASKED = re.compile(r"SECRET|PASS|TOKEN|KEY|DSN|_UR[LI]$|CREDENTIAL|PRIVATE", re.IGNORECASE)
"""The value of one of this name is not shown."""

PASSWORD_IN_URL = re.compile(r"://[^/\s:@]*:[^/\s@]+@")
"""A value of this form holds a password."""
