"""Static files that are reached by links, or change their kind, over four deploys and back."""

from __future__ import annotations

import shutil

import pytest

from provisioning.lab import Lab, LabHost
from tests.agent.test_release_sequences import found_in, must_be_valid, text_of
from tests.agent.trees import Tree
from tests.e2e.project import Project
from tests.e2e.site import Site
from tests.e2e.steps import deploy_change, live_on, rollback

pytestmark = pytest.mark.lab

KINDS: tuple[dict[str, str], ...] = (
    {"kind": "file 1", "other/x.txt": "x 1"},
    {"kind/a.txt": "a 2", "kind/deep/b.txt": "b 2", "other": "file 2"},
    {"kind": "-> logo.txt", "other/x.txt": "x 3"},
    {"kind": "-> ../../brand", "other/x.txt": "x 4"},
)
"""Below the static folder, of one release after the other; "->" are links."""


def _lay_out(project: Project, kinds: dict[str, str]) -> None:
    static = project.app / "app" / "static"
    for name in ("kind", "other"):
        path = static / name
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path)
        else:
            path.unlink(missing_ok=True)
    for name, content in kinds.items():
        (static / name).parent.mkdir(parents=True, exist_ok=True)
        if content.startswith("-> "):
            (static / name).symlink_to(content[3:])
        else:
            (static / name).write_text(content)


def _expected(kinds: dict[str, str]) -> dict[str, str]:
    """Return URL -> what a visitor gets."""
    found = {}
    for name, content in kinds.items():
        if content == "-> logo.txt":
            found[name] = "the logo"
        elif content == "-> ../../brand":
            found[f"{name}/brand.txt"] = "the brand"
        else:
            found[name] = content
    return {**found, "img/brand.txt": "the brand", "mark.txt": "the brand", "logo.txt": "the logo"}


def _must_serve(site: Site, kinds: dict[str, str]) -> None:
    for path, content in _expected(kinds).items():
        answer = site.get(f"/static/{path}")
        assert (answer.status, answer.body.decode()) == (200, content), path


def _must_be_whole(project: Project, host: LabHost) -> None:
    """Fail unless the live release's tree is what git tracks, and what was compiled is valid."""
    code = host.path(f"/srv/hello/releases/{live_on(host)}/code")
    found, compiled = found_in(code)
    tracked = project.git("ls-files", "-z").split("\0")
    tree = Tree()
    for path in filter(None, tracked):
        file = project.app / path
        if file.is_symlink():
            tree.links[path] = str(file.readlink())
        else:
            tree.files[path] = text_of(file)
    assert {path: found.files[path] for path in tree.files} == tree.files
    assert {path: found.links[path] for path in tree.links} == tree.links
    assert compiled
    assert set(found.files) == set(tree.files)


def test_what_is_served_stays_served(lab: Lab, project: Project, deployed_host):
    host = deployed_host()
    site = Site(lab, host)
    compatible = "migrate_compatible = true\n"
    project.configure(compatible, compatible + "keep_releases = 2\n")
    # The static folder itself is a link, as a frontend's build often is.
    app = project.app
    (app / "frontend").mkdir()
    (app / "app" / "static").rename(app / "frontend" / "dist")
    (app / "app" / "static").symlink_to("../frontend/dist")
    (app / "brand").mkdir()
    (app / "brand" / "brand.txt").write_text("the brand")
    (app / "frontend" / "dist" / "logo.txt").write_text("the logo")
    (app / "frontend" / "dist" / "img").symlink_to("../../brand")
    (app / "frontend" / "dist" / "mark.txt").symlink_to("img/brand.txt")
    for name in (
        "empty.py",
        "also_empty.py",
        "pkg/__init__.py",
        "pkg/models.py",
        "-x.py",
        "größe.py",
        "a b.py",
        "new\nline.py",
        " /x.py",
    ):
        (app / name).parent.mkdir(exist_ok=True)
        (app / name).write_text("")
    for kinds in KINDS:
        _lay_out(project, kinds)
        deploy_change(project, host)
        _must_serve(site, kinds)
        _must_be_whole(project, host)
    rollback(project, host)
    _must_serve(site, KINDS[-2])
    rollback(project, host)
    _must_serve(site, KINDS[-1])
    assert len(host.shell("ls /srv/hello/releases").split()) == 2
    # What a deploy makes of shared folders is what provision wants.
    project.configure('shared = ["instance"]', 'shared = ["instance", "var/uploads"]')
    deploy_change(project, host)
    again = project.fab("-H", host.name, "provision", "--json").must_succeed()
    assert [each for each in again.changed(host.name) if "hello" in each] == []
    shown = host.shell("stat -c '%a %U:%G' /srv/hello/shared/var /srv/hello/shared/var/uploads")
    assert shown.splitlines() == ["750 hello:hello"] * 2
    _must_serve(site, KINDS[-1])

    # What leads out is refused by name, before any host is asked.
    for target in ("/etc/hostname", "../../../../outside.txt", str(app / "brand" / "brand.txt")):
        link = app / "frontend" / "dist" / "leads-out.txt"
        link.unlink(missing_ok=True)
        link.symlink_to(target)
        project.commit("a link that leads out")
        refused = project.fab("-H", host.name, "deploy")
        assert refused.code == 2, refused.output
        assert f"leads-out.txt -> {target} leads out of the release" in refused.output
        assert "Traceback" not in refused.output
    _must_serve(site, KINDS[-1])
    must_be_valid(host.path(f"/srv/hello/releases/{live_on(host)}/code"), "pkg/models.py")
