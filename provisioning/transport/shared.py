"""What all connections of this process share."""

from __future__ import annotations

import atexit

from provisioning.transport.gateways import Gateways
from provisioning.transport.login.keys import KeyRing

KEYS = KeyRing()
GATEWAYS = Gateways()
atexit.register(GATEWAYS.close)
