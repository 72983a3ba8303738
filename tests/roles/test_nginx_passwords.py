"""Who may see an app: asked of a real nginx."""

import base64
import shutil
import subprocess

import pytest

from provisioning.roles.site import Given
from provisioning.roles.web_servers.sha512_crypt import ALPHABET, salt_of, sha512_crypt
from provisioning.secrets import Secret
from tests.roles.samples import HELLO, compiled, text_of
from tests.roles.staged_nginx import ELSEWHERE

SITE = "https://private.example.com"
GOOD = {"editor": "open sesame:x", "a@b.example": "p" * 70}


def credentials(user, password):
    pair = base64.b64encode(f"{user}:{password}".encode()).decode()
    return {"Authorization": f"Basic {pair}"}


@pytest.mark.parametrize("user", GOOD)
def test_who_has_a_password_gets_in_and_the_app_learns_who_but_not_the_password(
    nginx, deploy, user
):
    release = deploy(app="private")
    sent = {**credentials(user, GOOD[user]), "Remote-User": "root", "X-Remote-User": "root"}
    assert nginx.ask(f"{SITE}/", headers=sent, source=ELSEWHERE).status == 200
    assert release.last["Remote-User"] == user
    assert "X-Remote-User" not in release.last
    assert "Authorization" not in release.last


@pytest.mark.parametrize(
    "sent",
    [
        {},
        credentials("editor", "open sesame"),
        credentials("editor", ""),
        credentials("nobody", "open sesame:x"),
        credentials("a@b.example", "open sesame:x"),
        {"Authorization": "Bearer x"},
    ],
)
def test_everybody_else_is_asked_for_one(nginx, deploy, sent):
    release = deploy(app="private")
    nginx.put_static("app.css", app="private")
    for path in ("/", "/a/b", "/static/app.css", "/pinger", "/hooks"):
        answer = nginx.ask(SITE + path, headers=sent)
        assert (answer.status, answer["WWW-Authenticate"]) == (401, 'Basic realm="private"')
    assert release.asked == []


def test_excepted_paths_the_health_path_and_other_apps_ask_for_none(nginx, deploy):
    release = deploy(app="private")
    below = deploy(app="private-below")
    path = nginx.srv / "private/static/public/app.css"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(b"x")
    bearer = {"Authorization": "Bearer x", "Remote-User": "root"}
    for path in ("/hooks/a", "/ping", "/healthz"):
        assert nginx.ask(SITE + path, headers=bearer).status == 200
        assert release.last["Authorization"] == "Bearer x"
        assert "Remote-User" not in release.last
    assert nginx.ask(f"{SITE}/public/app.css").body == b"x"
    assert nginx.ask(f"{SITE}/hooks/.env").status == 404
    assert nginx.ask(f"{SITE}/below/").status == 200
    assert len(below.asked) == 1


# The file


KEYS = 'basic_auth = { editor = { env = "A" } }\n'
FILE = "file:/etc/nginx/homeport/passwords/hello"


def file(tmp_path, password):
    return compiled(tmp_path, HELLO + KEYS, given={"hello": Given({"editor": Secret(password)})})[
        FILE
    ]


def test_only_nginxs_workers_read_the_file_and_it_holds_no_password(tmp_path):
    made = file(tmp_path, "open sesame")
    assert (made.mode, made.owner, made.group) == ("0640", "root", "www-data")
    assert made.blob.secret
    assert "editor:$6$" in text_of(made)
    assert "open sesame" not in text_of(made)


def test_the_same_password_gives_the_same_file_and_another_one_another(tmp_path):
    first = text_of(file(tmp_path, "open sesame"))
    assert text_of(file(tmp_path, "open sesame")) == first
    assert text_of(file(tmp_path, "open sesam")) != first


def test_without_users_the_file_goes(tmp_path):
    resources = compiled(tmp_path, HELLO)
    assert FILE not in resources
    assert "homeport/passwords/hello" in resources["file-set:nginx"].absent


# Its hashes


@pytest.mark.skipif(not shutil.which("openssl"), reason="needs openssl")
@pytest.mark.parametrize("length", [1, 2, 15, 16, 17, 63, 64, 65, 200])
def test_hashes_are_those_of_crypt(length):
    password, salt = "aB$ ~"[: length % 5] + "x" * (length - length % 5), salt_of(str(length))
    argv = ["openssl", "passwd", "-6", "-salt", salt, "-stdin"]
    known = subprocess.run(argv, input=password, capture_output=True, text=True, check=True).stdout
    assert sha512_crypt(password, salt) == known.strip()


def test_salts_differ_between_apps_and_users():
    salts = {salt_of(*words) for words in (("a", "b"), ("a", "c"), ("ab", ""), ("", "ab"))}
    assert len(salts) == 4
    assert all(len(salt) == 16 and set(salt) <= set(ALPHABET) for salt in salts)
