"""Runs meet money: reserve, charge at the start, correct."""

from __future__ import annotations

import threading
from collections.abc import Callable
from datetime import date, datetime, timedelta

import pytest
from msgspec.structs import replace
from sqlalchemy import Connection, Engine, select

from engine.database import open_database, transaction
from kernel.errors import InvariantBrokenError, LoadmusterError
from pricing.accounts.account import UnknownAccountError
from pricing.accounts.view import account_view
from pricing.ledger.ledger import NaturalKeyConflictError, balance, entries, entries_of
from pricing.ledger.reservations import ReservationStateError
from pricing.payments.gateway import REHEARSED_GATEWAY
from pricing.plans.model import Plan
from pricing.plans.quotes import Quote, Unit, runs_within
from pricing.run_charges.charges import (
    Bill,
    CorrectionOutOfRangeError,
    InsufficientCreditsError,
    QuoteOutdatedError,
    bill_of,
    charge_start,
    correct,
    reserve,
    void_reservation,
)
from pricing.tables import RESERVATIONS
from pricing.tariffs import CancellationPolicy

QuoteOf = Callable[[Plan, int, int], Quote]


def run(conn: Connection, account_id: str, run_id: str, quote: Quote, now: datetime) -> None:
    """Accept a run and launch it."""
    reserve(conn, account_id, run_id, quote, now=now, gateway=REHEARSED_GATEWAY)
    charge_start(conn, run_id, now=now, gateway=REHEARSED_GATEWAY)


def credits_left(conn: Connection, account_id: str, now: datetime) -> tuple[int, int]:
    """LI-minutes left, and how many of them are reserved."""
    view = account_view(conn, account_id, now, gateway=REHEARSED_GATEWAY)
    return view.balance_li_minutes, view.reserved_li_minutes


def test_r1_on_demand_a_run_is_one_charge_taken_at_its_start(
    db: Engine, globex: str, on_demand: Plan, quote_of: QuoteOf, now: datetime
) -> None:
    quote = quote_of(on_demand, 10, 8)
    with transaction(db) as conn:
        reserve(conn, globex, "r1", quote, now=now, gateway=REHEARSED_GATEWAY)
        assert bill_of(conn, "r1") is None
        assert entries(conn, globex) == ()
        charge_start(conn, "r1", now=now, gateway=REHEARSED_GATEWAY)
        (charge,) = entries(conn, globex)
        charged = account_view(conn, globex, now, gateway=REHEARSED_GATEWAY).charged_usd_micros
    assert charged == quote.total > 0
    assert [(p.ledger_account, p.unit, p.amount) for p in charge.postings] == [
        ("receivable", Unit.USD, quote.total),
        ("revenue:start-up", Unit.USD, -quote.startup),
        ("revenue:use", Unit.USD, -quote.use),
    ]
    assert "r1" in charge.description
    assert quote.tariff_version.isoformat() in charge.description


def test_r29_on_a_subscription_the_quoted_li_minutes_are_debited_at_the_start(
    db: Engine, acme: str, starter: Plan, quote_of: QuoteOf, now: datetime
) -> None:
    with transaction(db) as conn:
        reserve(conn, acme, "r1", quote_of(starter, 10, 6), now=now, gateway=REHEARSED_GATEWAY)
        assert credits_left(conn, acme, now) == (1_800, 60)
        charge_start(conn, "r1", now=now, gateway=REHEARSED_GATEWAY)
        assert credits_left(conn, acme, now) == (1_740, 0)
        assert [p.amount for p in entries_of(conn, "run:r1")[0].postings] == [-60, 50, 10]
        assert (
            account_view(conn, acme, now, gateway=REHEARSED_GATEWAY).charged_usd_micros
            == 199_000_000
        )


def test_r31_starter_grants_1800_li_minutes(db: Engine, acme: str, now: datetime) -> None:
    with transaction(db) as conn:
        assert credits_left(conn, acme, now) == (1_800, 0)


