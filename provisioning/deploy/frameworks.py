"""Functions for programs that run in an app's own Python, 3.9 or newer: they travel as text.

They know what Flask's and Django's objects look like, and import neither.
"""

import sys


def framework_of(application):
    """Return an app's framework, and the object with its settings; ("", None) for none."""
    flask = getattr(sys.modules.get("flask"), "Flask", None)
    if isinstance(flask, type):
        # Not isinstance(), which believes proxies.
        if issubclass(type(application), flask):
            return "flask", application
        import gc

        # Behind middleware: the one that there is.
        apps = [each for each in gc.get_objects() if issubclass(type(each), flask)]
        if len(apps) == 1:
            return "flask", apps[0]
    if "django" in sys.modules and "django.core.handlers.base" in sys.modules:
        from django.conf import settings

        return "django", settings
    return "", None


def debug_left_on(application):
    """Return where the debug mode of an app is on, and how it is switched off; "" if it is not."""
    try:
        name, owner = framework_of(application)
        if name == "flask" and owner.debug is True:
            return (
                "Flask's debug mode is on: remove debug = True, FLASK_DEBUG and "
                "FLASK_ENV=development"
            )
        if name == "django" and owner.DEBUG is True:
            settings = getattr(owner, "SETTINGS_MODULE", "") or "its settings"
            return "Django's debug mode is on: set DEBUG = False in " + str(settings)
    except Exception:
        # An app that cannot be asked is none of these, or fails where it is used.
        return ""
    return ""
