"""A plan, as the controller submits it."""

from __future__ import annotations

from typing import Any, Mapping, NamedTuple, Optional, Sequence, Tuple

from provisioning.agent.runs.wire import Message

Values = Mapping[str, Any]
"""A resource as it travels: see resource.encode."""


class Submit(NamedTuple):
    """A plan to be carried out; the last that is said of it is a `Done`, or `OtherFacts`.

    Args:
        resources: What should be, in order.
        run: The plan's id.
        who, what: See `RunInfo`.
        check: Change nothing.
        diff: Add unified diffs to the events.
        owner: For whom things are made: "project/environment".
        adopt: What a person hands over: ids of things, or paths.
        facts: The digest of the facts that it was made for; "" for any.
        candidates: Packages whose versions belong to these facts though they are not installed.
        final: A run in the background ends with it.
        on_failure: What a run in the background makes true if the plan does not come to its end,
            or if nobody says what comes next; None outside of such a run.
    """

    resources: Sequence[Values]
    run: str
    who: str = "somebody"
    what: str = "a run"
    check: bool = False
    diff: bool = False
    owner: str = ""
    adopt: Tuple[str, ...] = ()
    facts: str = ""
    candidates: Tuple[str, ...] = ()
    final: bool = True
    on_failure: Optional[Sequence[Values]] = None

    def _message(self) -> Message:
        message = {_KEYS[name]: _plain(value) for name, value in self._asdict().items()}
        if self.on_failure is None:
            del message["otherwise"]
        return message


_KEYS = {
    **{name: name for name in Submit._fields},
    "resources": "plan",
    "final": "last",
    "on_failure": "otherwise",
}
"""Field -> key on the wire, whose names are older."""


def _plain(value: Any) -> Any:
    return list(value) if isinstance(value, tuple) else value


def submit_of(message: Message) -> Submit:
    """Return the plan in a message of a controller."""
    values = {name: message[key] for name, key in _KEYS.items() if key in message}
    for name, default in Submit._field_defaults.items():
        if name in values and default is not None:
            values[name] = type(default)(values[name])
    return Submit(**values)