def test_r32_w4_thirty_runs_of_60_li_minutes_then_the_31st_is_refused(
    db: Engine, acme: str, starter: Plan, quote_of: QuoteOf, now: datetime
) -> None:
    quote = quote_of(starter, 10, 6)
    assert quote.total == 60
    with transaction(db) as conn:
        assert runs_within(1_800, quote.total) == 30
        for number in range(30):
            run(conn, acme, f"r{number}", quote, now)
        assert credits_left(conn, acme, now) == (0, 0)
    with pytest.raises(InsufficientCreditsError) as refused, transaction(db) as conn:
        reserve(conn, acme, "r30", quote, now=now, gateway=REHEARSED_GATEWAY)
    facts = {"account": acme, "needed": 60, "available": 0}
    assert refused.value.facts == facts | {"remedies": "boost, extra-credits"}


def test_w4_with_a_second_month_rolled_over_sixty_runs_pass(
    db: Engine, acme: str, starter: Plan, quote_of: QuoteOf, now: datetime
) -> None:
    later = now + timedelta(days=31)
    with transaction(db) as conn:
        for number in range(60):
            run(conn, acme, f"r{number}", quote_of(starter, 10, 6), later)
        with pytest.raises(InsufficientCreditsError):
            reserve(
                conn, acme, "r60", quote_of(starter, 10, 6), now=later, gateway=REHEARSED_GATEWAY
            )


def test_w4_of_61_li_minutes_only_29_runs_pass(
    db: Engine, acme: str, starter: Plan, quote_of: QuoteOf, now: datetime
) -> None:
    quote = replace(quote_of(starter, 10, 6), use=11, li_minutes=61)
    with transaction(db) as conn:
        for number in range(29):
            run(conn, acme, f"r{number}", quote, now)
        with pytest.raises(InsufficientCreditsError) as refused:
            reserve(conn, acme, "r29", quote, now=now, gateway=REHEARSED_GATEWAY)
    assert refused.value.facts["available"] == 1_800 - 29 * 61


def test_reservations_count_before_they_are_charged(
    db: Engine, acme: str, starter: Plan, quote_of: QuoteOf, now: datetime
) -> None:
    with transaction(db) as conn:
        reserve(conn, acme, "big", quote_of(starter, 100, 17), now=now, gateway=REHEARSED_GATEWAY)
        with pytest.raises(InsufficientCreditsError) as refused:
            reserve(
                conn, acme, "more", quote_of(starter, 100, 5), now=now, gateway=REHEARSED_GATEWAY
            )
    assert refused.value.facts["available"] == 100


def test_a_refused_run_changes_nothing(
    db: Engine, acme: str, starter: Plan, quote_of: QuoteOf, now: datetime
) -> None:
    with transaction(db) as conn:
        with pytest.raises(InsufficientCreditsError):
            reserve(
                conn, acme, "r1", quote_of(starter, 100, 19), now=now, gateway=REHEARSED_GATEWAY
            )
        assert credits_left(conn, acme, now) == (1_800, 0)
        with pytest.raises(ReservationStateError):
            charge_start(conn, "r1", now=now, gateway=REHEARSED_GATEWAY)
        reserve(conn, acme, "r1", quote_of(starter, 100, 18), now=now, gateway=REHEARSED_GATEWAY)


def test_a_run_that_is_not_launched_costs_nothing(
    db: Engine, acme: str, starter: Plan, quote_of: QuoteOf, now: datetime
) -> None:
    with transaction(db) as conn:
        before = entries(conn, acme)
        reserve(conn, acme, "r1", quote_of(starter, 10, 6), now=now, gateway=REHEARSED_GATEWAY)
        void_reservation(conn, "r1", now=now, gateway=REHEARSED_GATEWAY)
        assert credits_left(conn, acme, now) == (1_800, 0)
        assert entries(conn, acme) == before
        assert bill_of(conn, "r1") is None


