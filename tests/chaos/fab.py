"""`fab` as it is, but for an agent that can be held at an exact moment (see on_host.py).

python tests/chaos/fab.py AGENT_DIRECTORY ARGUMENTS...
"""

from __future__ import annotations

import sys
from pathlib import Path

from provisioning import payload, program


def main() -> None:
    """Run the command line with another agent."""
    payload.AGENT = Path(sys.argv.pop(1))
    sys.argv[0] = "fab"
    program.main()


if __name__ == "__main__":
    main()
