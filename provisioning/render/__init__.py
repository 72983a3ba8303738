"""Templates to text, and a line of the text back to the line of its template."""

from provisioning.render.folders import packaged_folder, use_templates_of
from provisioning.render.lines import annotate, locate
from provisioning.render.template_line import TemplateLine
from provisioning.render.templates import OWNED, copied, render

__all__ = [
    "OWNED",
    "TemplateLine",
    "annotate",
    "copied",
    "locate",
    "packaged_folder",
    "render",
    "use_templates_of",
]
