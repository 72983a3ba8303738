"""What an inventory may say of an app in a container: a key that means nothing is refused."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.inventory.conftest import Inventories

CONTAINER = """
[hosts.web1]
[apps.hello]
source = "."
domains = ["hello.test"]
runtime = "container"
"""


def test_a_container_needs_no_more_than_its_runtime(inventories: Inventories) -> None:
    app = inventories.load(CONTAINER).apps["hello"]
    assert (app.dockerfile, app.base_images, app.lock_file) == ("Dockerfile", {}, "")
    assert app.served_by == "image"


@pytest.mark.parametrize(
    ("key", "mistake"),
    [
        ('wsgi = "app:app"', "wsgi: has no effect with a container: the image's CMD says what"),
        ('asgi = "app:app"', "asgi: has no effect with a container"),
        ('server = "uvicorn"', "server: has no effect with a container"),
        ("workers = 2", "workers: has no effect with a container"),
        ("threads = 2", "threads: has no effect with a container"),
        ("max_requests = 2", "max_requests: has no effect with a container"),
        ('requirements = "r.txt"', "requirements: has no effect with a container"),
        ('packages = ["libpq5"]', "packages: has no effect with a container"),
        ('python = "python3.12"', "python: has no effect with a container"),
        ('relax = ["dbus"]', "relax: dbus has no effect with a container"),
        ("[apps.hello.gunicorn]\ntimeout = 3", "gunicorn"),
        (
            '[apps.hello.gunicorn]\nworker_class = "sync"',
            "gunicorn: has no effect with a container",
        ),
        ('base_images = { "x" = "relative" }', "an absolute path on the host"),
        ('base_images = { "x" = "/srv/../etc" }', "an absolute path on the host"),
        ('base_images = { "--x" = "/a" }', "the name of an image"),
        ('dockerfile = "../Dockerfile"', "dockerfile"),
    ],
)
def test_what_the_image_decides_is_refused(
    inventories: Inventories, key: str, mistake: str
) -> None:
    [told] = inventories.mistakes(CONTAINER + key)
    assert mistake in told


@pytest.mark.parametrize("key", ['dockerfile = "D"', 'base_images = { "x" = "/x" }'])
def test_keys_of_containers_are_refused_elsewhere(inventories: Inventories, key: str) -> None:
    [told] = inventories.app_mistakes(key)
    assert 'has no effect without runtime = "container"' in told
