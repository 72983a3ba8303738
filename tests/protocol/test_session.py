"""The controller's half of the conversation, fed with bytes."""

from __future__ import annotations

import random

import pytest

from provisioning.agent import events
from provisioning.agent.facts import Facts
from provisioning.agent.runs.messages import Answer, Hello, OtherFacts, RunEnded
from provisioning.agent.runs.wire import Decoder, Message, pack, pack_blob
from provisioning.errors import ConnectionLostError, ResourceFailedError
from provisioning.hosts.client import AgentClient
from provisioning.protocol.payload import Payload
from provisioning.protocol.plan import Plan, make_plan
from provisioning.protocol.queries import client_address
from provisioning.protocol.session import (
    MAX_BANNER_BYTES,
    Heard,
    HostBusyError,
    NotNowError,
    Said,
    Session,
)
from provisioning.protocol.submission import Submission
from provisioning.resources import File
from tests.fakes.channel import HELLO, PlayedChannel

PAYLOAD = Payload("digest", b"THE AGENT")


@pytest.fixture
def session() -> Session:
    return Session(PAYLOAD)


def _marker(session: Session) -> bytes:
    return session._marker.encode()


def _started(session: Session) -> Session:
    list(session.receive(b"\n" + _marker(session) + b" ready\n" + HELLO))
    session.outgoing()
    return session


def _plan() -> Plan:
    return make_plan([File("/etc/a", "content of a"), File("/etc/b", "content of b")])


BANNERS = [b"", b"Welcome!\n", b"\x00\xff no newline at the end", b"\n\n\n", b"x" * 60_000]


