"""A file that a command writes is none that it reads: not its source, nor what it keeps."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from kernel.files import check_apart

if TYPE_CHECKING:
    from loadmuster.cli.settings import Settings


def check_reads_stay(settings: Settings, out: Path | None, source: str | None = None) -> None:
    """Refuse to write over the command's source, the database, or the files of plans and rates.

    Args:
        settings: What the global options said.
        out: What is to be written; None: nothing is.
        source: What the command reads, as it was typed; None: no file.

    Raises:
        BadInputError: It is one of those, spelt otherwise or through links, too.
    """
    if out is None:
        return
    if source is not None:
        check_apart(out, Path(source), said=f"{out} is what is read")
    for what, kept in _kept(settings):
        check_apart(out, kept, said=f"{out} is {what}")


def _kept(settings: Settings) -> Iterator[tuple[str, Path]]:
    from sqlalchemy.engine import make_url
    from sqlalchemy.exc import ArgumentError

    from engine.database.connect import default_url
    from pricing.tariffs import rates_file

    yield "the file that plans are sold from", settings.plans_file()
    yield "the file of your contract rates", rates_file(os.environ)
    try:
        url = default_url() if settings.db is None else make_url(settings.db)
    except (ArgumentError, ValueError):
        return
    if url.get_backend_name() == "sqlite" and url.database:
        yield "the database", Path(url.database)
