"""What a program of an app may do on a host: one list for its unit and for one-off runs."""

from __future__ import annotations

from provisioning.agent.facts import Facts
from provisioning.agent.layout import AppLayout
from provisioning.agent.machine.hardening import HARDENING
from provisioning.inventory.models.app import App

_ALWAYS = (
    *HARDENING,
    "UMask=0077",
    # Its own, and bounded: the host's is shared by all, and takes the host's memory.
    "TemporaryFileSystem=/dev/shm:size=25%,mode=1777",
    # What other apps run, and by which commands.
    "InaccessiblePaths=-/run/systemd/system -/run/systemd/transient",
    "TasksMax=512",
    # One worker that is killed for want of memory is replaced; the others serve on.
    "OOMPolicy=continue",
)
"""Source: systemd.exec(5), systemd.resource-control(5)."""

DEFAULT_MEMORY = "75%"
"""Share of the host, for each program of an app: a leak must not bring the host down."""

_NETWORK = {
    "full": ("RestrictAddressFamilies=AF_UNIX AF_INET AF_INET6",),
    # The kernel enforces this by BPF; a container that may not load such programs ignores it.
    "local": (
        "RestrictAddressFamilies=AF_UNIX AF_INET AF_INET6",
        "IPAddressDeny=any",
        "IPAddressAllow=localhost",
    ),
    "none": ("RestrictAddressFamilies=AF_UNIX", "PrivateNetwork=yes"),
}

_UNLESS_RELAXED = {
    # systemd tells everybody there what it runs.
    "dbus": "InaccessiblePaths=-/run/dbus",
    # Memory that is both written and executed: only compilers at run time need it.
    "jit": "MemoryDenyWriteExecute=yes",
    # Without /proc/meminfo and the like, psutil and some number crunchers fail.
    "proc": "ProcSubset=pid",
}

_IF_RELAXED = {
    # Adds to the families of the network. Source: netlink(7), systemd.exec(5).
    "netlink": "RestrictAddressFamilies=AF_NETLINK",
}


def sandbox_properties(app: App, facts: Facts) -> list[str]:
    """Return the user, the sandbox and the limits of everything that an app runs.

    The app's unit is made of these, and so is every one-off run of a release
    (`systemd-run -p`): importing it to see that it can be, migrating its database.

    Args:
        app: The app.
        facts: Of the host.

    Returns:
        "Key=Value", as in a unit's [Service] section; the order matters and keys repeat.
    """
    layout = AppLayout(app.name)
    properties = [f"User={app.name}", f"Group={app.name}", *_ALWAYS, *_NETWORK[app.network]]
    properties += [value for name, value in _UNLESS_RELAXED.items() if name not in app.relax]
    properties += [value for name, value in _IF_RELAXED.items() if name in app.relax]
    # The second an earlier Homeport did not make, and `fab run` may come before the next provision.
    properties.append(f"ReadWritePaths={layout.shared} -{layout.home}")
    # One for all programs of the app, which pass files on to each other. Not what PrivateTmp= would
    # provide: each unit has its own of these, and systemd empties it when the main process dies,
    # while others may still be running.
    properties.append(f"BindPaths={layout.temporary}:/tmp {layout.temporary}:/var/tmp")
    memory = app.memory_max.size_bytes if app.memory_max is not None else DEFAULT_MEMORY
    properties.append(f"MemoryMax={memory}")
    return properties
