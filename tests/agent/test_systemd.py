"""What systemctl prints, as values."""

from __future__ import annotations

from provisioning.agent.machine.systemd import parse_list


def test_a_description_with_line_breaks_is_no_unit():
    printed = (
        "run-u1.service loaded active running /usr/bin/python3 -c import time\n"
        "for each in range(3):\n"
        "    print('a b c d')\n"
        "x.y z active running\n"
        "\n"
        "hello@1.service loaded failed failed hello, release 1\n"
        "gone.service not-found inactive dead gone.service\n"
    )
    assert parse_list(printed) == {
        "run-u1.service": ("active", "running"),
        "hello@1.service": ("failed", "failed"),
        "gone.service": ("inactive", "dead"),
    }
