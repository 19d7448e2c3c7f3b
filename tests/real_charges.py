"""Rehearsed clouds whose runs are charged for real: how charging is tried without a real cloud.

A rehearsal touches no books. What must hold of real charges under kills, crashes, takeovers and
retries is held with runs on rehearsed clouds that are accepted as if those clouds were real. From
then on the record says which books a run is charged in, so whoever drives it, in whatever process,
is the product as it is.

In a test: ``with charged_for_real():``. The command line like that, in a process of its own:
``python -m tests.real_charges run ...``.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from unittest.mock import patch

from pricing.run_charges import books


@contextmanager
def charged_for_real() -> Iterator[None]:
    """Runs that are accepted meanwhile are charged in the real books, wherever they go."""
    with patch.object(books, "books_for", lambda *, rehearsal: books.REAL):  # noqa: ARG005
        yield


if __name__ == "__main__":
    from loadmuster.cli.main import main

    with charged_for_real():
        main(sys.argv[1:])
