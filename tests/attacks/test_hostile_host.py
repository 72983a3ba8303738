"""A hostile host fails alone: whatever it says, the command goes on with the others."""

from __future__ import annotations

import inspect
import io
import json
import random
import struct
import tracemalloc
import zlib
from collections.abc import Callable, Iterable, Iterator
from typing import Any

import pytest

from provisioning.agent import events
from provisioning.agent import queries as agents
from provisioning.agent.answers import ReleaseInfo, plain
from provisioning.agent.facts import Facts
from provisioning.agent.runs.wire import (
    FROM_HOST,
    HEADER,
    JSON,
    PACKED,
    Decoder,
    WireError,
    pack,
    pack_blob,
)
from provisioning.commands.owns import rows_of
from provisioning.commands.releases import _rows
from provisioning.commands.status import _is_well, _row
from provisioning.deploy import environment
from provisioning.deploy.checks import refuse_over_migration, release_to_revive
from provisioning.deploy.renew import live_release
from provisioning.doctor import checks
from provisioning.doctor.seen import AppSays, AppSeen, History, HostSeen, SiteSeen
from provisioning.errors import ConnectionLostError, DeployRefusedError, HomeportError
from provisioning.hosts.client import AgentClient
from provisioning.hosts.exec import MAX_FRAME_BYTES, Program, attach
from provisioning.hosts.fleet import Fleet
from provisioning.hosts.host import RemoteHost
from provisioning.inventory.models.app import App
from provisioning.inventory.models.tls import Tls
from provisioning.operations.logs import Merged, Query, read_log
from provisioning.protocol import queries
from provisioning.protocol.payload import Payload
from provisioning.protocol.plan import make_plan
from provisioning.protocol.session import Heard, Session
from provisioning.protocol.shapes import ShapeError
from provisioning.protocol.submission import Submission
from provisioning.report import make_sink
from provisioning.report.output import Output
from provisioning.report.sinks.json_lines import JsonSink
from provisioning.report.sinks.plain import PlainSink
from provisioning.resources import File
from provisioning.transport import Counters
from tests.fakes.answers import app_state
from tests.fakes.channel import PlayedChannel
from tests.fakes.console import FakeConsole

HELLO = pack({"hello": {"python": "3.11.2"}})
DEEP = b"[" * 100_000 + b"]" * 100_000
LIVE = "20260102T030405.000Z-abc1234"
OLDER = "20250102T030405.000Z-0000001"
APP = App(name="hello", source=".", wsgi="app:app", domains=["hello.test"])


def _frame(type_: int, body: bytes) -> bytes:
    return HEADER.pack(len(body) + 1, type_) + body


def _started() -> Session:
    session = Session(Payload("digest", b"THE AGENT"))
    marker = session._marker.encode()
    list(session.receive(b"\n" + marker + b" ready\n" + HELLO))
    session.outgoing()
    return session


# Frames


def test_a_small_frame_that_stands_for_a_large_message_is_refused_before_it_is_large() -> None:
    packing = zlib.compressobj(9)
    body = b"".join(packing.compress(b" " * (1 << 20)) for _ in range(200)) + packing.flush()
    assert len(body) < 1 << 18
    tracemalloc.start()
    try:
        with pytest.raises(ConnectionLostError, match="cannot decompress to more than"):
            list(_started().receive(_frame(PACKED, body)))
        _, most = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert most < 3 * FROM_HOST.message_bytes


def test_a_message_of_many_small_parts_is_refused_before_it_is_read() -> None:
    body = zlib.compress(b'{"answer":[' + b"[]," * 3_000_000 + b"[]]}")
    tracemalloc.start()
    try:
        with pytest.raises(ConnectionLostError, match="more than 2000000 parts"):
            list(_started().receive(_frame(PACKED, body)))
        _, most = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert most < FROM_HOST.message_bytes


@pytest.mark.parametrize("length", [0, FROM_HOST.frame_bytes + 1, 1 << 30, 0xFFFFFFFF])
def test_a_host_cannot_have_us_wait_for_a_frame_of_any_length(length: int) -> None:
    with pytest.raises(ConnectionLostError, match="a frame cannot be"):
        list(_started().receive(struct.pack("!IB", length, PACKED)))