def test_each_function_called_twice_acts_once(
    db: Engine, acme: str, starter: Plan, quote_of: QuoteOf, now: datetime
) -> None:
    quote = quote_of(starter, 10, 6)
    steps: list[Callable[[Connection], object]] = [
        lambda conn: reserve(conn, acme, "r1", quote, now=now, gateway=REHEARSED_GATEWAY),
        lambda conn: charge_start(conn, "r1", now=now, gateway=REHEARSED_GATEWAY),
        lambda conn: correct(
            conn, "r1", keep_startup=50, keep_use=3, reason="x", now=now, gateway=REHEARSED_GATEWAY
        ),
        lambda conn: reserve(conn, acme, "r1", quote, now=now, gateway=REHEARSED_GATEWAY),
        lambda conn: charge_start(conn, "r1", now=now, gateway=REHEARSED_GATEWAY),
        lambda conn: reserve(conn, acme, "r2", quote, now=now, gateway=REHEARSED_GATEWAY),
        lambda conn: void_reservation(conn, "r2", now=now, gateway=REHEARSED_GATEWAY),
        lambda conn: reserve(conn, acme, "r2", quote, now=now, gateway=REHEARSED_GATEWAY),
    ]
    for step in steps:
        seen = set()
        for _ in range(3):
            with transaction(db) as conn:
                step(conn)
            with transaction(db) as conn:
                state = (entries(conn, acme), credits_left(conn, acme, now))
            seen.add(state)
        assert len(seen) == 1
    with transaction(db) as conn:
        assert credits_left(conn, acme, now) == (1_800 - 53, 0)


def test_r10_a_cancel_keeps_the_start_up_and_returns_of_the_use_what_is_not_kept(
    db: Engine, globex: str, on_demand: Plan, quote_of: QuoteOf, now: datetime
) -> None:
    quote = quote_of(on_demand, 10, 10)
    kept = 1_000_000
    later = now + timedelta(minutes=7)
    with transaction(db) as conn:
        run(conn, globex, "r1", quote, now)
        correct(
            conn,
            "r1",
            keep_startup=quote.startup,
            keep_use=kept,
            reason="cancelled after 390 s",
            now=later,
            gateway=REHEARSED_GATEWAY,
        )
        *_, correction, _ = entries(conn, globex)
        assert bill_of(conn, "r1") == Bill(
            unit=Unit.USD,
            startup=quote.startup,
            use=kept,
            li_minutes=bill_li_minutes(quote, kept),
            policy=CancellationPolicy.STARTUP_THEN_USED,
            tariff_version=quote.tariff_version,
            corrected=True,
        )
        assert balance(conn, globex, "cash", Unit.USD) == quote.total
        assert balance(conn, globex, "receivable", Unit.USD) == 0
        assert balance(conn, globex, "credit", Unit.USD) == kept - quote.use
    assert correction.effective_at == later
    assert correction.description == "r1, correction: cancelled after 390 s"
    assert [p.ledger_account for p in correction.postings] == ["receivable", "revenue:use"]


def bill_li_minutes(quote: Quote, kept_use: int) -> int:
    use_li_minutes = quote.li_minutes - quote.startup_li_minutes
    return quote.startup_li_minutes + round(use_li_minutes * kept_use / quote.use)


def test_a_run_that_completes_needs_no_second_transaction(
    db: Engine, globex: str, on_demand: Plan, quote_of: QuoteOf, now: datetime
) -> None:
    quote = quote_of(on_demand, 10, 10)
    with transaction(db) as conn:
        run(conn, globex, "r1", quote, now)
        correct(
            conn,
            "r1",
            keep_startup=quote.startup,
            keep_use=quote.use,
            reason="done",
            now=now,
            gateway=REHEARSED_GATEWAY,
        )
        keys = [entry.natural_key for entry in entries(conn, globex)]
        assert keys == ["run:r1:start", "run:r1:payment"]
        bill = bill_of(conn, "r1")
    assert bill is not None
    assert (bill.total, bill.li_minutes, bill.corrected) == (quote.total, 100, False)


def test_a_run_within_the_floor_has_one_line(
    db: Engine, globex: str, on_demand: Plan, quote_of: QuoteOf, now: datetime
) -> None:
    quote = replace(quote_of(on_demand, 10, 3), use=0)
    with transaction(db) as conn:
        run(conn, globex, "r1", quote, now)
        (charge,) = entries(conn, globex)
        bill = bill_of(conn, "r1")
    assert [p.ledger_account for p in charge.postings] == ["receivable", "revenue:start-up"]
    assert bill is not None
    assert (bill.use, bill.li_minutes) == (0, 50)


