"""Accounts: opened once, renewed exactly once a period."""

from __future__ import annotations

import sqlite3
import threading
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from msgspec.structs import replace
from sqlalchemy import Engine, func, select

from engine.database import open_database, transaction
from kernel.errors import BadInputError, RequestConflictError
from pricing.accounts.account import (
    CLOCK_TOLERANCE,
    UnknownAccountError,
    find_account,
    list_accounts,
)
from pricing.accounts.advance import ClockBackwardsError, advance, catch_up
from pricing.accounts.opened_with import AccountConflictError
from pricing.accounts.opening import BadAccountIdError, open_account
from pricing.accounts.overdue import set_card
from pricing.accounts.view import AccountView, account_view
from pricing.ledger.invoices import list_invoices
from pricing.ledger.ledger import Transaction, entries
from pricing.payments.gateway import REHEARSED_GATEWAY
from pricing.periods import UnknownTimezoneError
from pricing.plans.channels import Channel
from pricing.plans.model import Plan
from pricing.plans.on_sale import BUNDLED_PLANS, load_plans
from pricing.subscriptions.subscriptions import MOST_PERIODS_AT_ONCE, ClockTooFarAheadError
from pricing.tables import ACCOUNTS, PERIODS

PARIS = ZoneInfo("Europe/Paris")


def view(db: Engine, account_id: str, at: datetime) -> AccountView:
    with transaction(db) as conn:
        return account_view(conn, account_id, at, gateway=REHEARSED_GATEWAY)


def charges(db: Engine, account_id: str) -> list[tuple[str, int]]:
    """Day (in Paris) and micro-dollars of each subscription charge."""
    with db.connect() as conn:
        written = entries(conn, account_id)
    return [
        (f"{entry.effective_at.astimezone(PARIS):%Y-%m-%d %H:%M}", posting.amount)
        for entry in written
        for posting in entry.postings
        if posting.ledger_account == "receivable" and posting.amount > 0
    ]


def timeless(written: tuple[Transaction, ...]) -> list[Transaction]:
    """Transactions whenever they were written."""
    return [replace(entry, recorded_at=entry.effective_at) for entry in written]


def test_w1_25_january_exactly(db: Engine, acme: str, now: datetime) -> None:
    opened = view(db, acme, now)
    assert opened.period is not None
    assert opened.next_charge is not None
    assert opened.period.first_day.isoformat() == "2027-01-25"
    assert opened.period.last_day.isoformat() == "2027-02-24"
    assert opened.balance_li_minutes == 1_800
    assert opened.charged_usd_micros == 199_000_000
    assert opened.next_charge.at == datetime(2027, 2, 25, tzinfo=PARIS)
    assert opened.next_charge.usd_micros == 199_000_000

    before = view(db, acme, datetime(2027, 2, 24, 23, 59, 59, tzinfo=PARIS))
    assert before.balance_li_minutes == 1_800

    renewed = view(db, acme, datetime(2027, 2, 25, tzinfo=PARIS))
    assert renewed.period is not None
    assert renewed.period.first_day.isoformat() == "2027-02-25"
    assert renewed.period.last_day.isoformat() == "2027-03-24"
    assert renewed.balance_li_minutes == 3_600
    assert charges(db, acme) == [
        ("2027-01-25 10:15", 199_000_000),
        ("2027-02-25 00:00", 199_000_000),
    ]


def test_r16_charged_on_the_25th_of_every_month_however_late_anybody_looks(
    db: Engine, acme: str
) -> None:
    view(db, acme, datetime(2027, 12, 24, 12, tzinfo=PARIS))
    days = [day for day, _ in charges(db, acme)][1:]
    assert days == [f"2027-{month:02d}-25 00:00" for month in range(2, 12)]


def test_r19_r20_everything_is_granted_once_at_the_start_of_each_cycle(
    db: Engine, acme: str
) -> None:
    lots = view(db, acme, datetime(2027, 3, 30, tzinfo=PARIS)).lots
    assert [(lot.amount, lot.effective_at.astimezone(PARIS).isoformat()) for lot in lots] == [
        (1_800, "2027-01-25T10:15:00+01:00"),
        (1_800, "2027-02-25T00:00:00+01:00"),
        (1_800, "2027-03-25T00:00:00+01:00"),
    ]


def test_r21_r23_unused_credits_roll_over_without_a_cap(db: Engine, acme: str) -> None:
    late = view(db, acme, datetime(2031, 1, 24, 23, tzinfo=PARIS))
    assert late.balance_li_minutes == 48 * 1_800
    assert late.charged_usd_micros == 48 * 199_000_000