BAD_FRAMES = {
    "deep lists": _frame(JSON, b'{"answer":' + DEEP + b"}"),
    "deep objects": _frame(PACKED, zlib.compress(b'{"a":' * 100_000 + b"1" + b"}" * 100_000)),
    "an integer of many digits": _frame(JSON, b'{"answer":' + b"9" * 100_000 + b"}"),
    "NaN": _frame(JSON, b'{"answer":NaN}'),
    "infinity": _frame(JSON, b'{"answer":-Infinity}'),
    "bytes after what is compressed": _frame(PACKED, zlib.compress(b"{}") + b"more"),
    "two compressed streams": _frame(PACKED, zlib.compress(b"{}") * 2),
    "half of what is compressed": _frame(PACKED, zlib.compress(b'{"answer":1}')[:-3]),
    "nothing that is compressed": _frame(PACKED, b""),
    "a content": pack_blob(b"content"),
    "no object": _frame(JSON, b"[1]"),
    "no text": _frame(JSON, b'{"answer":"\xff"}'),
}


@pytest.mark.parametrize("kind", BAD_FRAMES)
def test_a_frame_that_no_agent_sends_is_that_host_s_failure(kind: str) -> None:
    session = _started()
    with pytest.raises(ConnectionLostError, match="cannot understand the agent"):
        list(session.receive(BAD_FRAMES[kind]))
    # Nothing after it is believed: where the next frame begins is not known.
    with pytest.raises(ConnectionLostError, match="cannot understand the agent"):
        list(session.receive(pack({"ended": 1})))


@pytest.mark.parametrize("size", [0, 1, 3_000_000])
def test_large_contents_still_reach_the_agent(size: int) -> None:
    data = random.Random(size).randbytes(size)
    decoder = Decoder()
    decoder.feed(pack_blob(data))
    [(_, arrived)] = decoder
    assert arrived == data


def test_what_a_blob_has_besides_its_content_is_refused() -> None:
    blob = pack_blob(b"content")
    decoder = Decoder()
    decoder.feed(HEADER.pack(len(blob) - HEADER.size + 1 + 4, blob[4]) + blob[5:] + b"more")
    with pytest.raises(WireError, match="other data follows it"):
        list(decoder)


# Messages

BAD_MESSAGES: list[dict[str, Any]] = [
    {"failed": ["not", "a text"]},
    {"failed": {"a": 1}},
    {"failed": None},
    {"failed": "x", "hint": 3},
    {"failed": "x", "output": ["y"]},
    {"failed": "x", "underway": 3},
    {"failed": "x", "underway": {"what": "no run"}},
    {"need": 5},
    {"need": "0" * 64},
    {"need": [["x"]]},
    {"need": ["0" * 64]},
    {"begun": 3},
    {"begun": {}},
    {"begun": {"run": 1}},
    {"begun": {"run": "r", "began": "yesterday"}},
    {"begun": {"run": "r", "began": 1e300}},
    {"hello": 1},
    {"hello": {"python": 3.11}},
    {"facts": 1},
    {"facts": {"cores": "many"}},
    {"facts": {"cores": 10**30}},
    {"facts": {"nginx": "\u00b2"}},
    {"facts": {"python": "3.11\n"}},
    {"event": 1},
    {"event": []},
    {"event": "unknown"},
    {"event": "started"},
    {"event": "started", "id": 1},
    {"event": "progress", "id": "a", "text": None},
    {"event": "unchanged", "ids": 7},
    {"event": "unchanged", "ids": [7]},
    {"event": "noted", "text": {}},
    {"event": "finished", "id": "a", "status": "fine"},
    {"event": "finished", "id": "a", "status": "changed", "change": []},
    {"event": "finished", "id": "a", "status": "changed", "change": {"mode": "0644"}},
    {"event": "finished", "id": "a", "status": "changed", "change": {"mode": ["0644"]}},
    {"event": "finished", "id": "a", "status": "changed", "diffs": "text"},
    {"event": "finished", "id": "a", "status": "changed", "seconds": "1"},
    {"event": "finished", "id": "a", "status": "failed", "message": ["x"]},
    {"event": "finished", "id": "a", "status": "failed", "refused": "no"},
    {"event": "done", "run": 1},
    {"event": "done", "run": "r", "seconds": True},
    {"event": "done", "run": "r", "seconds": -1},
]


