"""A person at a browser, as far as logging in and uploading goes: cookies, forms, files."""

from __future__ import annotations

import http.cookies
import uuid
from collections.abc import Mapping
from html.parser import HTMLParser
from urllib.parse import urlencode, urljoin, urlsplit

from tests.e2e.site import Answer, Site

Files = Mapping[str, tuple[str, bytes]]
"""Field -> name and content of the file."""

_MOST_REDIRECTS = 5
_REDIRECTS = {301, 302, 303, 307, 308}


class Browser:
    """Pages of one site.

    Args:
        site: The site.
    """

    def __init__(self, site: Site) -> None:
        self._site = site
        self._cookies: dict[str, str] = {}
        self.path = "/"

    def request(
        self, method: str, path: str, body: bytes = b"", headers: Mapping[str, str] | None = None
    ) -> Answer:
        """Ask once; what the answer says of cookies is remembered."""
        connection = self._site.connection()
        try:
            origin = f"https://{self._site.name}"
            sent = {"Host": self._site.name, "Referer": f"{origin}{self.path}"}
            if method != "GET":
                sent["Origin"] = origin
            if self._cookies:
                sent["Cookie"] = "; ".join(
                    f"{name}={self._cookies[name]}" for name in self._cookies
                )
            connection.request(method, path, body=body or None, headers={**sent, **(headers or {})})
            response = connection.getresponse()
            for line in response.headers.get_all("Set-Cookie") or []:
                for name, morsel in http.cookies.SimpleCookie(line).items():
                    self._cookies[name] = morsel.value
            found = {name.lower(): value for name, value in response.getheaders()}
            return Answer(response.status, found, response.read())
        finally:
            connection.close()

    def get(self, path: str) -> str:
        """Return the page at a path, or at where it leads; it must answer 200."""
        return self.download(path).decode()

    def download(self, path: str) -> bytes:
        """Return the bytes at a path, or at where it leads; it must answer 200."""
        return self._followed("GET", path, self.request("GET", path))

    def post(self, path: str, body: bytes, headers: Mapping[str, str] | None = None) -> str:
        """Send bytes; return the page that comes of it."""
        return self._followed("POST", path, self.request("POST", path, body, headers)).decode()

    def put(self, path: str, body: bytes, headers: Mapping[str, str] | None = None) -> None:
        """Send bytes that are to be found at a path."""
        answer = self.request("PUT", path, body, headers)
        assert answer.status in {200, 201, 204}, f"PUT {path}: {answer.status} {answer.body!r}"

    def submit(
        self, path: str, fields: Mapping[str, str], files: Files | None = None, *, to: str = ""
    ) -> str:
        """Fill in the form of a page that has these fields, and send it.

        Args:
            path: The page.
            fields: Field -> value; what the form says of others is sent as it is.
            files: The files.
            to: Where the form is sent to, in place of where it says.

        Returns:
            The page that comes of it.
        """
        page = self.get(path)
        wanted = {*fields, *(files or {})}
        forms = _Forms()
        forms.feed(page)
        form = next((each for each in forms.found if wanted <= set(each.names)), None)
        assert form, f"no form of {path} has {sorted(wanted)}: {[f.names for f in forms.found]}"
        sent = {**form.values, **fields}
        target = to or urljoin(self.path, form.action or self.path)
        if files is None:
            kind, body = "application/x-www-form-urlencoded", urlencode(sent).encode()
        else:
            kind, body = multipart(sent, files)
        return self.post(target, body, {"Content-Type": kind})

    def _followed(self, method: str, path: str, answer: Answer) -> bytes:
        for _ in range(_MOST_REDIRECTS):
            if answer.status not in _REDIRECTS:
                break
            target = urlsplit(
                urljoin(f"https://{self._site.name}{path}", answer.headers["location"])
            )
            assert target.netloc == self._site.name, f"{path} leads to {target.geturl()}"
            path = f"{target.path}?{target.query}" if target.query else target.path
            answer = self.request("GET", path)
        words = answer.body[-1500:].decode(errors="replace")
        assert answer.status == 200, f"{method} {path}: {answer.status} {words}"
        self.path = path
        return answer.body


def multipart(fields: Mapping[str, str], files: Files) -> tuple[str, bytes]:
    """Return content type and body of a form with files. Source: RFC 7578."""
    boundary = uuid.uuid4().hex
    parts = [
        f'--{boundary}\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n{value}\r\n'.encode()
        for name, value in fields.items()
    ]
    for name, (filename, content) in files.items():
        head = (
            f'--{boundary}\r\nContent-Disposition: form-data; name="{name}"; '
            f'filename="{filename}"\r\nContent-Type: application/octet-stream\r\n\r\n'
        )
        parts.append(head.encode() + content + b"\r\n")
    return (
        f"multipart/form-data; boundary={boundary}",
        b"".join(parts) + f"--{boundary}--\r\n".encode(),
    )


class _Form:
    """A form: where it is sent to, its fields, and what they hold."""

    def __init__(self, action: str) -> None:
        self.action = action
        self.names: list[str] = []
        self.values: dict[str, str] = {}


class _Forms(HTMLParser):
    """Reads the forms of a page."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[_Form] = []
        self._select = ""
        self._is_open = False

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attrs}
        if tag == "form":
            self.found.append(_Form(given.get("action", "")))
            self._is_open = True
        if not self._is_open:
            return
        form, name = self.found[-1], given.get("name", "")
        if tag == "option" and self._select and ("selected" in given):
            form.values[self._select] = given.get("value", "")
        if not name or tag not in {"input", "textarea", "select", "button"}:
            return
        self._select = name if tag == "select" else ""
        kind = given.get("type", "text")
        form.names.append(name)
        if tag == "input" and kind not in {"file", "submit", "checkbox", "radio", "image"}:
            form.values[name] = given.get("value", "")
        if tag == "input" and kind in {"checkbox", "radio"} and "checked" in given:
            form.values[name] = given.get("value", "on")
        if tag == "textarea":
            form.values[name] = ""

    def handle_endtag(self, tag: str) -> None:
        if tag == "form":
            self._is_open = False
