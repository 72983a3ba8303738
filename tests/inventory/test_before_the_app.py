"""Keys about what stands before an app: what means nothing, or would not hold, is refused."""

from __future__ import annotations

import pytest

from provisioning.errors import ConfigurationError
from tests.roles.samples import HELLO, inventory

OTHER = """
[apps.other]
source = "../other"
wsgi = "other:app"
domains = ["{domain}"]
"""
PROBED = 'health_from = ["192.0.2.0/24"]\nhealth_any_host = true\n'
INTERNAL = 'shared = ["a"]\nmedia = { "/m/" = { folder = "a", internal = true } }\n'


def refusal(tmp_path, text: str) -> str:
    with pytest.raises(ConfigurationError) as refused:
        inventory(tmp_path, text)
    return f"{refused.value}\n{refused.value.output}"


def test_media_is_a_folder_or_a_table(tmp_path):
    app = inventory(
        tmp_path,
        HELLO + 'shared = ["up"]\n'
        'media = { "/m/" = "up/a", "/i/" = { folder = "up", internal = true } }\n',
    ).apps["hello"]
    assert [(url, each.folder, each.internal) for url, each in app.media.items()] == [
        ("/m/", "up/a", False),
        ("/i/", "up", True),
    ]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ('media = { "/m/" = "a" }\n', '"a" is not shared'),
        ('shared = ["a"]\nmedia = { "/m/" = "ab" }\n', '"ab" is not shared'),
        (
            'shared = ["a"]\nstatic = { "/m/" = "b" }\nmedia = { "/m/" = "a" }\n',
            "also a URL of `static`",
        ),
        (
            'shared = ["a"]\nmedia = { "/m/" = "a" }\n'
            'headers = { X-Content-Type-Options = "off" }\n',
            "cannot be switched off with media",
        ),
        ('shared = ["a"]\nstatic = { "/m/" = "a" }\n', "use `media`"),
        (f'prefix = "/shop/"\n{INTERNAL}', "cannot be internal for an app with a prefix"),
        ('limits = { "/static/x" = "5r/m" }\nstatic = { "/static/" = "a" }\n', "has no effect"),
        ('limits = { "/login" = "off" }\n', "must be a rate"),
        ('dot_paths = ["/static/"]\n', "no part of it begins with a dot"),
        ("health_any_host = true\n", "without health_from"),
        ("health_status = 503\n", "must be a status from 200 to 499"),
        ("health_status = []\n", "must not be empty"),
        ("connection_limit = 0\n", 'must be a number from 1 to 100000, or "off"'),
    ],
)
def test_what_cannot_be_is_said(tmp_path, text, words):
    assert words in refusal(tmp_path, HELLO + text)


@pytest.mark.parametrize(
    "text",
    ['shared = ["a"]\nmedia = { "/m/" = "a" }\n', "connection_limit = 9\n",
     'limits = { "/login" = "5r/m" }\n'],
)  # fmt: skip
def test_what_caddy_cannot_do_is_refused(tmp_path, text):
    said = refusal(tmp_path, f'{HELLO}web_server = "caddy"\n{text}')
    assert 'web_server = "nginx"' in said


def test_what_caddy_can_do_is_taken(tmp_path):
    text = f'{HELLO}web_server = "caddy"\n{PROBED}dot_paths = ["/.a/"]\nstreams = ["/e"]\n'
    app = inventory(tmp_path, f"{text}health_status = 204\n").apps["hello"]
    assert app.health_status == (204,)


def test_one_app_of_a_host_answers_probes_under_any_name(tmp_path):
    other = OTHER.format(domain="other.example.com")
    said = refusal(tmp_path, HELLO + PROBED + other + PROBED)
    assert "/healthz is also that of hello on web1" in said
    inventory(tmp_path, f'{HELLO}{PROBED}{other}{PROBED}health = "/up"\n')


def test_no_app_below_the_same_domain_could_reach_internal_files(tmp_path):
    one = OTHER.format(domain="a.example") + INTERNAL
    two = OTHER.replace("apps.other", "apps.more").format(domain="a.example") + 'prefix = "/b/"\n'
    assert "since more is below the same domain" in refusal(tmp_path, one + two)
