"""One host during one command: when the way to it is lost."""

import base64
import io
import re

import pytest

from provisioning.agent.events import FAILED, Done, Finished, to_message
from provisioning.agent.runs.wire import Decoder, pack
from provisioning.errors import (
    ConfigurationError,
    ConnectionLostError,
    HomeportError,
    HostKeyError,
    ResourceFailedError,
    UnreachableError,
)
from provisioning.hosts.host import RemoteHost
from provisioning.protocol.payload import MARKER_BYTES
from provisioning.protocol.plan import make_plan
from provisioning.report import make_sink
from provisioning.resources import File
from provisioning.transport import Counters


class Host:
    """A host that begins a run and carries out plans, over one connection after the other."""

    def __init__(self):
        self.connections = []
        self.failures = []

    def open(self, command):
        if self.failures:
            raise self.failures.pop()
        script = base64.b64decode(command.split("printf %s ")[1].split(" ")[0])
        marker = re.findall(rb"\b[0-9a-f]{%d}\b" % (2 * MARKER_BYTES), script)[-1]
        self.connections.append(Talk(marker))
        return self.connections[-1]


class Talk:
    """One connection; `cut` ends it."""

    def __init__(self, marker):
        self.parts = [b"\n" + marker + b" ready\n" + pack({"hello": {"python": "3.11.2"}})]
        self.heard = []
        self._decoder = Decoder()
        self._is_cut = False

    def cut(self):
        self._is_cut = True

    def send(self, data):
        if self._is_cut:
            raise ConnectionLostError("reset")
        self._decoder.feed(data)
        for frame in self._decoder:
            self.heard.append(frame)
            if "begin" in frame:
                self.parts.append(pack({"begun": {"run": frame["begin"]}}))
            elif "plan" in frame:
                self.parts.append(pack(to_message(Done(frame["run"], more=not frame["last"]))))
            elif "end" in frame:
                self.parts.append(pack({"ended": 1}))

    def receive(self, timeout_s=None):
        return self.parts.pop(0) if self.parts and not self._is_cut else b""

    def stderr_tail(self):
        return ""

    def close(self):
        self._is_cut = True


def test_what_fails_says_which_role_made_it():
    class Failing(Talk):
        def send(self, data):
            self._decoder.feed(data)
            for frame in (each for each in self._decoder if "plan" in each):
                failed = Finished("file:/etc/mine", FAILED, message="no space left")
                self.parts += [
                    pack(to_message(failed)),
                    pack(to_message(Done(frame["run"], failed=True))),
                ]

    def opened(command):
        script = base64.b64decode(command.split("printf %s ")[1].split(" ")[0])
        return Failing(re.findall(rb"\b[0-9a-f]{%d}\b" % (2 * MARKER_BYTES), script)[-1])

    said = io.StringIO()
    run = RemoteHost("web1", opened, counters=Counters, sink=make_sink(stream=said))
    plan = make_plan([File("/etc/mine", "x")], roles={"file:/etc/mine": "monitoring"})
    run.carry_out(plan, what="provision")
    assert "no space left (role monitoring)" in said.getvalue()


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
    monkeypatch.setattr("provisioning.hosts.host.RECONNECT_S", 0.0)
    monkeypatch.setattr("provisioning.hosts.host.RECONNECT_PAUSE_S", 0.0)
    host = Host()
    sink = make_sink(json=True, stream=io.StringIO())
    run = RemoteHost("web1", host.open, counters=Counters, sink=sink)
    run.begin("deploy")
    host.connections[0].cut()
    host.failures = [failure] * 2
    with pytest.raises(HomeportError, match=str(failure)):
        run.converge([])
    assert not run.has_host
    # Nobody is there to be told that its run is to end.
    run.let_go()
    assert host.failures == [failure]


@pytest.mark.parametrize("unreachable", [0, 2])
def test_a_host_that_waits_is_connected_to_again_when_its_connection_is_lost(unreachable):
    host, stream = Host(), io.StringIO()
    run = RemoteHost("web1", host.open, counters=Counters, sink=make_sink(json=True, stream=stream))
    run.begin("deploy")
    assert run.converge([], final=False)
    host.connections[0].cut()
    host.failures = [UnreachableError("refused")] * unreachable
    for _ in range(unreachable + 2):
        run._conversation._pinged = float("-inf")
        run.keep_alive()
    assert len(host.connections) == 2
    [watch] = [frame for frame in host.connections[1].heard if "watch" in frame]
    # It has heard that the run has begun, and of one plan's end.
    assert (watch["watch"], watch["owner"], watch["after"]) == (run._run, True, 2)
    assert run.converge([], final=True)
    assert not run.has_host
    assert stream.getvalue().count("reconnecting") == 1
