"""`env_file`: variables from a file, of which those that look secret are."""

from __future__ import annotations

from pathlib import Path

import pytest

from provisioning.deploy.environment import operators_environment, pack, secret_names
from provisioning.errors import ConfigurationError
from provisioning.inventory import load
from provisioning.secrets import Secret
from provisioning.secrets.env_file import read_env_file

TEXT = """\
# of production
export MODE=production
WORKERS = 3   # of Celery
DATABASE_URL=postgres://shop:tide@db/shop
CACHE=redis://:tide@cache/0
STRIPE_KEY='sk_$live "x"'
NOTE="two\\nlines"
EMPTY=
"""


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / ".env.production"
    path.write_text(TEXT)
    path.chmod(0o600)
    return path


def test_each_line_is_a_variable_and_nothing_is_expanded(file: Path) -> None:
    found = read_env_file(file, "apps.shop.env_file").variables
    shown = {
        key: each.reveal() if isinstance(each, Secret) else each for key, each in found.items()
    }
    assert shown == {
        "MODE": "production",
        "WORKERS": "3",
        "DATABASE_URL": "postgres://shop:tide@db/shop",
        "CACHE": "redis://:tide@cache/0",
        "STRIPE_KEY": 'sk_$live "x"',
        "NOTE": "two\nlines",
        "EMPTY": "",
    }
    secret = {key for key, each in found.items() if isinstance(each, Secret)}
    assert secret == {"DATABASE_URL", "CACHE", "STRIPE_KEY"}


def test_a_file_that_others_can_read_is_told_if_it_has_secrets(file: Path) -> None:
    assert read_env_file(file, "x").warnings == ()
    file.chmod(0o644)
    [warning] = read_env_file(file, "x").warnings
    assert "can be read by others (mode 0644)" in warning
    file.write_text("MODE=production\n")
    assert read_env_file(file, "x").warnings == ()


def test_all_that_is_wrong_is_named_by_its_line_and_no_value_is_shown(file: Path) -> None:
    file.write_text(
        "A=1\nthis is tide\nB\nA=tide\nHOMEPORT_X=tide\n2C=tide\nD-E=tide\n=tide\nGOOD=1\n"
    )
    with pytest.raises(ConfigurationError) as wrong:
        read_env_file(file, "apps.shop.env_file")
    told = str(wrong.value) + wrong.value.output
    assert "tide" not in told.replace("this is", "")
    for line in ("line 2", "line 3", "line 4: A stands in line 1", "line 5", "line 6", "line 7"):
        assert line in told
    with pytest.raises(ConfigurationError, match="nowhere: No such file"):
        read_env_file(file.with_name("nowhere"), "apps.shop.env_file")


INVENTORY = """
[hosts.web1]
[apps.shop]
source = ".."
wsgi = "app:app"
domains = ["shop.example.com"]
env_file = "../.env.production"
[apps.shop.env]
REGION = "north"
[apps.shop.secrets]
SECRET_KEY = { generate = 32 }
TOKEN = { env = "SHOP_TOKEN" }
[tls]
email = "ops@example.com"
"""


def test_it_is_part_of_the_environment(
    file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SHOP_TOKEN", "a-token")
    (tmp_path / "inventory").mkdir()
    (tmp_path / "inventory" / "production.toml").write_text(INVENTORY)
    inventory = load(tmp_path, environ={})
    app = inventory.apps["shop"]
    environment, _ = operators_environment(inventory, app)
    assert environment["MODE"] == "production"
    assert environment["REGION"] == "north"
    assert '"STRIPE_KEY": "sk_$live' in pack(environment)
    assert "tide" not in repr(environment)
    assert set(secret_names(app, environment)) == {
        "DATABASE_URL", "CACHE", "STRIPE_KEY", "TOKEN", "SECRET_KEY",
    }  # fmt: skip
    assert set(secret_names(app, None)) == {"TOKEN", "SECRET_KEY"}
    file.write_text("REGION=south\nTOKEN=x\n")
    with pytest.raises(ConfigurationError, match="sets REGION, TOKEN, which the inventory sets"):
        operators_environment(inventory, app)
