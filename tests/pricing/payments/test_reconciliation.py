"""What the gateway says that it moved is compared with the books, and nothing is written (C74)."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from random import Random

import pytest
from msgspec.structs import replace

from engine.api import Engine
from engine.commands.gateway_files import GatewayFileError
from engine.commands.gateway_report import GatewayListsNothingError, NothingToReconcileError
from kernel.clock import ManualClock
from pricing.accounts.owner import NotOwnerError
from pricing.payments.gateway import PaymentState
from pricing.payments.movements import Movement, MovementKind
from pricing.reports.reconciliation import DifferenceKind, ReconciliationReport
from pricing.reports.report_period import ReportPeriodError
from tests.loadmuster.api.test_reads_never_write import everything
from tests.pricing.payments.conftest import USD, DiedError, MortalBank

DAY_S = 86_400.0
JANUARY = "2027-01"
HEAD = "key,kind,amount,currency,at,fee,id\n"


@pytest.fixture
def moved(engine: Engine, bank: MortalBank, clock: ManualClock) -> Engine:
    """Three payments and two refunds, one of which was sent back."""
    engine.accounts.open("acme", plan="starter", card="tok_good")
    engine.accounts.open("globex", plan="starter", card="tok_good")
    clock.sleep(60.0)
    engine.accounts.boost("acme")
    clock.sleep(DAY_S)
    for account in ("acme", "globex"):
        engine.accounts.refund(
            account, invoice=f"{account}-00001", usd_micros=50 * USD, reason="slow"
        )
    key = engine.accounts.refunds("globex")[0].key
    clock.sleep(60.0)
    engine.accounts.payment_heard(key, bank.refund_settled(key, PaymentState.DECLINED))
    return engine


def kinds(report: ReconciliationReport) -> dict[str, int]:
    """How many differences there are, by kind."""
    found: dict[str, int] = {}
    for each in report.differences:
        found[each.kind] = found.get(each.kind, 0) + 1
    return found


def in_a_file(folder: Path, movements: Iterable[Movement], separator: str = ",") -> Path:
    file = folder / "moved.csv"
    rows = [
        (each.key, each.kind, f"{each.micros / USD:.2f}", each.currency, each.at.isoformat())
        for each in movements
    ]
    lines = (separator.join(row) for row in (("key", "kind", "amount", "currency", "at"), *rows))
    file.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return file


def listed_by(bank: MortalBank) -> list[Movement]:
    ever = datetime(1, 1, 1, tzinfo=UTC), datetime(9999, 1, 1, tzinfo=UTC)
    return list(bank.movements(*ever))


@pytest.mark.parametrize("month", [JANUARY, None])
@pytest.mark.parametrize("separator", [None, ",", ";", "\t"])
def test_books_that_match_are_said_to_match(
    moved: Engine, bank: MortalBank, tmp_path: Path, month: str | None, separator: str | None
) -> None:
    before = everything(moved)
    file = None if separator is None else in_a_file(tmp_path, listed_by(bank), separator)
    report = moved.books.reconcile(file, month=month)
    assert (report.matched, report.differences) == (6, ())
    sums = {each.kind: (each.gateway_micros, each.books_micros) for each in report.sums}
    assert sums == {
        MovementKind.PAYMENT: (3 * 199 * USD, 3 * 199 * USD),
        MovementKind.REFUND: (100 * USD, 100 * USD),
        MovementKind.REFUND_RETURNED: (50 * USD, 50 * USD),
    }
    assert everything(moved) == before


def test_fees_are_told_and_are_no_difference(moved: Engine) -> None:
    report = moved.books.reconcile(month=JANUARY)
    fees = {each.kind: each.gateway_fee_micros for each in report.sums}
    assert fees[MovementKind.PAYMENT] == 3 * (199 * 29_000 + 300_000)
    assert report.differences_count == 0


def without(key_part: str) -> Callable[[list[Movement]], list[Movement]]:
    return lambda listed: [each for each in listed if key_part not in each.key]


def changed(**values: object) -> Callable[[list[Movement]], list[Movement]]:
    return lambda listed: [replace(listed[0], **values), *listed[1:]]


TAMPERED: dict[str, tuple[Callable[[list[Movement]], list[Movement]], dict[str, int]]] = {
    "a refund is not listed": (
        without("refund:1"),
        {DifferenceKind.MISSING_AT_GATEWAY: 3},
    ),
    "a payment that nobody asked for": (
        lambda listed: [*listed, replace(listed[0], key="another's")],
        {DifferenceKind.MISSING_IN_BOOKS: 1},
    ),
    "a payment without a key": (
        lambda listed: [*listed, replace(listed[0], key="")],
        {DifferenceKind.MISSING_IN_BOOKS: 1},
    ),
    "another amount": (changed(micros=198 * USD), {DifferenceKind.OTHER_AMOUNT: 1}),
    "another currency": (changed(currency="EUR"), {DifferenceKind.OTHER_CURRENCY: 1}),
    "one twice": (lambda listed: [*listed, listed[0]], {DifferenceKind.DOUBLED: 1}),
    "another kind": (
        changed(kind=MovementKind.REFUND),
        {DifferenceKind.MISSING_AT_GATEWAY: 1, DifferenceKind.MISSING_IN_BOOKS: 1},
    ),
    "another order": (lambda listed: Random(1).sample(listed, len(listed)), {}),
    "a minute later": (
        lambda listed: [replace(each, at=each.at + timedelta(minutes=1)) for each in listed],
        {},
    ),
}


@pytest.mark.parametrize("case", TAMPERED)
def test_what_does_not_match_is_told(
    moved: Engine, bank: MortalBank, tmp_path: Path, case: str
) -> None:
    tamper, wanted = TAMPERED[case]
    file = in_a_file(tmp_path, tamper(listed_by(bank)))
    assert kinds(moved.books.reconcile(file, month=JANUARY)) == wanted


def test_money_that_nobody_booked_is_told_with_how_its_key_stands(
    moved: Engine, bank: MortalBank
) -> None:
    bank.dies = 1
    with pytest.raises(DiedError):
        moved.accounts.boost("acme")
    (missing,) = moved.books.reconcile(month=JANUARY).differences
    assert (missing.kind, missing.state) == (DifferenceKind.MISSING_IN_BOOKS, "pending")
    moved.accounts.reconcile("acme")
    assert moved.books.reconcile(month=JANUARY).differences == ()


def test_what_either_clock_puts_into_the_next_month_is_found(
    moved: Engine, bank: MortalBank, tmp_path: Path, clock: ManualClock
) -> None:
    clock.move_to(datetime(2027, 1, 31, 23, 59, 59, tzinfo=UTC))
    moved.accounts.boost("acme")
    shifted = [
        replace(each, at=each.at + timedelta(minutes=2)) if "boost" in each.key else each
        for each in listed_by(bank)
    ]
    file = in_a_file(tmp_path, shifted)
    assert moved.books.reconcile(file, month=JANUARY).differences == ()
    assert moved.books.reconcile(file, month="2027-02").differences == ()


def test_a_rehearsal_has_moved_nothing(sqlite_url: str, clock: ManualClock) -> None:
    with Engine(sqlite_url, clock=clock, environment={}) as engine:
        engine.accounts.open("acme", plan="starter")
        engine.accounts.refund("acme", invoice="acme-00001", reason="slow")
        report = engine.books.reconcile()
    assert (report.matched, report.differences, report.sums) == (0, (), ())


ROW = "k,payment,199.00,USD,2027-01-25T09:15:00Z,0,t\n"
HOSTILE: dict[str, bytes] = {
    "empty": b"",
    "no names": ROW.encode(),
    "a name is missing": b"key,kind,amount,at\n",
    "no CSV": (HEAD + '"' + "x" * 200_000).encode(),
    "an open quote": (HEAD + '"k,payment\n' * 3).encode(),
    "a line without an end": (HEAD + "k" * 70_000).encode(),
    "no text": HEAD.encode() + b"\xff\xfe\x00",
    "a NUL": (HEAD + "k\0,payment,1,USD,2027-01-25,0,t\n").encode(),
    "too few cells": (HEAD + "k,payment\n").encode(),
    "too many cells": (HEAD + ROW.strip() + ",x\n").encode(),
    "an unknown kind": (HEAD + ROW.replace("payment", "payout")).encode(),
    "no amount": (HEAD + ROW.replace("199.00", "lots")).encode(),
    "an infinite amount": (HEAD + ROW.replace("199.00", "inf")).encode(),
    "an endless amount": (HEAD + ROW.replace("199.00", "1e999999999")).encode(),
    "a part of a millionth": (HEAD + ROW.replace("199.00", "0.0000001")).encode(),
    "nothing": (HEAD + ROW.replace("199.00", "0")).encode(),
    "no currency": (HEAD + ROW.replace("USD", "dollars")).encode(),
    "no instant": (HEAD + ROW.replace("2027-01-25T09:15:00Z", "yesterday")).encode(),
    "an impossible year": (HEAD + ROW.replace("2027-01", "0001-01")).encode(),
    "a long key": (HEAD + "k" * 1_000 + ROW[1:]).encode(),
}


@pytest.mark.parametrize("case", HOSTILE)
def test_a_file_that_is_none_is_refused_with_its_line(
    engine: Engine, tmp_path: Path, case: str
) -> None:
    file = tmp_path / "moved.csv"
    file.write_bytes(HOSTILE[case])
    with pytest.raises(GatewayFileError) as refused:
        engine.books.reconcile(file, month=JANUARY)
    assert refused.value.line.startswith(f"{file}, line ")
    assert len(refused.value.line) < len(str(file)) + 300


def test_a_file_may_have_other_columns_a_mark_and_words_of_stripe(
    moved: Engine, bank: MortalBank, tmp_path: Path
) -> None:
    stripes = {"payment": "charge", "refund": "refund", "refund_returned": "refund_failure"}
    rows = [
        f"x;{each.key};{stripes[each.kind]};-{each.micros / USD};usd;{each.at:%Y-%m-%d %H:%M:%S}"
        for each in listed_by(bank)
    ]
    file = tmp_path / "stripe.csv"
    text = "\n".join(["other;Key;kind;amount;currency;at", *rows])
    file.write_text(text, encoding="utf-8-sig")
    report = moved.books.reconcile(file, month=JANUARY)
    assert (report.matched, report.differences) == (6, ())


class Wrong(MortalBank):
    """A gateway whose listing is none."""

    def __init__(self, listed: object) -> None:
        super().__init__()
        self.listed = listed

    def movements(self, start: datetime, end: datetime) -> tuple[Movement, ...]:
        del start, end
        if isinstance(self.listed, Exception):
            raise self.listed
        return self.listed  # type: ignore[return-value]


NAIVE = Movement("k", MovementKind.PAYMENT, 1, "USD", datetime(2027, 1, 25))  # noqa: DTZ001 - wrong


@pytest.mark.parametrize(
    "listed", [TimeoutError("no answer"), None, ("text",), (NAIVE,), (replace(NAIVE, micros=0),)]
)
def test_a_gateway_that_does_not_say_what_it_moved_ends_in_one_line(
    sqlite_url: str, clock: ManualClock, listed: object
) -> None:
    with (
        Engine(sqlite_url, clock=clock, environment={}, gateway=Wrong(listed)) as engine,
        pytest.raises(GatewayListsNothingError),
    ):
        engine.books.reconcile(month=JANUARY)


def test_what_cannot_be_compared_is_refused(
    engine: Engine, sqlite_url: str, clock: ManualClock, tmp_path: Path
) -> None:
    with pytest.raises(ReportPeriodError):
        engine.books.reconcile(month="2027-13")
    empty = in_a_file(tmp_path, ())
    with pytest.raises(NothingToReconcileError):
        engine.books.reconcile(empty)
    assert engine.books.reconcile(empty, month=JANUARY).differences == ()
    with pytest.raises(GatewayFileError):
        engine.books.reconcile(tmp_path / "nowhere.csv")
    with (
        Engine(sqlite_url, clock=clock, environment={}, user="ann") as hers,
        pytest.raises(NotOwnerError),
    ):
        hers.books.reconcile(month=JANUARY)


def test_who_watches_is_told_how_many_movements_have_been_read(
    moved: Engine, tmp_path: Path
) -> None:
    file, told = tmp_path / "many.csv", list[int]()
    row = "k{},payment,1.00,USD,2027-01-25T09:15:00Z,,\n"
    file.write_text(HEAD + "".join(row.format(n) for n in range(10_001)), encoding="utf-8")
    report = moved.books.reconcile(file, watch=told.append)
    assert (report.differences_count >= 10_001, told) == (True, [5_000, 10_000])
