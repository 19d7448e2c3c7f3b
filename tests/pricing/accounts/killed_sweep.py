"""A sweep that is killed before a statement: ``python -m ... URL INSTANT STATEMENT``."""

from __future__ import annotations

import os
import signal
import sys
from datetime import datetime
from functools import partial
from itertools import count

from sqlalchemy import event

from engine.database import open_database, transaction
from pricing.accounts.sweep import advance_all
from pricing.payments.gateway import REHEARSED_GATEWAY

PAGE = 6


def main() -> None:
    """Sweep until then; whoever is killed says nothing."""
    url, instant, last = sys.argv[1:]
    db = open_database(url)
    statements = count(1)

    @event.listens_for(db, "before_cursor_execute")
    def look(*_: object) -> None:
        if next(statements) == int(last):
            os.kill(os.getpid(), signal.SIGKILL)

    now = datetime.fromisoformat(instant)
    for _ in advance_all(partial(transaction, db), now, page=PAGE, gateway=REHEARSED_GATEWAY):
        pass


if __name__ == "__main__":
    main()
