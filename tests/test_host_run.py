"""One host during one command: when the way to it is lost."""

import base64
import io
import re

import pytest

from provisioning.agent.runs.wire import pack
from provisioning.errors import (
    ConfigurationError,
    HomeportError,
    HostKeyError,
    ResourceFailedError,
    UnreachableError,
)
from provisioning.host_run import HostRun
from provisioning.payload import MARKER_BYTES
from provisioning.report import make_sink
from provisioning.transport import Counters


class Host:
    """A host whose agent begins a run, and is then gone with the connection.

    Args:
        failure: What comes of every later try to connect.
    """

    def __init__(self, failure):
        self.failure = failure
        self.connected = 0
        self.parts = []

    def open(self, command):
        self.connected += 1
        if self.connected > 1:
            raise self.failure
        script = base64.b64decode(command.split("printf %s ")[1].split(" ")[0])
        marker = re.findall(rb"\b[0-9a-f]{%d}\b" % (2 * MARKER_BYTES), script)[-1]
        begun = {"begun": {"run": "r1", "who": "me@here", "what": "deploy", "began": 0.0}}
        hello = pack({"hello": {"python": "3.11.2"}})
        self.parts = [b"\n" + marker + b" ready\n" + hello, pack(begun)]
        return self

    def send(self, data):
        pass

    def receive(self, timeout_s=None):
        return self.parts.pop(0) if self.parts else b""

    def stderr_tail(self):
        return ""

    def close(self):
        pass


@pytest.mark.parametrize(
    "failure",
    [
        ConfigurationError("no such ssh_config"),
        HostKeyError("another key"),
        ResourceFailedError("no room for the agent"),
        UnreachableError("refused"),
    ],
    ids=repr,
)
def test_a_host_that_cannot_be_come_back_to_is_let_go(monkeypatch, failure):
    monkeypatch.setattr("provisioning.host_run.RECONNECT_S", 0.0)
    monkeypatch.setattr("provisioning.host_run.RECONNECT_PAUSE_S", 0.0)
    host = Host(failure)
    sink = make_sink(json=True, stream=io.StringIO())
    run = HostRun("web1", host.open, counters=Counters, sink=sink)
    run.begin("deploy")
    with pytest.raises(HomeportError, match=str(failure)):
        run.converge([])
    assert not run.has_host
    # Nobody is there to be told that its run is to end.
    run.let_go()
    assert host.connected == 2