def test_a_failure_of_ours_returns_everything(
    db: Engine, acme: str, starter: Plan, quote_of: QuoteOf, now: datetime
) -> None:
    with transaction(db) as conn:
        run(conn, acme, "r1", quote_of(starter, 10, 6), now)
        correct(
            conn,
            "r1",
            keep_startup=0,
            keep_use=0,
            reason="no capacity",
            now=now,
            gateway=REHEARSED_GATEWAY,
        )
        assert credits_left(conn, acme, now) == (1_800, 0)
        bill = bill_of(conn, "r1")
    assert bill is not None
    assert (bill.total, bill.li_minutes, bill.corrected) == (0, 0, True)


def test_a_rehearsal_that_an_earlier_version_charged_says_so_in_the_books(
    db: Engine, globex: str, on_demand: Plan, quote_of: QuoteOf, now: datetime
) -> None:
    with transaction(db) as conn:
        reserve(conn, globex, "r1", quote_of(on_demand, 1, 6), now=now, gateway=REHEARSED_GATEWAY)
        row = conn.execute(select(RESERVATIONS)).one()._asdict()
        conn.execute(RESERVATIONS.insert().values(row | {"run_id": "r2", "rehearsal": True}))
        charge_start(conn, "r2", now=now, gateway=REHEARSED_GATEWAY)
        assert entries(conn, globex)[0].description.startswith("r2 (rehearsal)")


def test_a_run_is_charged_after_what_was_due_before_it(
    db: Engine, acme: str, starter: Plan, quote_of: QuoteOf, now: datetime
) -> None:
    with transaction(db) as conn:
        reserve(conn, acme, "r1", quote_of(starter, 10, 6), now=now, gateway=REHEARSED_GATEWAY)
        charge_start(conn, "r1", now=now + timedelta(days=40), gateway=REHEARSED_GATEWAY)
        keys = [entry.natural_key for entry in entries(conn, acme)]
        instants = [entry.effective_at for entry in entries(conn, acme)]
    assert keys[3:] == [
        "subscription:1:period:1:charge",
        "subscription:1:period:1:payment",
        "subscription:1:period:1:grant",
        "run:r1:start",
    ]
    assert instants == sorted(instants)


def test_a_run_is_billed_even_by_a_clock_that_lags(
    db: Engine, acme: str, starter: Plan, quote_of: QuoteOf, now: datetime
) -> None:
    with transaction(db) as conn:
        reserve(conn, acme, "r1", quote_of(starter, 10, 6), now=now, gateway=REHEARSED_GATEWAY)
        account_view(conn, acme, now + timedelta(hours=1), gateway=REHEARSED_GATEWAY)
        charge_start(conn, "r1", now=now, gateway=REHEARSED_GATEWAY)
        assert entries(conn, acme)[-1].effective_at == now + timedelta(hours=1)


def test_the_books_stop_at_what_cannot_be(
    db: Engine, acme: str, starter: Plan, quote_of: QuoteOf, now: datetime
) -> None:
    quote = quote_of(starter, 10, 6)
    with transaction(db) as conn:
        reserve(conn, acme, "open", quote, now=now, gateway=REHEARSED_GATEWAY)
        run(conn, acme, "posted", quote, now)
        correct(
            conn,
            "posted",
            keep_startup=50,
            keep_use=5,
            reason="cancelled",
            now=now,
            gateway=REHEARSED_GATEWAY,
        )
        reserve(conn, acme, "void", quote, now=now, gateway=REHEARSED_GATEWAY)
        void_reservation(conn, "void", now=now, gateway=REHEARSED_GATEWAY)
        before = entries(conn, acme)

    def keep(run_id: str, startup: int, use: int) -> Callable[[Connection], None]:
        return lambda conn: correct(
            conn,
            run_id,
            keep_startup=startup,
            keep_use=use,
            reason="x",
            now=now,
            gateway=REHEARSED_GATEWAY,
        )

    impossible: list[tuple[Callable[[Connection], object], type[LoadmusterError]]] = [
        (
            lambda conn: charge_start(conn, "void", now=now, gateway=REHEARSED_GATEWAY),
            ReservationStateError,
        ),
        (
            lambda conn: charge_start(conn, "never", now=now, gateway=REHEARSED_GATEWAY),
            ReservationStateError,
        ),
        (
            lambda conn: void_reservation(conn, "posted", now=now, gateway=REHEARSED_GATEWAY),
            ReservationStateError,
        ),
        (
            lambda conn: void_reservation(conn, "never", now=now, gateway=REHEARSED_GATEWAY),
            ReservationStateError,
        ),
        (keep("open", 50, 5), ReservationStateError),
        (keep("posted", 51, 10), CorrectionOutOfRangeError),
        (keep("posted", 50, 11), CorrectionOutOfRangeError),
        (keep("posted", 50, -1), CorrectionOutOfRangeError),
        (keep("posted", 50, 6), NaturalKeyConflictError),
        (
            lambda conn: reserve(
                conn, acme, "open", quote_of(starter, 10, 7), now=now, gateway=REHEARSED_GATEWAY
            ),
            NaturalKeyConflictError,
        ),
    ]
    for command, error in impossible:
        assert issubclass(error, InvariantBrokenError)
        with pytest.raises(error), transaction(db) as conn:
            command(conn)
    with db.connect() as conn:
        assert entries(conn, acme) == before