@pytest.mark.parametrize("message", BAD_MESSAGES, ids=json.dumps)
def test_a_message_with_wrong_values_is_that_host_s_failure(message: dict[str, Any]) -> None:
    with pytest.raises(ConnectionLostError, match="cannot understand the agent"):
        list(_started().receive(pack(message)))


def test_a_deep_value_is_refused_before_anybody_shows_it() -> None:
    value: Any = "x"
    for _ in range(500):
        value = [value]
    message = {"event": "finished", "id": "a", "status": "changed", "change": {"a": [value, 1]}}
    with pytest.raises(ConnectionLostError, match="nested too deep"):
        list(_started().receive(pack(message)))


def test_a_number_that_becomes_infinite_is_refused() -> None:
    with pytest.raises(ConnectionLostError, match="possible size"):
        list(_started().receive(_frame(JSON, b'{"event":"done","run":"r","seconds":1e999}')))


def test_a_content_is_sent_once_however_often_a_host_asks_for_it() -> None:
    plan = make_plan([File("/etc/a", "content of a" * 1000)])
    [digest] = plan.blobs
    for asked in ([digest] * 2, [digest]):
        session = _started()
        session.submit(Submission(plan, who="me"))
        session.outgoing()
        if len(asked) == 1:
            assert list(session.receive(pack({"need": asked}))) == []
            assert session.outgoing() == pack_blob(plan.blobs[digest])
        with pytest.raises(ConnectionLostError, match="is not a content of the plan"):
            list(session.receive(pack({"need": asked})))
        assert len(session.outgoing()) <= len(pack_blob(plan.blobs[digest]))
    # Of the next plan it may be asked for again.
    session = _started()
    for _ in range(2):
        session.submit(Submission(plan, who="me"))
        session.outgoing()
        assert list(session.receive(pack({"need": [digest]}))) == []
        assert session.outgoing() == pack_blob(plan.blobs[digest])
        list(session.receive(pack(events.to_message(events.Done(plan.run)))))


# Answers

MANIFEST = {
    "app": "hello", "release": LIVE, "built": 1.5, "runtime": "venvs/v", "env": "e",
    "shared": ["a"], "static": {"/static": "app/static"}, "secrets": ["KEY"], "by": "ann@desk",
    "commit": "abc", "dirty": "", "migrates": "yes", "renews": "", "words": {"directory": "/app"},
}  # fmt: skip

