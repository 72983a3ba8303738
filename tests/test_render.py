import errno
import stat
import subprocess
import sys

import jinja2
import pytest

from provisioning.errors import ConfigurationError
from provisioning.inventory.models.app_servers import APP_SERVERS
from provisioning.inventory.models.runtimes import RUNTIMES
from provisioning.render import (
    TemplateLine,
    annotate,
    folders,
    locate,
    packaged_folder,
    render,
    use_templates_of,
)
from provisioning.render.templates import environment


@pytest.fixture
def template(tmp_path):
    """Write a template of the person's own, and use them all."""

    def write(text, name="own/file.j2"):
        path = tmp_path / "templates" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
        use_templates_of(tmp_path)
        return name

    yield write
    use_templates_of(None)


def refusal(name, **values):
    with pytest.raises(ConfigurationError) as caught:
        render(name, **values)
    return str(caught.value)


# What a template gives


def test_a_block_leaves_no_empty_line_and_the_last_line_keeps_its_end(template):
    name = template("a\n  {% if yes %}\nb\n  {% endif %}\nc\n")
    assert render(name, yes=True) == "a\nb\nc\n"


def test_a_file_of_the_persons_own_wins_over_the_packaged_one(template):
    packaged = render("certbot/renewal.timer.j2")
    template("mine\n", "certbot/renewal.timer.j2")
    assert render("certbot/renewal.timer.j2") == "mine\n"
    use_templates_of(None)
    assert render("certbot/renewal.timer.j2") == packaged


def test_a_packaged_template_can_include_a_file_of_the_persons_own(template):
    template("body{color:red}\n", "nginx/homeport/unavailable.css.j2")
    assert "body{color:red}" in render("nginx/homeport/unavailable.html.j2")


def test_a_project_without_templates_uses_the_packaged_ones(tmp_path):
    use_templates_of(tmp_path)
    assert "worker_processes" in render("nginx/nginx.conf.j2")


def test_every_packaged_template_says_on_top_who_owns_the_file():
    # Those that are only included have no file of their own; those that extend one begin as it.
    fragments = {
        *(f"app/{name}.j2" for name in ("program", "prefix", "prefix-asgi", "prefix-cookies")),
        *(f"nginx/{name}.j2" for name in (
            "certificate", "headers", "listen-tls", "mount", "mount-headers", "mount-http", "pass",
            "password", "paths", "probe", "probes",
            "media", "media-types",
            "real-ip", "streams", "to-streams", "types", "user", "visit",
        )),
        "nginx/homeport/unavailable.css.j2", "gunicorn/outlive-master.j2", "uvicorn/finishing.j2",
        *(f"caddy/{name}.j2" for name in ("mount", "pass", "probe", "servers", "tls")),
        "web/claims.j2",
        *(f"{name}/web.service.j2" for name in (*APP_SERVERS, *filter(None, RUNTIMES.values()))),
    }  # fmt: skip
    # Those of a release are written once: nothing undoes an edit, the next release has its own.
    names = ("logrotate.conf", "process.service", "timed.service", "timer", "web.socket")
    of_a_release = {
        *(f"app/{name}.j2" for name in names),
        *(
            f"{name}/{path.name}"
            for name in APP_SERVERS
            for path in (packaged_folder() / name).glob("server.*.j2")
        ),
    }
    for path in packaged_folder().rglob("*.j2"):
        name = str(path.relative_to(packaged_folder()))
        if name in fragments:
            continue
        lines = path.read_text().splitlines()
        if name == "app/web.service.j2":
            assert "Made by Homeport from templates/{{ app.served_by }}/web.service.j2" in lines[0]
            continue
        first = lines[1] if lines[0].startswith("#!") else lines[0]
        assert (f"Made by Homeport from templates/{name}" if name in of_a_release else
                "{{ owned }}") in first, path  # fmt: skip


def test_the_first_line_names_the_template_and_says_that_edits_are_undone():
    first = render("nginx/nginx.conf.j2").splitlines()[0]
    assert "templates/nginx/nginx.conf.j2" in first
    assert "undone" in first


