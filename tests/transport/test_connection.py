from __future__ import annotations

import socket
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from provisioning.errors import ConnectionLostError, UnreachableError
from provisioning.transport import Address, Channel, Connection, connect
from provisioning.transport.ssh import pipelined
from tests.proxy import Proxy
from tests.transport.sshd import Sshd, free_port


@pytest.fixture
def proxy(sshd: Sshd) -> Iterator[Proxy]:
    """A proxy before the trusted sshd; 20 ms away, so that what crosses crosses always."""
    with Proxy("127.0.0.1", sshd.port, delay_s=0.01) as proxy:
        sshd.trust("ed25519", name=f"[127.0.0.1]:{proxy.port}")
        yield proxy


def through(proxy: Proxy, sshd: Sshd) -> Connection:
    return connect(sshd.address, ssh_config=sshd.ssh_config(port=proxy.port))


@pytest.fixture
def connection(sshd: Sshd) -> Iterator[Connection]:
    sshd.trust("ed25519")
    with connect(sshd.address, ssh_config=sshd.ssh_config()) as connection:
        yield connection


def everything(channel: Channel) -> bytes:
    output = b""
    while data := channel.receive(30):
        output += data
    return output


def test_a_program_s_output_errors_and_status_arrive(connection: Connection) -> None:
    channel = connection.open("echo out; echo one >&2; echo two >&2; exit 3", sudo=True)
    assert everything(channel) == b"out\n"
    assert channel.stderr_tail() == "one\ntwo"
    assert channel.exit_status() == 3
    assert channel.receive() == b""


def test_every_byte_goes_there_and_comes_back(connection: Connection) -> None:
    data = bytes(range(256)) * 20_000
    channel = connection.open(f"head -c {len(data)}", sudo=True)
    sender = threading.Thread(target=channel.send, args=(data,))
    sender.start()
    assert everything(channel) == data
    sender.join()


def test_much_on_stderr_does_not_block_stdout(connection: Connection) -> None:
    channel = connection.open(
        "head -c 5000000 /dev/zero | tr '\\0' x >&2; echo >&2; echo last >&2; echo done", sudo=True
    )
    assert everything(channel) == b"done\n"
    assert channel.stderr_tail().endswith("last")
    assert len(channel.stderr_tail()) < 100_000


def test_a_program_has_no_terminal(connection: Connection) -> None:
    assert everything(connection.open("tty; true", sudo=True)) == b"not a tty\n"


def test_closing_the_channel_ends_the_program_s_input(
    connection: Connection, tmp_path: Path
) -> None:
    trace = tmp_path / "ended"
    channel = connection.open(f"echo ready; cat; echo x > {trace}", sudo=True)
    assert channel.receive(30) == b"ready\n"
    channel.close()
    channel.close()
    waiting = connection.open(f"until [ -e {trace} ]; do sleep 0.05; done; echo seen", sudo=True)
    assert waiting.receive(30) == b"seen\n"


def test_several_programs_run_over_one_connection(connection: Connection) -> None:
    channels = [connection.open(f"read x; echo {number} $x", sudo=True) for number in range(3)]
    for channel in reversed(channels):
        channel.send(b"hi\n")
    assert [everything(channel) for channel in channels] == [b"0 hi\n", b"1 hi\n", b"2 hi\n"]
    assert connection.counters.connections == 1
    assert connection.counters.channels == 3


def test_waiting_for_output_can_time_out(connection: Connection) -> None:
    channel = connection.open("read x; echo $x", sudo=True)
    with pytest.raises(TimeoutError):
        channel.receive(0.05)
    channel.send(b"late\n")
    assert channel.receive(30) == b"late\n"


def test_sending_to_a_program_that_has_ended_says_so(connection: Connection) -> None:
    channel = connection.open("echo bad luck >&2; exit 7", sudo=True)
    assert everything(channel) == b""
    with pytest.raises(ConnectionLostError, match="the program there has ended") as error:
        for _ in range(100):
            channel.send(b"x" * 1_000_000)
    assert error.value.output == "bad luck"
    assert channel.exit_status() == 7


def test_login_channel_and_program_are_one_exchange(sshd: Sshd, proxy: Proxy) -> None:
    with through(proxy, sshd) as connection:
        before = proxy.turns
        channel = connection.open("read x; echo $x", sudo=True)
        opened = proxy.turns
        channel.send(b"hello\n")
        assert channel.receive(30) == b"hello\n"
        # Two: sshd holds its second small packet until the first is acknowledged; here
        # the proxy acknowledges at once, and it is one.
        assert opened - before == 1
        assert proxy.turns - opened == 1
    assert proxy.connections == 1


