"""One server gives its ports to another: what takes time happens before and after."""

from __future__ import annotations

from typing import List, Sequence

from provisioning.agent.machine.programs import Completed
from provisioning.agent.machine.sockets import listening
from provisioning.agent.machine.system import System
from provisioning.agent.machine.systemd import unexpanded

FREE_S = 10
"""How long a server may listen after it was told to stop; it should stop at once."""

STILL_LISTENS = 75
"""How the program ends then. Source: sysexits.h, EX_TEMPFAIL."""

TIMEOUT_S = 150.0
"""The time above, and that of `systemctl.ATTEMPT_TIMEOUT_S` for the start."""

SCRIPT = r"""
new=$1 sockets=$2 tries=$3
shift 3
systemctl stop --no-block "$@"
# The tenth field is the socket's inode: proc_net_tcp.txt.
while grep -qsE "^ *([^ ]+ +){9}($sockets) " /proc/net/tcp /proc/net/tcp6; do
    tries=$((tries - 1))
    if [ "$tries" -lt 0 ]; then
        systemctl start "$@"
        exit 75
    fi
    sleep 0.005
done
systemctl restart "$new" && exit
status=$?
systemctl start "$@"
exit "$status"
"""
"""Arguments: the new unit, inodes with "|" between, how often to look, the old units."""

LOOKS_PER_S = 100
"""At most: each look takes a few milliseconds, and there are five between two."""


def hand_over(system: System, old: Sequence[str], new: str, ports: Sequence[int]) -> Completed:
    """Have units give up their ports, and start another one that takes them.

    It does not wait for the end of the old ones: they listen no more, and end the requests that are
    in flight. If the new one does not start, they do again. systemd has all of this done by a
    program of its own, so that an agent that is killed meanwhile does not leave a host without a
    web server.

    Args:
        system: The machine; not in a check.
        old: Units that stop.
        new: The unit that starts.
        ports: TCP ports at which the old ones listen.

    Returns:
        How it ended: 0, `STILL_LISTENS`, or as `systemctl restart` did.
    """
    done = system.run(
        [
            *("systemd-run", "--quiet", "--collect", "--wait", "--pipe"),
            f"--description={new} in place of {' and '.join(old)}",
            *map(unexpanded, program(old, new, _sockets(system, ports))),
        ],
        timeout_s=TIMEOUT_S,
    )
    system.forget_cached()
    return done


def program(old: Sequence[str], new: str, sockets: Sequence[str]) -> List[str]:
    """Return the command line that does it: see `hand_over`."""
    inodes = "|".join(sockets) or "none"
    return ["/bin/sh", "-c", SCRIPT, "sh", new, inodes, str(FREE_S * LOOKS_PER_S), *old]


def _sockets(system: System, ports: Sequence[int]) -> List[str]:
    return sorted({inode for port in ports for inode in listening(system, port)})