def test_without_rollover_credits_end_with_their_period(
    db: Engine, starter: Plan, now: datetime
) -> None:
    with transaction(db) as conn:
        open_account(
            conn,
            "acme",
            replace(starter, rollover=False),
            timezone="UTC",
            now=now,
            gateway=REHEARSED_GATEWAY,
        )
    (lot,) = view(db, "acme", datetime(2027, 2, 24, 23, 59, tzinfo=UTC)).lots
    assert lot.expires_at == datetime(2027, 2, 25, tzinfo=UTC)
    renewed = view(db, "acme", datetime(2027, 2, 25, tzinfo=UTC))
    assert renewed.balance_li_minutes == 1_800
    assert renewed.lots[0].id != lot.id


def test_r17_r22_a_legacy_account_is_charged_and_granted_on_the_first(
    db: Engine, starter: Plan, now: datetime
) -> None:
    with transaction(db) as conn:
        open_account(
            conn,
            "old",
            starter,
            timezone="Europe/Paris",
            activated_at=datetime(2021, 10, 11, 12, tzinfo=PARIS),
            now=now,
            gateway=REHEARSED_GATEWAY,
        )
    later = view(db, "old", datetime(2027, 3, 1, tzinfo=PARIS))
    assert charges(db, "old") == [
        ("2027-01-25 10:15", 199_000_000),
        ("2027-02-01 00:00", 199_000_000),
        ("2027-03-01 00:00", 199_000_000),
    ]
    assert later.balance_li_minutes == 3 * 1_800


@pytest.mark.parametrize(("activated_day", "billing_day"), [(11, "01"), (12, "12")])
def test_r18_w9_the_activation_decides_by_the_day(
    db: Engine, starter: Plan, activated_day: int, billing_day: str
) -> None:
    activated_at = datetime(2021, 10, activated_day, 8, tzinfo=PARIS)
    with transaction(db) as conn:
        open_account(
            conn,
            "old",
            starter,
            timezone="Europe/Paris",
            now=activated_at,
            gateway=REHEARSED_GATEWAY,
        )
    view(db, "old", datetime(2022, 1, 15, tzinfo=PARIS))
    assert [day for day, _ in charges(db, "old")] == [
        f"2021-10-{activated_day} 08:00",
        f"2021-11-{billing_day} 00:00",
        f"2021-12-{billing_day} 00:00",
        f"2022-01-{billing_day} 00:00",
    ]


@pytest.mark.parametrize(
    ("day", "zone"),
    [(28, "Europe/Paris"), (29, "America/Los_Angeles"), (30, "Africa/Cairo"), (31, "Asia/Kolkata")],
)
def test_48_months_are_48_charges_and_48_grants(
    db: Engine, starter: Plan, day: int, zone: str
) -> None:
    start = datetime(2027, 1, day, 23, 30, tzinfo=ZoneInfo(zone))
    with transaction(db) as conn:
        open_account(conn, "acme", starter, timezone=zone, now=start, gateway=REHEARSED_GATEWAY)
    end = view(db, "acme", datetime(2030, 12, 31, 23, 45, tzinfo=ZoneInfo(zone)))
    assert len(charges(db, "acme")) == len(end.lots) == 48
    with db.connect() as conn:
        assert len(list_invoices(conn, "acme")) == 48


@pytest.mark.parametrize(
    "zone", ["UTC", "Europe/Paris", "America/Los_Angeles", "Asia/Kolkata", "Pacific/Auckland"]
)
def test_whatever_the_hour_one_looks_a_boundary_charges_once(
    db: Engine, starter: Plan, zone: str
) -> None:
    boundary = datetime(2027, 3, 28, tzinfo=ZoneInfo(zone)).astimezone(UTC)
    with transaction(db) as conn:
        start = datetime(2027, 2, 28, tzinfo=ZoneInfo(zone))
        open_account(conn, "acme", starter, timezone=zone, now=start, gateway=REHEARSED_GATEWAY)
        for hours in range(-26, 27):
            at = boundary + timedelta(hours=hours)
            expected = 1_800 if at < boundary else 3_600
            assert (
                account_view(conn, "acme", at, gateway=REHEARSED_GATEWAY).balance_li_minutes
                == expected
            )


def test_advancing_in_steps_is_advancing_at_once(db: Engine, starter: Plan, now: datetime) -> None:
    with transaction(db) as conn:
        for name in ("steps", "once"):
            open_account(
                conn, name, starter, timezone="Europe/Paris", now=now, gateway=REHEARSED_GATEWAY
            )
        for week in range(30):
            advance(conn, "steps", now + timedelta(weeks=week), gateway=REHEARSED_GATEWAY)
        advance(conn, "once", now + timedelta(weeks=29), gateway=REHEARSED_GATEWAY)
        steps, once = (timeless(entries(conn, name)) for name in ("steps", "once"))
    assert [(e.effective_at, e.description) for e in steps] == [
        (e.effective_at, e.description) for e in once
    ]
    assert [p.amount for e in steps for p in e.postings] == [
        p.amount for e in once for p in e.postings
    ]