def test_importing_it_does_not_import_jinja2():
    code = "import provisioning.render, sys; sys.exit('jinja2' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code]).returncode == 0


# What a mistake says


def test_a_name_that_is_not_given_is_told_with_its_line_and_the_nearest_one(template):
    name = template("a\n{{ domian }}\n")
    assert refusal(name, domain="x") == (
        "cannot render templates/own/file.j2:2: 'domian' is undefined\n  try: {{ domain }}"
    )


def test_a_missing_attribute_is_a_mistake_and_not_an_empty_text(template):
    name = template("{{ site.nmae }}\n")
    assert "templates/own/file.j2:1" in refusal(name, site=TemplateLine("a", 1))


def test_a_mistake_in_an_included_template_names_that_one(template):
    template("fine\n{{ missing }}\n", "own/inner.j2")
    name = template('{% include "own/inner.j2" %}\n')
    assert "templates/own/inner.j2:2" in refusal(name)


def test_a_syntax_error_names_its_line(template):
    assert "templates/own/file.j2:3: " in refusal(template("a\nb\n{% if %}\n"))


def test_a_failing_expression_names_its_line_and_kind(template):
    message = refusal(template("a\n{{ 1 // zero }}\n"), zero=0)
    assert message.startswith("cannot render templates/own/file.j2:2: ZeroDivisionError")


def test_an_unknown_template_names_the_nearest_one():
    assert refusal("nginx/ngnix.conf.j2") == (
        "cannot render templates/nginx/ngnix.conf.j2: there is no such template\n"
        "  try: templates/nginx/nginx.conf.j2"
    )


def test_including_an_unknown_template_names_both(template):
    message = refusal(template('{% include "own/none.j2" %}\n'))
    assert "templates/own/file.j2" in message
    assert "templates/own/none.j2" in message


# From a line of the text to a line of the template


def lines(text):
    numbers = range(1, len(text.splitlines()) + 1)
    return [found.line if (found := locate(text, number)) else None for number in numbers]


def test_a_plain_line_is_found(template):
    assert lines(render(template("a\nb\nc\n"))) == [1, 2, 3]


def test_lines_after_removed_blocks_and_comments_are_found(template):
    name = template("{# two\nlines #}\na\n{% if yes %}\nb\n{% endif %}\nc\n")
    assert lines(render(name, yes=True)) == [3, 5, 7]
    assert lines(render(name, yes=False)) == [3, 7]


def test_each_turn_of_a_loop_leads_to_the_same_lines(template):
    name = template("{% for each in all %}\n{{ each }}\n-\n{% endfor %}\nend\n")
    assert lines(render(name, all="ab")) == [2, 3, 2, 3, 5]


def test_all_lines_of_a_value_lead_to_where_it_was_put(template):
    assert lines(render(template("a\n{{ text }}\nz\n"), text="1\n2\n3")) == [1, 2, 2, 2, 3]


def test_a_line_of_an_included_template_names_that_one(template):
    template("x\ny {{ value }}\n", "own/inner.j2")
    text = render(template('a\n{% include "own/inner.j2" %}\nz\n'), value=1)
    assert locate(text, 3) == TemplateLine("own/inner.j2", 2)
    assert locate(text, 4) == TemplateLine("own/file.j2", 3)


def test_every_line_of_every_packaged_template_of_nginx_is_found_where_it_stands():
    text = render("nginx/nginx.conf.j2")
    source = (packaged_folder() / "nginx/nginx.conf.j2").read_text().splitlines()
    for number, line in enumerate(text.splitlines(), 1):
        found = locate(text, number)
        assert found is not None
        assert found.line == number
        assert number == 1 or source[found.line - 1] == line


def test_a_template_that_looks_at_its_own_pieces_is_not_guessed_at(template):
    name = template("{% set x %}ab{% endset %}\n{{ x | length }}\n")
    text = render(name)
    assert text == "2\n"
    assert locate(text, 1) is None


def test_a_text_that_was_not_rendered_and_a_line_that_is_not_there_are_nowhere(template):
    text = render(template("a\n"))
    assert locate("something else", 1) is None
    assert locate(text, 99) is None


