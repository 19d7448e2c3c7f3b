"""One of many processes that want the last credits; a program of its own.

Prints ``ready``, waits for a line on standard input, tries to reserve and to charge each run that
it is given, and prints how each ended.
"""

from __future__ import annotations

import json
import sys
from datetime import datetime
from typing import Any

from sqlalchemy import Engine

from engine.database import open_database, transaction
from kernel.errors import RefusedError
from pricing.payments.gateway import REHEARSED_GATEWAY
from pricing.plans.quotes import quote_from_json
from pricing.run_charges.charges import charge_start, reserve


def attempt(db: Engine, wish: dict[str, Any], now: datetime) -> dict[str, Any]:
    try:
        with transaction(db) as conn:
            reserved = reserve(
                conn,
                wish["account"],
                wish["run"],
                quote_from_json(wish["quote"]),
                department=wish["department"],
                on_demand=quote_from_json(wish["money"]),
                now=now,
                payer=REHEARSED_GATEWAY,
            )
    except RefusedError as error:
        return {"code": error.code, **error.facts}
    with transaction(db) as conn:
        charge_start(conn, wish["run"], now=now, payer=REHEARSED_GATEWAY)
    return {"payer": reserved.payer.value}


def say(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


def main() -> None:
    task = json.loads(sys.stdin.readline())
    db = open_database(task["url"])
    say("ready")
    sys.stdin.readline()
    now = datetime.fromisoformat(task["now"])
    say(json.dumps([attempt(db, wish, now) for wish in task["wishes"]]))
    db.dispose()


if __name__ == "__main__":
    main()