def test_what_we_count_is_what_the_network_sees(sshd: Sshd, proxy: Proxy) -> None:
    with through(proxy, sshd) as connection:
        channel = connection.open("read x; echo $x", sudo=True)
        channel.send(b"hello\n")
        assert channel.receive(30) == b"hello\n"
        counters = connection.counters
        assert counters.connections == proxy.connections == 1
        # The proxy does not see TCP's own turn; and the two key offers may cross on
        # the way from us to the proxy, so that we wait where it sees no turn.
        assert proxy.turns <= counters.turns - 1 <= proxy.turns + 1
        # What is under way has been counted at one end only.
        assert counters.bytes_sent >= proxy.bytes_up > 1000
        assert proxy.bytes_down >= counters.bytes_received > 1000


def test_without_the_private_parts_of_paramiko_it_works_the_slower_way(
    sshd: Sshd, proxy: Proxy, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pipelined, "supported", lambda: False)
    with through(proxy, sshd) as connection:
        before = proxy.turns
        channel = connection.open("read x; echo $x", sudo=True)
        assert proxy.turns - before == 4  # service, login, channel, program
        channel.send(b"hello\n")
        assert channel.receive(30) == b"hello\n"


def test_the_installed_paramiko_has_what_the_quick_way_needs() -> None:
    assert pipelined.supported()


@pytest.mark.parametrize("after", ["before any answer", "in the middle"])
def test_a_lost_connection_is_no_end_of_output(sshd: Sshd, proxy: Proxy, after: str) -> None:
    with through(proxy, sshd) as connection:
        channel = connection.open("echo ready; cat", sudo=True)
        if after == "in the middle":
            assert channel.receive(30) == b"ready\n"
        proxy.cut()
        with pytest.raises(ConnectionLostError, match="how far the run got is unknown") as error:
            everything(channel)
        assert "run the same command again" in error.value.hint
        assert error.value.exit_code == 1
        with pytest.raises(ConnectionLostError):
            channel.send(b"x")
        assert channel.exit_status() is None


def test_output_that_came_before_the_connection_was_lost_is_not_lost(
    sshd: Sshd, proxy: Proxy
) -> None:
    with through(proxy, sshd) as connection:
        channel = connection.open("echo ready; cat", sudo=True)
        while proxy.bytes_down == 0 or channel.exit_status() is not None:
            pass
        assert channel.receive(30) == b"ready\n"
        proxy.cut()
        with pytest.raises(ConnectionLostError):
            channel.receive(30)


def test_after_a_lost_connection_nothing_can_be_started(sshd: Sshd, proxy: Proxy) -> None:
    with through(proxy, sshd) as connection:
        everything(connection.open("true", sudo=True))
        proxy.cut()
        with pytest.raises(UnreachableError, match="cannot start a program on web1"):
            for _ in range(100):
                connection.open("true", sudo=True)


def test_a_server_that_allows_no_program_says_why(
    start_sshd: Callable[..., Sshd],
) -> None:
    server = start_sshd(options="MaxSessions 0\n")
    server.trust("ed25519")
    with (
        connect(server.address, ssh_config=server.ssh_config()) as connection,
        pytest.raises(UnreachableError, match="cannot start a program on web1"),
    ):
        connection.open("true", sudo=True)


def test_nobody_listening_is_one_clear_message(sshd: Sshd) -> None:
    port = free_port()
    with pytest.raises(UnreachableError) as error:
        connect(Address("web1", "127.0.0.1", port=port), ssh_config=sshd.ssh_config())
    assert error.value.message == (
        f"cannot connect to web1 (127.0.0.1:{port}): the connection was refused"
    )
    assert "sshd" in error.value.hint
    assert error.value.exit_code == 3


def test_a_name_that_does_not_exist_is_one_clear_message(sshd: Sshd) -> None:
    with pytest.raises(UnreachableError, match=r"the name nowhere\.invalid has no address"):
        connect(Address.parse("nowhere.invalid"), ssh_config=sshd.ssh_config())