def test_on_demand_nothing_happens_by_the_month(db: Engine, globex: str, now: datetime) -> None:
    later = view(db, globex, now + timedelta(days=400))
    assert (later.period, later.lots, later.charged_usd_micros, later.next_charge) == (
        None,
        (),
        0,
        None,
    )
    with db.connect() as conn:
        assert entries(conn, globex) == ()


def test_opening_again_with_the_same_content_is_answered_the_same(
    db: Engine, acme: str, starter: Plan, now: datetime
) -> None:
    with transaction(db) as conn:
        before = entries(conn, acme)
        again = open_account(
            conn,
            acme,
            starter,
            timezone="Europe/Paris",
            now=now + timedelta(hours=1),
            gateway=REHEARSED_GATEWAY,
        )
        assert again == find_account(conn, acme)
        assert again.opened_at == now
        assert entries(conn, acme) == before


def test_opening_again_with_other_content_is_a_conflict(
    db: Engine, acme: str, starter: Plan, on_demand: Plan, now: datetime
) -> None:
    for plan, zone, activated_at in (
        (on_demand, "Europe/Paris", None),
        (starter, "UTC", None),
        (starter, "Europe/Paris", now - timedelta(days=3)),
    ):
        with pytest.raises(AccountConflictError) as refused, transaction(db) as conn:
            open_account(
                conn,
                acme,
                plan,
                timezone=zone,
                activated_at=activated_at,
                now=now,
                gateway=REHEARSED_GATEWAY,
            )
        assert refused.value.facts["plan"] == "starter"


OTHERWISE: dict[str, tuple[dict[str, Any], str]] = {
    "plan": ({"plan": "professional"}, "plan starter, not professional"),
    "timezone": ({"timezone": "UTC"}, "time zone Europe/Paris, not UTC"),
    "activated": (
        {"activated_at": datetime(2027, 1, 22, 9, tzinfo=UTC)},
        "activated 2027-01-25 09:15 UTC, not 2027-01-22 09:00 UTC",
    ),
    "channel": ({"channel": Channel.INVOICE, "card": None}, "pays by card, not invoice"),
    "card": ({"card": "visa"}, "another card on file"),
    "administrator": ({"administrators": ["eve"]}, "administrators ann, not eve"),
}


@pytest.mark.parametrize("differs", OTHERWISE)
def test_what_another_opening_differs_in_is_named(
    db: Engine, starter: Plan, now: datetime, differs: str
) -> None:
    opened: dict[str, Any] = {
        "plan": starter.name,
        "timezone": "Europe/Paris",
        "card": "master",
        "administrators": ["ann"],
    }
    changed, said = OTHERWISE[differs]
    plans = load_plans(BUNDLED_PLANS)

    def opening(wanted: dict[str, Any]) -> None:
        with transaction(db) as conn:
            content = {**wanted, "plan": plans[wanted["plan"]]}
            open_account(conn, "new", **content, now=now, gateway=REHEARSED_GATEWAY)

    opening(opened)
    opening(opened)
    with pytest.raises(AccountConflictError) as refused:
        opening({**opened, **changed})
    assert refused.value.message == f"account new is open already, and otherwise: {said}"
    assert refused.value.facts["differs"] == differs
    with transaction(db) as conn:
        set_card(conn, "new", "visa", now=now, request_id="c", gateway=REHEARSED_GATEWAY)
    opening(opened)


def test_a_request_id_stands_for_one_request(db: Engine, starter: Plan, now: datetime) -> None:
    def request(zone: str) -> None:
        with transaction(db) as conn:
            open_account(
                conn,
                "acme",
                starter,
                timezone=zone,
                now=now,
                request_id="r-1",
                gateway=REHEARSED_GATEWAY,
            )

    request("UTC")
    request("UTC")
    with pytest.raises(RequestConflictError, match="use a new id"):
        request("Europe/Paris")
    assert len(charges(db, "acme")) == 1


@pytest.mark.parametrize("account_id", ["", " ", "a b", "-a", "é", "a" * 65, "a\n", "a/b", "a:b"])
def test_a_bad_account_id_is_refused(
    db: Engine, starter: Plan, now: datetime, account_id: str
) -> None:
    with pytest.raises(BadAccountIdError, match="1-64 letters"), transaction(db) as conn:
        open_account(conn, account_id, starter, timezone="UTC", now=now, gateway=REHEARSED_GATEWAY)
    with db.connect() as conn:
        assert list_accounts(conn) == ()


