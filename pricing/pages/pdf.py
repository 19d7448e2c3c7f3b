"""A sheet as PDF, typeset by Typst: A4, with what is drawn in it and nothing of this machine.

The sheet's texts go into the template as data, never as markup: what a customer is called is
printed and not carried out. Fonts come with Typst; letters that they lack are taken from the
machine's own, where it has them.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import msgspec

from kernel.errors import BadInputError
from pricing.pages.sheet import Sheet

_TEMPLATE = Path(__file__).with_name("sheet.typ")


class NoPdfError(BadInputError):
    """What draws PDF files is not installed; facts: ``extra``."""

    code = "no_pdf"


def drawing() -> Any:  # noqa: ANN401 - a module of an extra
    """What draws PDF files; asked for before anything is looked up.

    Raises:
        NoPdfError: The extra ``pdf`` is not installed.
    """
    try:
        import typst
    except ImportError as error:
        raise NoPdfError(
            "PDF files are drawn by Typst, which is not here: pip install 'loadmuster[pdf]'",
            extra="pdf",
        ) from error
    return typst


def pdf_of(sheet: Sheet) -> bytes:
    """The sheet as a PDF/A-2 file, as archives want it; the same sheet gives the same file.

    Where no font here has one of its letters it is a plain PDF file, with a box for the letter.

    Raises:
        NoPdfError: The extra ``pdf`` is not installed.
    """
    typst = drawing()
    given: dict[str, Any] = {
        "root": _TEMPLATE.parent,
        "sys_inputs": {"sheet": msgspec.json.encode(sheet).decode()},
    }
    try:
        drawn: bytes = typst.compile(_TEMPLATE, pdf_standards=["a-2b"], **given)
    except typst.TypstError:
        # A letter that no font here has may not stand in a PDF/A file.
        drawn = typst.compile(_TEMPLATE, **given)
    return drawn
