"""What an agent says, as the tests of all sinks hear it."""

from __future__ import annotations

import re

from provisioning.agent import events

OLD, NEW = "0" * 64, "f" * 64
DIFF = "--- /etc/motd\n+++ /etc/motd\n@@ -1 +1 @@\n-old words\n+new words\n"

NEW_FILE = events.Finished(
    "file:/etc/new",
    events.CHANGED,
    {"type": (None, "file"), "content": (None, NEW), "mode": (None, "0644")},
)
CHANGED_FILE = events.Finished(
    "file:/etc/motd",
    events.CHANGED,
    {"content": (OLD, NEW), "mode": ("0640", "0644")},
    (DIFF,),
)
FAILED = events.Finished(
    "service:nginx",
    events.FAILED,
    message="cannot reload nginx.service: exit status 1",
    output="nginx: [emerg] unknown directive\nnginx: test failed",
    hint="look at line 3",
)


def without_escapes(text: str) -> str:
    """Return what stays readable of a terminal's text."""
    return re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", text)
