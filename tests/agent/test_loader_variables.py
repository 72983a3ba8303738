"""Variables by which programs load code: one program of an app's unit is root's."""

from __future__ import annotations

from pathlib import Path

import pytest

from provisioning.agent.apps.environment import refuse_unsafe_loader
from provisioning.agent.errors import AgentError


def _is_refused(name: str, value: str) -> bool:
    try:
        refuse_unsafe_loader(name, value)
    except AgentError as error:
        assert name in error.message
        assert error.refused
        return True
    return False


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("LD_PRELOAD", "libjemalloc.so.2"),
        ("LD_PRELOAD", "libjemalloc.so.2 libm.so.6"),
        ("LD_PRELOAD", "/usr/lib/os-release"),
        ("LD_LIBRARY_PATH", "/usr/lib:/usr/bin"),
        ("LD_BIND_NOW", "1"),
        ("LD_PRELOAD", ""),
        ("MY_LD_PRELOAD", "/srv/hello/shared/evil.so"),
        ("PATH", "/srv/hello/shared"),
    ],
)
def test_what_is_roots_may_be_loaded(name: str, value: str) -> None:
    assert not _is_refused(name, value)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("LD_PRELOAD", "/srv/hello/shared/evil.so"),
        ("LD_PRELOAD", "libm.so.6:/srv/hello/venvs/x/lib/evil.so"),
        ("LD_PRELOAD", "libm.so.6 ./evil.so"),
        ("LD_PRELOAD", "$ORIGIN/evil.so"),
        ("LD_AUDIT", "/nowhere/evil.so"),
        ("LD_LIBRARY_PATH", "/usr/lib:"),
        ("LD_LIBRARY_PATH", "lib"),
        ("GCONV_PATH", "/srv/hello/shared"),
    ],
)
def test_what_others_may_write_is_refused(name: str, value: str) -> None:
    assert _is_refused(name, value)


def test_a_library_in_a_directory_that_others_may_write_is_refused(tmp_path: Path) -> None:
    library = tmp_path / "evil.so"
    library.touch()
    tmp_path.chmod(0o777)
    with pytest.raises(AgentError, match="can be changed by users other than root"):
        refuse_unsafe_loader("LD_PRELOAD", str(library))
