"""``-`` in the place of a file of columns: what is piped in, kept in a file while it is read."""

from __future__ import annotations

import shutil
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from kernel.errors import BadInputError

STANDARD_INPUT = "-"
_ENDINGS = {b"PAR1": ".parquet", b"ARROW1": ".arrow"}
"""By the first bytes; what begins otherwise is CSV."""


@contextmanager
def table_file(source: str | Path) -> Iterator[Path]:
    """The file itself; of ``-`` one that holds standard input, as long as the context lasts.

    Raises:
        BadInputError: Standard input is closed.
    """
    if str(source) != STANDARD_INPUT:
        yield Path(source)
        return
    with tempfile.TemporaryDirectory(prefix="loadmuster-") as folder:
        kept = Path(folder) / "standard-input"
        try:
            with kept.open("wb") as file:
                shutil.copyfileobj(sys.stdin.buffer, file)
        except (AttributeError, ValueError) as error:
            raise BadInputError(
                "standard input: cannot be read: it is closed; pipe a file of columns into it"
            ) from error
        with kept.open("rb") as file:
            begins = file.read(max(map(len, _ENDINGS)))
        ending = next((end for magic, end in _ENDINGS.items() if begins.startswith(magic)), ".csv")
        table = kept.rename(kept.with_suffix(ending))
        try:
            yield table
        except BadInputError as error:
            # Nobody gave a file of that name.
            error.message = error.message.replace(str(table), "standard input")
            error.facts = {**error.facts, "file": "standard input"}
            raise
