"""What an account with a million postings costs against one with a hundred, in the same books."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import count

from sqlalchemy import Connection, Engine, text

from benchmarks.databases import New, databases
from benchmarks.long_history import POSTINGS_A_RUN, write_history
from benchmarks.measure import Figure, in_turn, shown
from engine.database import transaction
from pricing.accounts.advance import advance
from pricing.accounts.opening import open_account
from pricing.accounts.view import account_view
from pricing.ledger.balances import balance
from pricing.ledger.issuing import issue_for_run
from pricing.payments.gateway import REHEARSED_GATEWAY
from pricing.plans.on_sale import BUNDLED_PLANS, load_plans
from pricing.plans.quotes import Unit, quote_run
from pricing.run_charges.charges import charge_start, reserve
from pricing.tariffs import LoadSize

OPENED = datetime(2025, 1, 25, 9, 15, tzinfo=UTC)
NOW = OPENED + timedelta(days=700)


@dataclass(frozen=True, slots=True)
class Sizes:
    """Postings of the two accounts, and how often each thing is done to them."""

    postings: int = 1_000_000
    few_postings: int = 100
    rounds: int = 100


def figures(sizes: Sizes | None = None) -> list[Figure]:
    """A balance, ``account show``, and a run's charge, on both kinds of database."""
    wanted = sizes or Sizes()
    with databases() as kinds:
        return [figure for kind, new in kinds.items() for figure in _figures_of(kind, new, wanted)]


def _figures_of(kind: str, new: New, sizes: Sizes) -> list[Figure]:
    db = new()
    _write(db, "long", sizes.postings)
    _write(db, "short", sizes.few_postings)
    if kind == "PostgreSQL":
        # As its own housekeeping does after so many rows.
        with db.begin() as conn:
            conn.execute(text("ANALYZE"))
    works: dict[str, Callable[[Connection, str, int], object]] = {
        "a balance": lambda conn, account_id, _: balance(conn, account_id, "revenue:use", Unit.USD),
        "`account show`": lambda conn, account_id, _: account_view(
            conn, account_id, NOW, gateway=REHEARSED_GATEWAY
        ),
        "a run reserved, charged and billed": _run,
    }
    found = []
    for name, work in works.items():
        numbers = count()
        with db.connect() as conn:
            long_s, short_s, ratio = in_turn(
                lambda: work(conn, "long", next(numbers)),  # noqa: B023 - called at once
                lambda: work(conn, "short", next(numbers)),  # noqa: B023 - called at once
                rounds=sizes.rounds,
            )
            conn.rollback()
        found.append(
            Figure(
                f"{name}, account with {sizes.postings:,} postings, {kind}",
                shown(long_s),
                f"account with {sizes.few_postings:,}, {shown(short_s)}",
                ratio,
                "at most 2",
            )
        )
    return found


def _write(db: Engine, account_id: str, postings: int) -> None:
    plan = load_plans(BUNDLED_PLANS)["starter"]
    with transaction(db) as conn:
        open_account(conn, account_id, plan, timezone="UTC", now=OPENED, gateway=REHEARSED_GATEWAY)
        write_history(conn, account_id, plan, postings // POSTINGS_A_RUN, at=OPENED)
    with transaction(db) as conn:
        advance(conn, account_id, NOW, gateway=REHEARSED_GATEWAY)


def _run(conn: Connection, account_id: str, number: int) -> None:
    """What a run of one minute on the account's plan does to the books."""
    run_id = f"{account_id}-new-{number}"
    quote = quote_run(
        load_plans(BUNDLED_PLANS)["starter"], LoadSize(injectors=1, users=100, duration_s=60)
    )
    reserve(conn, account_id, run_id, quote, now=NOW, gateway=REHEARSED_GATEWAY)
    charge_start(conn, run_id, now=NOW, gateway=REHEARSED_GATEWAY)
    issue_for_run(conn, run_id, NOW)