def test_a_quote_of_another_plan_is_refused(
    db: Engine, acme: str, on_demand: Plan, quote_of: QuoteOf, now: datetime
) -> None:
    with pytest.raises(QuoteOutdatedError, match="quote again"), transaction(db) as conn:
        reserve(conn, acme, "r1", quote_of(on_demand, 1, 6), now=now, gateway=REHEARSED_GATEWAY)


def test_a_run_of_nobody_is_refused(
    db: Engine, on_demand: Plan, quote_of: QuoteOf, now: datetime
) -> None:
    with pytest.raises(UnknownAccountError), transaction(db) as conn:
        reserve(conn, "nobody", "r1", quote_of(on_demand, 1, 6), now=now, gateway=REHEARSED_GATEWAY)


def test_the_bill_carries_the_tariff_version_that_was_quoted(
    db: Engine, globex: str, on_demand: Plan, quote_of: QuoteOf, now: datetime
) -> None:
    quote = replace(quote_of(on_demand, 1, 6), tariff_version=date(2020, 2, 29))
    with transaction(db) as conn:
        run(conn, globex, "r1", quote, now)
        bill = bill_of(conn, "r1")
    assert bill is not None
    assert bill.tariff_version == date(2020, 2, 29)


def test_of_two_runs_on_the_last_credits_one_wins(
    database_url: str, acme: str, starter: Plan, quote_of: QuoteOf, now: datetime
) -> None:
    engine = open_database(database_url)
    with transaction(engine) as conn:
        run(conn, acme, "before", quote_of(starter, 100, 17), now)
    together = threading.Barrier(2)
    outcomes = []

    def start(run_id: str) -> None:
        together.wait()
        try:
            with transaction(engine) as conn:
                run(conn, acme, run_id, quote_of(starter, 10, 10), now)
            outcomes.append("runs")
        except InsufficientCreditsError as error:
            outcomes.append(f"refused, {error.facts['available']} left")

    threads = [threading.Thread(target=start, args=(name,)) for name in ("a", "b")]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(outcomes) == ["refused, 0 left", "runs"]
    with transaction(engine) as conn:
        assert credits_left(conn, acme, now) == (0, 0)
    engine.dispose()


def test_a_crash_after_the_charge_leaves_the_run_reserved_and_uncharged(
    db: Engine, acme: str, starter: Plan, quote_of: QuoteOf, now: datetime
) -> None:
    class CrashError(Exception):
        pass

    def charge_and_crash() -> None:
        with transaction(db) as conn:
            charge_start(conn, "r1", now=now, gateway=REHEARSED_GATEWAY)
            raise CrashError

    with transaction(db) as conn:
        reserve(conn, acme, "r1", quote_of(starter, 10, 6), now=now, gateway=REHEARSED_GATEWAY)
    with pytest.raises(CrashError):
        charge_and_crash()
    with transaction(db) as conn:
        assert credits_left(conn, acme, now) == (1_800, 60)
        charge_start(conn, "r1", now=now, gateway=REHEARSED_GATEWAY)
        assert credits_left(conn, acme, now) == (1_740, 0)