GOOD: dict[str, Any] = {
    "app": {
        "live": LIVE,
        "previous": OLDER,
        "stopped": "",
        "provisioned": True,
        "releases": [MANIFEST, {**MANIFEST, "release": OLDER}],
        "lost": {OLDER: "Python 3.11"},
        "lacks": {OLDER: ["Python 3.11", "virtualenv"]},
        "history": [
            {"at": 1.5, "event": "built", "release": OLDER, "by": "ann@desk", "commit": "abc"},
            {"at": 2.5, "event": "live", "release": OLDER, "by": "ann@desk", "before": ""},
            {"at": 3.0, "event": "migrated", "release": LIVE, "migrations": ["shop.0002_price"]},
            {"at": 3.5, "event": "failed", "release": LIVE, "at_state": "import"},
            {"at": 4.5, "event": "live", "release": LIVE, "by": "ann@desk", "before": OLDER},
        ],
        "secrets": {"KEY": "0" * 64},
        "applied": {"static": "0" * 16},
    },
    "owned": {
        "apps": {"hello": {"owner": "project/lab", "domains": ["hello.lab"]}},
        "things": {"file:/etc/nginx/nginx.conf": {"owners": ["project/lab"], "since": 1.5}},
        "adopted": {"20240102T030405Z": ["file:/etc/motd"]},
    },
    "caller": "2001:db8::1",
    "doctor": {
        "container": "",
        "managed": True,
        "clock": "yes",
        "memory_mb": 1000,
        "available_mb": 500,
        "file_systems": [{"path": "/", "free_percent": 50, "free_inodes_percent": None}],
        "listeners": [
            {
                "protocol": "tcp", "address": "::", "port": 22, "program": "sshd", "user": "root",
            }
        ],
        "failed_units": ["x.service"],
        "updates": {
            "pending": ["a"], "security": ["b"], "lists_at": 1.5, "automatic": True,
            "reboot": False,
        },
        "logs": {
            "persistent": True, "journal_bytes": 1, "rotates": True, "large": {"/var/log/x": 1},
        },
        "apps": {
            "hello": {
                "live": LIVE,
                "whole": [OLDER],
                "damaged": [],
                "health": "200",
                "health_ms": 5,
                "exposure": 1.1,
                "user": "hello",
                "programs": ["python"],
                "unit_variables": ["PATH"],
                "variables": ["KEY"],
                "secrets": {
                    "KEY": {"chars": 43, "distinct": 30, "digest": "0" * 64, "in_code": ["a.py"]}
                },
                "access": {
                    "/srv/hello/env/x": {"owner": "root", "group": "hello", "mode": "0640"}
                },
                "code": {"owner": "root", "group": "root", "mode": "0755"},
                "static": ["/static/a.css"],
                "sources": ["app.py"],
                "renewal": {"timer": "active", "result": "success"},
            }
        },
    },
    "facts": Facts(debian="12", codename="bookworm", nginx="1.22.1").to_json(),
    "logs": {
        "entries": [{"at": 1.5, "unit": "hello@x.service", "priority": 6, "text": "text"}],
        "cursor": "s=1;i=2",
        "more": False,
        "now": 5.5,
    },
    "run": {"run": "r", "who": "ann@desk", "what": "deploy of hello", "began": 1.5},
    "secrets": {"KEY": "value"},
    "status": {
        "hello": {
            "live": LIVE,
            "stopped": "",
            "since": 1.5,
            "by": "ann@desk",
            "health": "200",
            "site": "200",
            "running": ["hello@x.service"],
            "at_boot": True,
            "restarts": 0,
            "memory_bytes": 2**64 - 1,
            "certificate_days": None,
            "disk_free_percent": 50,
            "maintenance": False,
            "processes": {"worker": {"running": 1, "wanted": 2, "restarts": 3}},
            "timers": {"nightly": {"next": "Mon 2026", "running": False, "failed": True}},
            "runs": [
                {
                    "run": "r", "who": "ann@desk", "what": "deploy", "began": 1.5, "at": "",
                    "ended": "done",
                }
            ],
            "pending": ["x is left over"],
            "applied": {"tls": "0" * 16},
        }
    },
}  # fmt: skip


ANSWERS: dict[str, Callable[[Any], Any]] = {
    query.name: query.read
    for query in (
        queries.app_state("hello"),
        queries.app_status([]),
        queries.client_address(),
        queries.examination([]),
        queries.facts(),
        queries.log_page([]),
        queries.owned(),
        queries.current_run(),
        queries.generated_secrets("hello"),
    )
}
"""Query -> what makes its answer of what a host says."""


def test_every_question_has_a_shape_of_its_answer() -> None:
    assert ANSWERS.keys() == set(agents.QUERIES) == GOOD.keys()
    asked = {
        name for name, each in vars(queries).items()
        if inspect.isfunction(each) and "Query[" in str(each.__annotations__.get("return"))
    }  # fmt: skip
    assert len(ANSWERS) == len(asked)


def _shown(question: str, answer: Any) -> None:
    """Use an answer as the commands do, in the thread of all hosts."""
    if question == "status":
        for app, state in answer.items():
            assert len(_row(app, "web1", state)) == len(_row(app, "web1", None))
            _is_well(state, [200])
    elif question == "doctor":
        host = HostSeen("web1", 22, answer)
        for host_check in checks.of_hosts():
            host_check.judge(host)
        for found in answer.apps.values():
            seen = AppSeen(APP, Tls(), host, found, AppSays(), SiteSeen(), History())
            for check in checks.of_apps():
                check.judge(seen)
    elif question == "owned":
        list(rows_of("web1", answer))
    elif question == "app":
        list(_rows(answer))
        for use in (
            lambda: refuse_over_migration(APP, {"web1": answer}, OLDER),
            lambda: live_release(APP, "web1", answer),
            lambda: release_to_revive(APP, {"web1": answer}, ""),
            lambda: release_to_revive(APP, {"web1": answer}, LIVE),
        ):
            try:
                use()
            except HomeportError:
                continue


