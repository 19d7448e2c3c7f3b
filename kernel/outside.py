"""No call to the outside while a transaction is open: who waits for others holds up nobody.

A payment gateway, a cloud or a web server may take half a minute to answer. With a write
transaction open that would be half a minute in which nobody else writes to the books. Whoever opens
a transaction says so here, thread by thread, and whoever is about to call out asks here first.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager

from kernel.errors import InvariantBrokenError


class _OfThread(threading.local):
    """How many transactions a thread has open."""

    open = 0


_TRANSACTIONS = _OfThread()


class CalledInTransactionError(InvariantBrokenError):
    """Something outside was about to be called with a transaction open; facts: ``called``."""

    code = "called_in_transaction"


@contextmanager
def in_transaction() -> Iterator[None]:
    """This thread has a write transaction open meanwhile."""
    _TRANSACTIONS.open += 1
    try:
        yield
    finally:
        _TRANSACTIONS.open -= 1


def check_outside(called: str) -> None:
    """Refuse a call to the outside while this thread has a transaction open.

    Args:
        called: What is about to be called, for people.

    Raises:
        CalledInTransactionError: If one is open; nothing was called.
    """
    if _TRANSACTIONS.open:
        raise CalledInTransactionError(
            f"{called} would be called with a transaction open: everybody who writes would wait"
            " for its answer",
            called=called,
        )
