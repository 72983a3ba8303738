"""An app in its sandbox does not decide which release visitors get, nor hold its host up."""

from __future__ import annotations

import pytest

from tests.attacks.conftest import Neighbourhood
from tests.attacks.neighbours import release_of
from tests.attacks.running import FOR_S, attack

pytestmark = pytest.mark.lab

HOLDS_S = 60
"""For how long a release could go on with answers that are none, if it were let."""

BOUND_S = 35
"""start_timeout_s = 5 below, one answer's time, and what a busy machine takes besides."""

HOLD = '''

def _hold() -> None:
    """Answer on the release's own socket, if there is one: 100 Continue, and never more."""
    import os, socket, threading, time
    listeners = []
    for name in os.listdir("/proc/self/fd"):
        try:
            each = socket.socket(fileno=os.dup(int(name)))
            if each.getsockopt(socket.SOL_SOCKET, socket.SO_ACCEPTCONN):
                listeners.append(each)
        except OSError:
            pass
    if not listeners:
        return

    def answer(connection):
        for number in range(@HOLDS_S@):
            try:
                connection.sendall(@SAYS@)
            except OSError:
                return
            with open("/srv/evil/shared/instance/sent", "a") as file:
                file.write("1")
            time.sleep(1)
        open("/srv/evil/shared/instance/given-up", "w").close()

    while True:
        listeners[0].setblocking(True)
        connection, _ = listeners[0].accept()
        threading.Thread(target=answer, args=(connection,), daemon=True).start()


_hold()
'''


def test_an_old_release_cannot_answer_for_the_next(
    neighbourhood: Neighbourhood, suite: str
) -> None:
    """Proof 5: a socket in the place of the new release's."""
    project = neighbourhood(suite)
    with attack(project, "hijack", FOR_S=FOR_S) as said:
        result = project.deploy("evil")
        pages = {project.site("evil").get("/healthz").body for _ in range(10)}
    assert any(line.startswith(("bound", "refused")) for line in said), said
    assert not [page for page in pages if b"HIJACKED" in page], f"{result.output}\n{said}"
    assert project.seen_release("evil") == release_of(result.must_succeed(), "evil")


def test_an_app_cannot_have_nginx_ask_another_app(neighbourhood: Neighbourhood, suite: str) -> None:
    """Proof 6: a link to the victim's socket, past its maintenance and its limits."""
    project = neighbourhood(suite)
    live = {app: project.live(app) for app in ("evil", "victim")}
    assert project.seen_release("evil") == live["evil"]
    # From a network that is not this machine's: visitors get the page of maintenance.
    allowed = ("--allow", "192.0.2.0/24")
    project.fab("-H", project.host.name, "maintenance", "victim", "on", *allowed).must_succeed()
    result = project.run("evil", "confuse").must_succeed()
    assert result.stdout.count("refused") + result.stdout.count("LINKED") == 2, result.stdout
    answer = project.site("evil").get("/healthz")
    assert live["victim"].encode() not in answer.body, result.stdout
    assert live["evil"].encode() in answer.body, (answer, result.stdout)


@pytest.mark.parametrize(
    ("debian", "says"),
    [
        pytest.param("bookworm", b"HTTP/1.1 100 Continue\r\n\r\n", id="100 Continue"),
        pytest.param("trixie", b"H", id="byte by byte", marks=pytest.mark.thorough),
    ],
)
def test_a_release_that_never_answers_holds_up_nobody(
    neighbourhood: Neighbourhood, debian: str, says: bytes
) -> None:
    """Proof 7: the gate waits for an answer that never ends, and the host's lock with it."""
    project = neighbourhood(debian)
    project.configure_app("evil", "start_timeout_s = 5\ntimeout_s = 600\n")
    project.provision().must_succeed()
    pages = project.source("evil") / "app" / "__init__.py"
    hold = HOLD.replace("@HOLDS_S@", str(HOLDS_S)).replace("@SAYS@", repr(says))
    pages.write_text(pages.read_text() + hold)
    result = project.deploy("evil")
    sent = project.host.shell("cat /srv/evil/shared/instance/sent 2>/dev/null || true")
    given_up = project.host.path("/srv/evil/shared/instance/given-up").exists()
    assert len(sent) >= 2, f"the attack has not taken place: {result.output}"
    assert result.code != 0, result.output
    assert not given_up, "the deploy lasted for as long as the attacker did"
    assert len(sent) <= BOUND_S, "the deploy lasted longer than start_timeout_s and a margin"
    project.deploy("victim").must_succeed()