@pytest.mark.parametrize("question", GOOD)
def test_an_answer_that_an_agent_gives_is_taken_as_it_is(question: str) -> None:
    answer = ANSWERS[question](json.loads(json.dumps(GOOD[question])))
    if question == "app":
        told = {name: value for name, value in MANIFEST.items() if name != "app"}
        assert _plain(answer.releases[0]) == {**told, "python": None}
        assert answer.lost == {OLDER: "Python 3.11"}
        assert answer.lacks == {OLDER: ("Python 3.11", "virtualenv")}
        assert [each.event for each in answer.history] == [
            each["event"] for each in GOOD["app"]["history"]
        ]
    elif question == "facts":
        assert answer == Facts.from_json(GOOD["facts"])
    else:
        assert _plain(answer) == GOOD[question]
    _shown(question, answer)


def _plain(answer: Any) -> Any:
    """Return an answer as it travels."""
    return json.loads(json.dumps(plain(answer)))


def _places(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    yield path
    pairs: Iterable[tuple[Any, Any]] = ()
    if isinstance(value, dict):
        pairs = value.items()
    elif isinstance(value, list):
        pairs = enumerate(value)
    for name, each in pairs:
        yield from _places(each, (*path, name))


ODD = (
    None, True, 0, -1, 10**30, 1e300, 1.5, "", "x", "../../etc", "\u00b2", "\ud800", "a\x00b",
    [], [[]], ["x"], {}, {"x": 1}, {"": {}}, {"release": LIVE}, [{"release": LIVE}], "REMOVED",
)  # fmt: skip


def _changed(value: Any, path: tuple[Any, ...], odd: Any) -> Any:
    if not path:
        return odd
    copy = dict(value) if isinstance(value, dict) else list(value)
    if odd == "REMOVED" and len(path) == 1:
        del copy[path[0]]
    else:
        copy[path[0]] = _changed(value[path[0]], path[1:], odd)
    return copy


@pytest.mark.parametrize("question", GOOD)
def test_an_answer_with_anything_anywhere_is_refused_or_can_be_used(question: str) -> None:
    refused = used = 0
    for path in _places(GOOD[question]):
        for odd in ODD:
            try:
                answer = ANSWERS[question](_changed(GOOD[question], path, odd))
            except ShapeError:
                refused += 1
            else:
                used += 1
                _shown(question, answer)
    assert refused
    assert used


@pytest.mark.timeout(60)
def test_releases_that_renew_each_other_are_no_chain_without_end() -> None:
    there = (
        ReleaseInfo(OLDER, renews=LIVE, migrates="yes"),
        ReleaseInfo(LIVE, renews=OLDER, migrates="yes"),
    )
    state = ANSWERS["app"](GOOD["app"])._replace(releases=there)
    refuse_over_migration(APP, {"web1": state}, LIVE)
    with pytest.raises(DeployRefusedError, match="has migrated"):
        refuse_over_migration(APP, {"web1": state._replace(history=())}, "20240102T030405.000Z-0")


# Hosts together


def _run(name: str, said: bytes) -> RemoteHost:
    run = RemoteHost(name, lambda _: PlayedChannel(b""), counters=Counters, sink=make_sink())
    marker = run._link.client._session._marker.encode()
    greeting = b"\n" + marker + b" ready\n" + HELLO
    run._link._open_channel = lambda _: PlayedChannel(greeting, said)
    run._link.client._open_channel = run._link._open_channel
    return run


ATTACKS: dict[str, Callable[[], bytes]] = {
    **{kind: lambda kind=kind: BAD_FRAMES[kind] for kind in BAD_FRAMES},
    **{json.dumps(each): lambda each=each: pack(each) for each in BAD_MESSAGES},
    "an answer to something else": lambda: pack({"answer": GOOD["status"]}),
    "an answer of another type": lambda: pack({"answer": [1]}),
    "nothing": lambda: b"",
    "a run that nobody began": lambda: pack({"begun": {"run": "r"}}),
    "the end of a run that nobody began": lambda: pack({"ended": 1}),
    "a greeting once more": lambda: HELLO,
    "facts that nobody planned for": lambda: pack({"facts": Facts().to_json()}),
}


@pytest.mark.parametrize("attack", ATTACKS)
def test_a_hostile_host_fails_and_the_others_are_heard(attack: str) -> None:
    good = pack({"answer": GOOD["app"]})
    fleet = Fleet([_run("web1", good), _run("evil", ATTACKS[attack]()), _run("web2", good)])
    answers = fleet.all(lambda run: run.ask(queries.app_state("hello")))
    assert set(answers) == {"web1", "web2"}
    assert isinstance(fleet.runs[1].report.error, ConnectionLostError)


ENTRY = {"at": 1.5, "unit": "u", "priority": 6, "text": "text"}


def test_pages_of_a_log_with_wrong_values_are_that_host_s_failure() -> None:
    pages = [
        {**GOOD["logs"], "entries": [{**ENTRY, "at": "yesterday"}]},
        {**GOOD["logs"], "entries": [{**ENTRY, "at": 1e300}]},
        {**GOOD["logs"], "entries": [{"at": 1.5, "unit": "u", "priority": 6}]},
        {**GOOD["logs"], "entries": [{**ENTRY, "priority": "6"}]},
        {**GOOD["logs"], "entries": [[1.5, "u", 6, "text"]]},
        {**GOOD["logs"], "cursor": ["x"]},
        {**GOOD["logs"], "now": None},
        {"entries": []},
        3,
    ]
    runs = [_run(f"evil{number}", pack({"answer": page})) for number, page in enumerate(pages)]
    merged = Merged([run.name for run in runs], lambda lines: None)
    fleet = Fleet(runs)
    assert fleet.all(lambda run: read_log(run, Query(["hello"]), merged, None)) == {}
    assert all(isinstance(run.report.error, ConnectionLostError) for run in runs)


def test_a_host_that_keeps_a_shared_secret_to_itself_is_named(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(environment, "propose_secrets", lambda app, known=None: {"KEY": "new"})
    fleet = Fleet([_run("web1", b""), _run("evil", pack({"answer": {"OTHER": "x"}}))])
    states = {"web1": app_state(), "evil": app_state(secrets={"KEY": "0" * 64})}
    with pytest.raises(DeployRefusedError, match="evil does not send"):
        environment.shared_secrets(fleet, APP, states)


# Anything at all

SEEDS = range(60)
STREAM: list[dict[str, Any]] = [
    {"begun": {"run": "r", "who": "ann@desk", "what": "deploy", "began": 1.5}},
    events.to_message(events.Started("file:/etc/a")),
    events.to_message(events.Progress("file:/etc/a", "working")),
    events.to_message(events.Finished("file:/etc/a", "changed", {"mode": ("0644", "0600")})),
    events.to_message(events.Finished("file:/etc/a", "failed", message="no", output="x" * 600)),
    events.to_message(events.Unchanged(("a", "b"))),
    events.to_message(events.Noted("note")),
    {"facts": Facts(debian="12").to_json()},
    {"failed": "held", "hint": "wait", "underway": {"run": "r"}},
    {"answer": GOOD["app"]},
    {"need": []},
    events.to_message(events.Done("run", seconds=1.5)),
    {"failed": "died", "died": True},
]
HEARD = Heard | HomeportError


def _must_be_understood_or_refused(data: bytes, chance: random.Random) -> int:
    """Feed bytes in pieces of any length and show what comes of them; return how much that is."""
    session, count = _started(), 0
    # To which a host may say most.
    session.resume("r", 0, Submission(make_plan([File("/etc/a", "content")]), who="me"))
    sinks = [
        JsonSink(Output(io.StringIO()), diff=True, check=False),
        PlainSink(Output(io.StringIO()), Output(io.StringIO()), diff=True, check=False),
    ]
    run = _run("evil", b"")
    try:
        while data:
            size = 1 + chance.randrange(len(data))
            for heard in session.receive(data[:size]):
                count += 1
                assert isinstance(heard, HEARD), heard
                if isinstance(heard, HomeportError):
                    str(heard)
                    continue
                run.report.hear(heard)
                for sink in sinks:
                    sink.heard("evil", heard)
            data = data[size:]
    except ConnectionLostError:
        pass
    return count


@pytest.mark.parametrize("seed", SEEDS)
def test_damaged_frames_are_understood_or_refused(seed: int) -> None:
    chance = random.Random(seed)
    for _ in range(30):
        data = bytearray(b"".join(pack(each) for each in STREAM))
        for _ in range(chance.choice((1, 1, 5, 50))):
            match chance.randrange(3):
                case 0:
                    data[chance.randrange(len(data))] ^= 1 << chance.randrange(8)
                case 1:
                    del data[(at := chance.randrange(len(data))) : at + chance.randrange(9)]
                case _:
                    at = chance.randrange(len(data))
                    data[at:at] = chance.randbytes(chance.randrange(9))
        _must_be_understood_or_refused(bytes(data), chance)


@pytest.mark.parametrize("seed", SEEDS)
def test_messages_with_anything_anywhere_are_understood_or_refused(seed: int) -> None:
    chance = random.Random(seed)
    heard = 0
    for _ in range(30):
        frames = []
        for message in STREAM:
            changed: Any = message
            if not chance.randrange(6):
                path = chance.choice(list(_places(message))[1:])
                changed = _changed(message, path, chance.choice(ODD))
            frames.append(pack(changed))
        heard += _must_be_understood_or_refused(b"".join(frames), chance)
    assert heard


@pytest.mark.parametrize("seed", SEEDS)
def test_noise_is_refused_or_waited_for(seed: int) -> None:
    chance = random.Random(seed)
    for _ in range(30):
        noise = chance.randbytes(chance.randrange(2000))
        body = noise if chance.randrange(2) else zlib.compress(noise)
        type_ = chance.choice((JSON, PACKED, chance.randrange(256)))
        _must_be_understood_or_refused(
            _frame(type_, body) if chance.randrange(3) else noise, chance
        )


# A program that is attached


def _attach(said: bytes) -> tuple[int, bytes]:
    console = FakeConsole()

    def opened(line: str) -> PlayedChannel:
        marker = line.rstrip("'").rsplit(" ", 1)[1].encode()
        return PlayedChannel(b"\n" + marker + b"\n" + said)

    return attach(Program(("true",), ("true",)), opened, console), console.seen[False]


@pytest.mark.parametrize(
    "said",
    [
        b"1" + struct.pack("!I", MAX_FRAME_BYTES + 1),
        b"X\xff\xff\xff\xff",
        b"?\0\0\0\1x",
        b"X\0\0\0\x03two",
        b"X\0\0\0\0",
        b"X\0\0\0\x02-1",
        b"X\0\0\0\x03256",
        b"X\0\0\x27\x10" + b"9" * 10_000,
    ],
    ids=range(8),
)
def test_frames_of_an_attached_program_that_are_none_end_it(said: bytes) -> None:
    with pytest.raises(ConnectionLostError, match="cannot understand the host"):
        _attach(said)


def test_an_attached_program_s_longest_frame_and_status_are_taken() -> None:
    long = b"x" * MAX_FRAME_BYTES
    said = b"1" + struct.pack("!I", len(long)) + long + b"X\0\0\0\x03255"
    assert _attach(said) == (255, long)


def test_conversations_that_are_not_understood_are_not_gone_on_with() -> None:
    """A stop, or a last word, finds nothing to talk to: and says so as the host's failure."""
    session = Session(Payload("digest", b"THE AGENT"))
    said = b"\n" + session._marker.encode() + b" ready\n" + HELLO + pack({"failed": ["x"]})
    with AgentClient(session, lambda _: PlayedChannel(said), lambda _: None) as conversation:
        conversation.start()
        for _ in range(2):
            with pytest.raises(ConnectionLostError):
                conversation.ask(queries.facts())
