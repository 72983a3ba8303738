"""Headers that every answer of a site gets where the app sends none."""

from __future__ import annotations

DEFAULTS = (
    "X-Content-Type-Options",
    "Referrer-Policy",
    "X-Frame-Options",
    "Cross-Origin-Opener-Policy",
    "Cross-Origin-Resource-Policy",
    "Permissions-Policy",
)
"""What every answer gets where the app sends none: the templates of each web server say so."""

OFF = "off"
"""The value that leaves one of them out."""