@pytest.mark.parametrize("banner", BANNERS, ids=len)
@pytest.mark.parametrize("seed", range(8))
def test_what_a_login_shell_prints_first_is_skipped(
    session: Session, banner: bytes, seed: int
) -> None:
    chance = random.Random(seed)
    data = banner + b"\n" + _marker(session) + b" ready\n" + HELLO
    heard: list[Heard] = []
    while data:
        size = 1 + chance.randrange(1 + len(data) // 2)
        heard += session.receive(data[:size])
        data = data[size:]
    assert heard == [Hello("3.11.2")]
    assert session.started


def test_a_shell_that_echoes_the_command_is_not_taken_for_the_agent(session: Session) -> None:
    echo = session.command.encode() + b"\n" + _marker(session)[:-1] + b" ready\n"
    assert list(session.receive(echo)) == []
    assert not session.started


def test_a_shell_that_prints_without_end_is_given_up_on(session: Session) -> None:
    with pytest.raises(ConnectionLostError, match="prints endless output") as caught:
        for _ in range(MAX_BANNER_BYTES // 1000 + 2):
            list(session.receive(b"y\n" * 500))
    assert "bashrc" in caught.value.hint


def test_the_agent_is_sent_only_to_a_host_that_asks_and_before_all_else(session: Session) -> None:
    session.ping()
    list(session.receive(b"\n" + _marker(session) + b" agent?\n"))
    assert session.sent_agent
    assert session.outgoing() == PAYLOAD.data + pack({"ping": 1})
    assert session.outgoing() == b""


def test_a_host_that_has_the_agent_is_not_sent_it(session: Session) -> None:
    list(session.receive(b"\n" + _marker(session) + b" ready\n"))
    assert not session.sent_agent
    assert session.outgoing() == b""


def test_what_a_bare_host_says_while_it_gets_ready_is_passed_on(session: Session) -> None:
    marker = _marker(session)
    data = b"\n%s say fetching lists\napt noise\n\n%s say nearly\n\n%s agent?\n" % ((marker,) * 3)
    heard = [each for byte in data for each in session.receive(bytes([byte]))]
    assert heard == [Said("fetching lists"), Said("nearly")]
    assert session.sent_agent


def test_a_host_that_cannot_get_ready_says_why(session: Session) -> None:
    [error] = session.receive(b"\n" + _marker(session) + b" fail this is not a Debian host\n")
    assert isinstance(error, ResourceFailedError)
    assert error.message == "this is not a Debian host"


def test_contents_are_sent_when_they_are_needed(session: Session) -> None:
    plan = _plan()
    _started(session).submit(Submission(plan, who="me"))
    session.outgoing()
    needed = list(plan.blobs)[1]
    assert list(session.receive(pack({"need": [needed]}))) == []
    assert session.outgoing() == pack_blob(plan.blobs[needed])
    assert session.exchanges == 2


def test_contents_that_may_be_lost_are_asked_for_again(session: Session) -> None:
    _started(session)
    session.begin("r1", who="me", what="deploy")
    begun = {"run": "r1", "who": "me", "what": "deploy", "began": 0.0}
    list(session.receive(pack({"begun": begun})))
    plan = _plan()
    session.submit(Submission(plan, who="me"))
    before = session.heard_of_run
    list(session.receive(pack({"need": list(plan.blobs)})))
    # Nobody knows yet whether they arrive: another connection must hear it once more.
    assert session.heard_of_run == before
    list(session.receive(pack(events.to_message(events.Started("file:/etc/a")))))
    assert session.heard_of_run == before + 2


def test_a_host_that_asks_for_what_is_not_in_the_plan_is_refused(session: Session) -> None:
    _started(session).submit(Submission(_plan(), who="me"))
    with pytest.raises(ConnectionLostError, match="cannot understand the agent"):
        list(session.receive(pack({"need": ["0" * 64]})))


@pytest.mark.parametrize(
    "message",
    [{"event": "unknown"}, {"event": "started"}, {"hello": 1}, {"facts": 1}, {"need": 3}],
    ids=str,
)
def test_a_message_that_no_agent_of_ours_sends_is_refused(
    session: Session, message: dict[str, object]
) -> None:
    with pytest.raises(ConnectionLostError, match="cannot understand the agent"):
        list(_started(session).receive(pack(message)))


def test_events_answers_and_facts_come_as_values(session: Session) -> None:
    _started(session).ask("caller")
    noted = events.Noted("old lists")
    data = pack(events.to_message(noted)) + pack({"answer": [1, 2]})
    assert list(session.receive(data)) == [noted, Answer([1, 2])]
    plan = _plan()
    session.submit(Submission(plan, who="me"))
    facts = Facts(debian="12")
    assert list(session.receive(pack({"facts": facts.to_json()}))) == [OtherFacts(facts)]
    session.submit(Submission(plan, who="me"))
    said = [events.Unchanged(("a:1", "a:2")), events.Done(plan.run, failed=True)]
    data = b"".join(pack(events.to_message(each)) for each in said)
    assert list(session.receive(data)) == said


def test_a_busy_host_is_told_from_a_failing_one(session: Session) -> None:
    busy = pack({"failed": "held by ann@desk", "busy": True})
    failing = pack({"failed": "cannot", "hint": "try", "output": "said"})
    _started(session).begin("1", who="me", what="deploy")
    [first] = session.receive(busy)
    assert isinstance(first, HostBusyError)
    assert "ann@desk" in first.message
    session.watch("1")
    # What follows an error in the same bytes is heard, too.
    second, last = session.receive(failing + pack({"ended": 1}))
    assert isinstance(second, ResourceFailedError)
    assert not isinstance(second, HostBusyError)
    assert (second.hint, second.output) == ("try", "said")
    assert isinstance(last, RunEnded)


@pytest.mark.parametrize(
    "message",
    [
        {"hello": {"python": "3"}},
        {"answer": 1},
        {"begun": {"run": "1"}},
        {"ended": 1},
        {"need": []},
        {"facts": Facts().to_json()},
        events.to_message(events.Done("1")),
        {"failed": "no"},
        {"of": "nobody"},
        {},
    ],
    ids=str,
)
def test_what_may_not_come_is_refused(session: Session, message: Message) -> None:
    _started(session)
    with pytest.raises(ConnectionLostError, match="cannot understand the agent"):
        list(session.receive(pack(message)))
    # Nothing is believed any more.
    with pytest.raises(ConnectionLostError):
        list(session.receive(HELLO))


def test_what_cannot_be_said_now_is_a_mistake_of_ours(session: Session) -> None:
    with pytest.raises(NotNowError, match="STARTING"):
        session.ask("caller")
    _started(session).ask("caller")
    with pytest.raises(NotNowError, match="Submit cannot be said while ASKED"):
        session.submit(Submission(_plan(), who="me"))
    assert session.outgoing() == pack({"ask": "caller"})


def test_an_oversized_frame_is_no_agent_of_ours(session: Session) -> None:
    with pytest.raises(ConnectionLostError, match="cannot be 4294967295 bytes long"):
        list(_started(session).receive(b"\xff\xff\xff\xffJ"))


# AgentClient


def _played(session: Session, *parts: bytes) -> PlayedChannel:
    greeting = b"\n" + _marker(session) + b" ready\n" + HELLO
    return PlayedChannel(greeting, *parts, last_words="the last words")


DONE = pack(events.to_message(events.Done("run" * 5)))


@pytest.mark.parametrize("kept", range(0, len(DONE), 3))
def test_an_end_without_the_last_message_means_that_the_state_is_unknown(
    session: Session, kept: int
) -> None:
    channel = _played(session, *([DONE[:kept]] if kept else []))
    with AgentClient(session, lambda _: channel, lambda _: None) as conversation:
        conversation.start()
        with pytest.raises(ConnectionLostError, match="state is unknown") as caught:
            conversation.submit(Submission(_plan(), who="me"))
    assert caught.value.output == "the last words"
    assert "run the command again" in caught.value.hint
    assert channel.closed


def test_a_request_to_stop_is_sent_once(session: Session) -> None:
    channel = _played(session, pack({"answer": "1"}), pack({"answer": "2"}))
    with AgentClient(session, lambda _: channel, lambda _: None) as conversation:
        conversation.start()
        conversation.stop()
        conversation.ask(client_address())
        conversation.ask(client_address())
    decoder = Decoder()
    decoder.feed(bytes(channel.sent))
    # With the first request goes a ping: from then on the agent notices a silence.
    assert list(decoder) == [{"ask": "caller"}, {"stop": 1}, {"ping": 1}, {"ask": "caller"}]
