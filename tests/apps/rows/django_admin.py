"""What visitors of Django's admin do."""

from __future__ import annotations

from tests.apps.browser import Browser

_NAME, _PASSWORD = "admin", "admin of the harbour"

ADMIN = (
    f"env DJANGO_SUPERUSER_PASSWORD='{_PASSWORD}' python manage.py createsuperuser "
    f"--noinput --username {_NAME} --email admin@example.com"
)
"""Makes the account, as a person does by `fab run`."""


def log_in(browser: Browser, path: str = "/admin/login/", *, name: str = _NAME) -> str:
    """Log in; return the page that is shown then."""
    page = browser.submit(path, {"username": name, "password": _PASSWORD})
    assert 'name="password"' not in page, page[-1500:]
    return page
