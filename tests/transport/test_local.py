from __future__ import annotations

import sys
import threading
from collections.abc import Iterator

import pytest

from provisioning.errors import ConnectionLostError
from provisioning.transport import Channel, LocalChannel


@pytest.fixture
def run() -> Iterator[type[LocalChannel] | object]:
    channels: list[LocalChannel] = []

    def start(script: str) -> LocalChannel:
        channels.append(LocalChannel(["sh", "-c", script]))
        return channels[-1]

    yield start
    for channel in channels:
        channel.close()


def everything(channel: Channel) -> bytes:
    output = b""
    while data := channel.receive(30):
        output += data
    return output


def test_it_behaves_like_a_channel_to_a_host(run) -> None:
    channel: Channel = run("read x; echo got $x; echo warn >&2; exit 3")
    channel.send(b"hello\n")
    assert everything(channel) == b"got hello\n"
    assert channel.receive() == b""
    assert channel.stderr_tail() == "warn"
    channel.close()
    assert channel.exit_status() == 3


def test_what_comes_on_stderr_after_the_end_of_stdout_is_not_lost(run) -> None:
    channel: Channel = run("exec >&-; sleep 0.2; echo late >&2")
    assert everything(channel) == b""
    assert channel.stderr_tail() == "late"


def test_a_lot_goes_through_in_both_directions(run) -> None:
    data = bytes(range(256)) * 10_000
    channel = run(f"head -c {len(data)}")
    sender = threading.Thread(target=channel.send, args=(data,))
    sender.start()
    assert everything(channel) == data
    sender.join()


def test_much_on_stderr_does_not_block(run) -> None:
    channel = run("head -c 3000000 /dev/zero | tr '\\0' x >&2; echo; echo end >&2; echo done")
    assert everything(channel) == b"\ndone\n"


def test_waiting_can_time_out(run) -> None:
    channel = run("read x; echo $x")
    with pytest.raises(TimeoutError):
        channel.receive(0.01)
    assert channel.exit_status() is None
    channel.send(b"late\n")
    assert channel.receive(30) == b"late\n"


def test_sending_to_a_program_that_has_ended_is_a_lost_connection(run) -> None:
    channel = run("echo bad luck >&2; exit 7")
    assert everything(channel) == b""
    with pytest.raises(ConnectionLostError, match="it has ended") as error:
        channel.send(b"x" * 1_000_000)
    assert error.value.output == "bad luck"


def test_closing_ends_the_program_s_input_and_then_the_program(run) -> None:
    channel = run("cat; exit 5")
    channel.close()
    channel.close()
    assert channel.exit_status() == 5


def test_a_program_that_ignores_the_end_of_its_input_is_ended(
    run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("provisioning.transport.local.CLOSE_TIMEOUT_S", 0.2)
    channel = run("trap '' TERM; while :; do sleep 1; done")
    channel.close()
    assert channel.exit_status() == -9


def test_environment_and_folder_can_be_given(tmp_path) -> None:
    program = "import os; print(os.environ['WORD'], os.getcwd())"
    channel = LocalChannel([sys.executable, "-c", program], env={"WORD": "hi"}, cwd=tmp_path)
    assert everything(channel).decode() == f"hi {tmp_path}\n"
    channel.close()
