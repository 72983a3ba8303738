"""One host during one command: when the way to it is lost."""

import io

import pytest

from provisioning.agent.events import FAILED, Done, Finished, to_message
from provisioning.errors import (
    ConfigurationError,
    HomeportError,
    HostKeyError,
    ResourceFailedError,
    UnreachableError,
)
from provisioning.hosts.host import RemoteHost
from provisioning.protocol.plan import make_plan
from provisioning.report import make_sink
from provisioning.resources import File
from provisioning.transport import Counters
from tests.fakes.channel import AgentChannel, AgentHost


def test_what_fails_says_which_role_made_it():
    class Failing(AgentChannel):
        def answers(self, frame):
            if "plan" in frame:
                yield to_message(Finished("file:/etc/mine", FAILED, message="no space left"))
                yield to_message(Done(frame["run"], failed=True))

    said = io.StringIO()
    run = RemoteHost(
        "web1", AgentHost(Failing).open, counters=Counters, sink=make_sink(stream=said)
    )
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
    monkeypatch.setattr("provisioning.hosts.background_run.RECONNECT_S", 0.0)
    monkeypatch.setattr("provisioning.hosts.background_run.RECONNECT_PAUSE_S", 0.0)
    host = AgentHost()
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
    host, stream = AgentHost(), io.StringIO()
    run = RemoteHost("web1", host.open, counters=Counters, sink=make_sink(json=True, stream=stream))
    run.begin("deploy")
    assert run.converge([], final=False)
    host.connections[0].cut()
    host.failures = [UnreachableError("refused")] * unreachable
    for _ in range(unreachable + 2):
        run._link.client._pinged = float("-inf")
        run.keep_alive()
    assert len(host.connections) == 2
    [watch] = [frame for frame in host.connections[1].heard if "watch" in frame]
    # It has heard that the run has begun, and of one plan's end.
    assert (watch["watch"], watch["owner"], watch["after"]) == (run._run._id, True, 2)
    assert run.converge([], final=True)
    assert not run.has_host
    assert stream.getvalue().count("reconnecting") == 1