def test_a_bad_time_zone_or_activation_is_refused(db: Engine, starter: Plan, now: datetime) -> None:
    with pytest.raises(UnknownTimezoneError), transaction(db) as conn:
        open_account(conn, "acme", starter, timezone="Paris", now=now, gateway=REHEARSED_GATEWAY)
    for activated_at, said in {
        now + timedelta(seconds=1): "an instant before it would be right",
        datetime(1999, 12, 31, tzinfo=UTC): "2000 to 2199 would",
    }.items():
        with pytest.raises(BadInputError, match=said), transaction(db) as conn:
            open_account(
                conn,
                "acme",
                starter,
                timezone="UTC",
                activated_at=activated_at,
                now=now,
                gateway=REHEARSED_GATEWAY,
            )


def test_an_unknown_account_is_refused(db: Engine, now: datetime) -> None:
    with pytest.raises(UnknownAccountError, match="account open nobody"), transaction(db) as conn:
        account_view(conn, "nobody", now, gateway=REHEARSED_GATEWAY)
    with pytest.raises(UnknownAccountError), db.connect() as conn:
        find_account(conn, "nobody")


def test_a_clock_that_goes_backwards_is_refused(db: Engine, acme: str, now: datetime) -> None:
    view(db, acme, now + timedelta(days=40))
    with pytest.raises(ClockBackwardsError) as refused:
        view(db, acme, now + timedelta(days=39))
    assert refused.value.facts["last"] == "2027-03-06T09:15:00+00:00"


def test_within_the_tolerance_an_accounts_time_stands_still(
    db: Engine, acme: str, now: datetime
) -> None:
    with transaction(db) as conn:
        assert advance(
            conn, acme, now + timedelta(hours=1), gateway=REHEARSED_GATEWAY
        ) == now + timedelta(hours=1)
        early = now + timedelta(hours=1) - CLOCK_TOLERANCE
        assert advance(conn, acme, early, gateway=REHEARSED_GATEWAY) == now + timedelta(hours=1)
        with pytest.raises(ClockBackwardsError):
            advance(conn, acme, early - timedelta(microseconds=1), gateway=REHEARSED_GATEWAY)
        assert catch_up(conn, acme, now, gateway=REHEARSED_GATEWAY) == now + timedelta(hours=1)


def test_one_accounts_clock_is_not_anothers(
    db: Engine, acme: str, globex: str, now: datetime
) -> None:
    view(db, acme, now + timedelta(days=40))
    assert view(db, globex, now).account.id == globex


def test_decades_at_once_are_doubted(db: Engine, acme: str, now: datetime) -> None:
    with pytest.raises(ClockTooFarAheadError) as refused:
        view(db, acme, now + timedelta(days=366 * 50))
    assert refused.value.facts["due"] > MOST_PERIODS_AT_ONCE  # type: ignore[operator]
    assert len(charges(db, acme)) == 1


def test_many_who_look_at_once_renew_once(database_url: str, acme: str) -> None:
    at = datetime(2027, 4, 1, tzinfo=PARIS)
    together = threading.Barrier(4)

    def look() -> None:
        engine = open_database(database_url)
        together.wait()
        view(engine, acme, at)
        engine.dispose()

    threads = [threading.Thread(target=look) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    engine = open_database(database_url)
    assert len(charges(engine, acme)) == 3
    engine.dispose()


def test_many_who_open_it_at_once_open_it_once(
    database_url: str, starter: Plan, now: datetime
) -> None:
    together = threading.Barrier(4)
    opened = []

    def open_it() -> None:
        engine = open_database(database_url)
        together.wait()
        with transaction(engine) as conn:
            opened.append(
                open_account(
                    conn, "acme", starter, timezone="UTC", now=now, gateway=REHEARSED_GATEWAY
                )
            )
        engine.dispose()

    threads = [threading.Thread(target=open_it) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(opened) == 4
    assert len(set(opened)) == 1
    engine = open_database(database_url)
    assert len(charges(engine, "acme")) == 1
    engine.dispose()


def test_a_crash_while_renewing_leaves_nothing_and_the_next_try_does_it_all(
    db: Engine, acme: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object) -> None:
        raise sqlite3.InternalError

    at = datetime(2027, 3, 1, tzinfo=PARIS)
    with monkeypatch.context() as patched:
        patched.setattr("pricing.subscriptions.subscriptions.issue_for_subscription", fail)
        with pytest.raises(sqlite3.InternalError):
            view(db, acme, at)
    with db.connect() as conn:
        assert conn.execute(select(func.count()).select_from(PERIODS)).scalar_one() == 1
        last = conn.execute(select(ACCOUNTS.c.last_command_at)).scalar_one()
        assert last < at
    assert view(db, acme, at).balance_li_minutes == 3_600
    assert len(charges(db, acme)) == 2
