"""Requests that last: streams take a thread each, and nobody else's."""

from __future__ import annotations

import contextlib

import pytest

from provisioning.lab import Lab
from tests.e2e.project import FEW_WORKERS, Project
from tests.e2e.site import Site
from tests.e2e.steps import change_code, lift_rate_limit

pytestmark = pytest.mark.lab

WORKERS, THREADS = 3, 2
QUICK = 60


def test_no_request_waits_behind_a_stream_while_any_thread_is_free(
    lab: Lab, project: Project, deployed_host
):
    host = deployed_host()
    project.configure(FEW_WORKERS, f"workers = {WORKERS}\nthreads = {THREADS}\n")
    lift_rate_limit(project, host)
    change_code(project)
    project.fab("-H", host.name, "deploy").must_succeed()
    site = Site(lab, host)
    with contextlib.ExitStack() as streams:
        for _ in range(WORKERS * THREADS - 1):
            connection = site.connection()
            streams.callback(connection.close)
            connection.request("GET", "/stream?seconds=300")
            # It is under way: its first line has come.
            assert connection.getresponse().readline()
        assert {site.get("/").status for _ in range(QUICK)} == {200}
