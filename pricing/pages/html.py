"""A sheet as one HTML page that can be sent, read anywhere and printed: nothing is loaded."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from pricing.pages.sheet import Sheet

if TYPE_CHECKING:
    from jinja2 import Template

_TEMPLATE = Path(__file__).with_name("sheet.html.jinja")


def html_of(sheet: Sheet) -> str:
    """The page. All text is escaped, whatever it holds."""
    return _template().render(sheet=sheet)


@cache
def _template() -> Template:
    """The page's template; a name that it does not know is an error, not an empty place."""
    from jinja2 import Environment, FileSystemLoader, StrictUndefined

    environment = Environment(
        loader=FileSystemLoader(_TEMPLATE.parent),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    return environment.get_template(_TEMPLATE.name)
