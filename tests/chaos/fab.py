"""`fab` as it is, but for an agent that can be held at an exact moment (see on_host.py).

python tests/chaos/fab.py AGENT_DIRECTORY ARGUMENTS...

CHAOS_CLOCK_S in the environment: by how many seconds its clock is ahead.
"""

from __future__ import annotations

import os
import sys
import time
from pathlib import Path

from provisioning import __main__
from provisioning.protocol import payload


def main() -> None:
    """Run the command line with another agent."""
    payload.AGENT = Path(sys.argv.pop(1))
    ahead_s, right = float(os.environ.get("CHAOS_CLOCK_S", "0")), time.time
    # Nothing else here asks for the time of day; the machine's clock is everybody's.
    time.time = lambda: right() + ahead_s
    sys.argv[0] = "fab"
    __main__.main()


if __name__ == "__main__":
    main()
