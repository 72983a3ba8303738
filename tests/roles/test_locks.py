"""What Homeport brings onto hosts itself: each file by its hash, for each Python."""

import re
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from provisioning.roles import locks
from provisioning.roles.locks import lock_text, read_lock

NAMES = ("gunicorn", "gunicorn-gevent", "gunicorn-uvicorn", "uv", "uvicorn", "uwsgi", "waitress")


def test_there_is_a_test_for_every_lock_file():
    here = {path.stem for path in locks._FOLDER.glob("*.txt")}
    assert here == set(NAMES)


@pytest.mark.parametrize("name", NAMES)
def test_every_requirement_is_one_version_with_hashes(name):
    read = read_lock(name)
    assert read
    for distribution, requirements in read.items():
        for line in requirements.splitlines():
            assert re.fullmatch(
                r"[A-Za-z0-9._-]+==[0-9][0-9a-z.]*( ; [^\\]+?)?( --hash=sha256:[0-9a-f]{64})+", line
            ), line
            assert re.sub(r"[-_.]+", "-", line.partition("==")[0]).lower() == distribution


@pytest.mark.parametrize("name", NAMES)
def test_no_hash_is_lost_between_a_lock_file_and_its_lines(name):
    hashes = re.findall(r"--hash=sha256:[0-9a-f]{64}", lock_text(name))
    read = re.findall(r"--hash=sha256:[0-9a-f]{64}", "\n".join(read_lock(name).values()))
    assert sorted(read) == sorted(hashes)


@pytest.mark.parametrize("name", NAMES)
def test_it_says_how_it_is_made_anew(name):
    assert f"-o provisioning/roles/locks/{name}.txt" in lock_text(name).splitlines()[1]


def test_every_python_finds_its_version_of_a_distribution(tmp_path, monkeypatch):
    monkeypatch.setattr(locks, "_FOLDER", tmp_path)
    monkeypatch.setattr(locks, "lock_text", lock_text.__wrapped__)
    (tmp_path / "both.txt").write_text(
        "# said\n"
        "Zope.Interface==1 ; python_full_version < '3.11' \\\n    --hash=sha256:a \\\n"
        "    --hash=sha256:b\n"
        "zope_interface==2 ; python_full_version >= '3.11' \\\n    --hash=sha256:c\n"
        "six==1 --hash=sha256:d\n"
    )
    assert read_lock("both") == {
        "zope-interface": "Zope.Interface==1 ; python_full_version < '3.11' --hash=sha256:a "
        "--hash=sha256:b\nzope_interface==2 ; python_full_version >= '3.11' --hash=sha256:c",
        "six": "six==1 --hash=sha256:d",
    }


@pytest.mark.parametrize("name", NAMES)
def test_a_lock_names_no_place(name):
    assert not re.search(r"https?:|file:|--(extra-)?index-url|/root|/home|/tmp", lock_text(name))


def test_the_wheel_holds_the_locks(tmp_path):
    root = Path(__file__).resolve().parents[2]
    pip = [sys.executable, "-m", "pip", "--quiet", "--disable-pip-version-check", "wheel"]
    subprocess.run([*pip, "--no-deps", "--wheel-dir", tmp_path, root], check=True)
    [wheel] = tmp_path.glob("homeport-*.whl")
    names = set(zipfile.ZipFile(wheel).namelist())
    assert {f"provisioning/roles/locks/{name}.txt" for name in NAMES} <= names
