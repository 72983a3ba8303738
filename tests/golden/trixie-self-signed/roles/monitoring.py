"""A role of a person's own."""

from provisioning.resources import (
    File,
    Packages,
    Service,
)


def monitoring(host, facts):
    """Export the host's figures, on the loopback address only."""
    settings = File(
        "/etc/default/prometheus-node-exporter", 'ARGS="--web.listen-address=127.0.0.1:9100"\n'
    )
    return [
        Packages("monitoring", ("prometheus-node-exporter",)),
        settings,
        Service("prometheus-node-exporter", restart_on=(settings,)),
    ]