def test_a_host_that_never_answers_is_given_up(sshd: Sshd) -> None:
    # A listener whose queue is full drops what comes: as a firewall does.
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen(0)
        port = listener.getsockname()[1]
        with socket.socket() as filler:
            filler.connect(("127.0.0.1", port))
            with pytest.raises(UnreachableError, match=r"no answer within 0\.2 s"):
                connect(
                    Address("web1", "127.0.0.1", port=port),
                    ssh_config=sshd.ssh_config(),
                    connect_timeout_s=0.2,
                )


def answering(greeting: bytes) -> Callable[[socket.socket], None]:
    def serve(listener: socket.socket) -> None:
        pipe, _ = listener.accept()
        with pipe:
            pipe.sendall(greeting)

    return serve


@pytest.mark.parametrize(
    "greeting", [b"", b"HTTP/1.1 400 Bad Request\r\n\r\n", b"220 mail ESMTP\r\n" * 200]
)
def test_something_that_is_no_ssh_server_is_told_apart(sshd: Sshd, greeting: bytes) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        serving = threading.Thread(target=answering(greeting), args=(listener,))
        serving.start()
        address = Address("web1", "127.0.0.1", port=listener.getsockname()[1])
        with pytest.raises(UnreachableError, match="cannot connect to web1") as error:
            connect(address, ssh_config=sshd.ssh_config())
        serving.join()
    assert "did not answer as an SSH server" in error.value.message or (
        "closed the connection" in error.value.message
    )
    assert "banned this address" in error.value.hint


def test_nothing_is_printed_when_a_connection_fails(sshd: Sshd) -> None:
    program = (
        "import socket, threading\n"
        "from provisioning.errors import UnreachableError\n"
        "from provisioning.transport import connect, Address\n"
        "listener = socket.create_server(('127.0.0.1', 0))\n"
        "def serve():\n"
        "    pipe, _ = listener.accept(); pipe.sendall(b'no ssh\\r\\n'); pipe.close()\n"
        "threading.Thread(target=serve).start()\n"
        "try: connect(Address('web1', '127.0.0.1', port=listener.getsockname()[1]))\n"
        "except UnreachableError: pass\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, timeout=60, check=True
    )
    assert done.stdout + done.stderr == ""


def test_a_network_that_goes_dead_does_not_keep_the_process_from_ending(
    sshd: Sshd, proxy: Proxy
) -> None:
    program = (
        "import sys\nfrom pathlib import Path\n"
        "from provisioning.transport import connect, Address\n"
        f"connection = connect(Address.parse('web1'), ssh_config=Path({str(sshd.folder)!r}) / "
        "'ssh_config')\n"
        "channel = connection.open('echo ready; cat', sudo=True)\n"
        "print(channel.receive(30).decode(), end='', flush=True)\n"
        "sys.stdin.read()\n"  # until the network is dead
        "channel.send(b'x' * 100_000)\n"
    )
    sshd.ssh_config(port=proxy.port)
    process = subprocess.Popen(
        [sys.executable, "-c", program], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    )
    assert process.stdout
    assert process.stdout.readline() == b"ready\n"
    proxy.swallow()
    process.communicate(timeout=30)
    assert process.returncode == 0


def test_a_handshake_that_stops_half_way_does_not_keep_the_process_from_ending(
    sshd: Sshd,
) -> None:
    program = (
        "import socket, threading\n"
        "from provisioning.errors import UnreachableError\n"
        "from provisioning.transport import connect, Address, connector\n"
        "connector.HANDSHAKE_TIMEOUT_S = 0.3\n"
        "listener = socket.create_server(('127.0.0.1', 0))\n"
        "def serve():\n    pipe, _ = listener.accept(); pipe.sendall(b'SSH-2.0-x\\r\\n')\n"
        "    threading.Event().wait()\n"
        "threading.Thread(target=serve, daemon=True).start()\n"
        "try: connect(Address('web1', '127.0.0.1', port=listener.getsockname()[1]),\n"
        "    connect_timeout_s=0.3)\n"
        "except UnreachableError as error: print(error.message)\n"
    )
    done = subprocess.run(
        [sys.executable, "-X", "importtime", "-c", program],
        capture_output=True,
        text=True,
        timeout=14,  # paramiko's own timer would hold it for 15 s
        check=True,
    )
    assert "no answer within 0.3 s" in done.stdout


def test_importing_the_package_loads_no_ssh_library() -> None:
    program = (
        "import sys, provisioning.transport\n"
        "print([name for name in ('paramiko', 'fabric', 'cryptography') if name in sys.modules])\n"
        "print(provisioning.transport.Connection.__name__)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    assert done.stdout == "[]\nConnection\n"