def test_a_programs_words_are_completed_with_the_templates_line(template):
    text = render(template("a\n{% if yes %}\nb c;\n{% endif %}\n"), yes=True)
    said = 'nginx: [emerg] unknown directive "b" in /etc/nginx/sites-enabled/hello.conf:2'
    assert annotate(said, {"/etc/nginx/sites-enabled/hello.conf": text}) == (
        f"{said} (from templates/own/file.j2:3)"
    )
    assert annotate(said, {}) == said


def test_templates_are_found_at_the_top_of_a_checkout_and_inside_a_wheel(tmp_path, monkeypatch):
    package = tmp_path / "provisioning"
    package.mkdir()
    (tmp_path / "templates").mkdir()
    monkeypatch.setattr(folders, "__file__", str(package / "render" / "folders.py"))
    assert packaged_folder() == tmp_path / "templates"
    (package / "templates").mkdir()
    assert packaged_folder() == package / "templates"


# What is kept of templates between commands


@pytest.fixture
def cache(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    environment.cache_clear()
    yield tmp_path / "cache" / "homeport" / "templates"
    environment.cache_clear()


def _compiled_by_another_command(name, monkeypatch, **values):
    """Render as a new process would, and return the text and how many templates it compiled."""
    environment.cache_clear()
    compiled = []
    compile_template = jinja2.Environment.compile

    def counted(self, *arguments, **options):
        compiled.append(arguments)
        return compile_template(self, *arguments, **options)

    with monkeypatch.context() as patch:
        patch.setattr(jinja2.Environment, "compile", counted)
        return render(name, **values), len(compiled)


def test_the_next_command_compiles_nothing(template, cache, monkeypatch):
    name = template("a {{ b }}\n")
    assert _compiled_by_another_command(name, monkeypatch, b=1) == ("a 1\n", 1)
    assert _compiled_by_another_command(name, monkeypatch, b=2) == ("a 2\n", 0)
    assert stat.S_IMODE(cache.stat().st_mode) == 0o700


def test_an_edited_template_is_compiled_anew(template, cache, monkeypatch):
    name = template("a\n")
    render(name)
    template("b\n")
    assert _compiled_by_another_command(name, monkeypatch) == ("b\n", 1)


def test_lines_are_found_also_where_the_template_was_kept(template, cache):
    name = template("a\n{% if yes %}\nb\n{% endif %}\n")
    for _ in range(2):
        environment.cache_clear()
        assert locate(render(name, yes=True), 2) == TemplateLine(name, 3)


@pytest.mark.parametrize("left", [b"", b"j2", 0.5, 0.9])
def test_a_damaged_file_is_compiled_anew(template, cache, monkeypatch, left):
    name = template("a\n")
    render(name)
    (file,) = cache.iterdir()
    whole = file.read_bytes()
    file.write_bytes(left if isinstance(left, bytes) else whole[: int(len(whole) * left)])
    assert _compiled_by_another_command(name, monkeypatch) == ("a\n", 1)
    assert file.read_bytes() == whole


def test_where_others_can_write_nothing_is_kept_nor_believed(template, cache, monkeypatch):
    name = template("a\n")
    render(name)
    cache.chmod(0o770)
    assert _compiled_by_another_command(name, monkeypatch) == ("a\n", 1)
    cache.rename(cache.with_name("elsewhere"))
    cache.symlink_to("elsewhere")
    assert _compiled_by_another_command(name, monkeypatch) == ("a\n", 1)


def test_where_nothing_can_be_written_everything_works(template, cache, monkeypatch):
    name = template("a\n")
    cache.parent.parent.write_text("not a directory")
    assert _compiled_by_another_command(name, monkeypatch) == ("a\n", 1)


def test_a_full_disk_is_no_mistake_in_a_template(template, cache, monkeypatch):
    def full(**_):
        raise OSError(errno.ENOSPC, "no space left on device")

    name = template("a\n")
    monkeypatch.setattr("tempfile.NamedTemporaryFile", full)
    assert _compiled_by_another_command(name, monkeypatch) == ("a\n", 1)
