"""The commands of a run's life, with the funding source that the model says must pay for it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from sqlalchemy import Connection

from pricing.accounts.advance import advance
from pricing.ledger.issuing import issue_for_run
from pricing.payments.gateway import REHEARSED_GATEWAY
from pricing.plans.quotes import Quote, Unit
from pricing.run_charges.charges import charge_start, correct, reserve, void_reservation
from tests.billing_simulator.commands import Command
from tests.billing_simulator.credits import Lot, Part
from tests.billing_simulator.model import Account

EXTRA_USD_MICROS = 150_000
"""What the bundled on-demand tariff asks for a LI-minute."""


class State(StrEnum):
    """Where a run is."""

    WANTED = "wanted"
    WAITING = "waiting"
    STARTED = "started"
    OVER = "over"


@dataclass
class Run:
    """A run as the simulator remembers it.

    Attributes:
        quote: What it costs on the account's plan.
        money: What it costs on demand.
        parts: The model's lots that pay for it, in the order in which they are taken.
        bought: Extra credits that it buys besides.
        kept: What is charged of it now, in the unit of its funding source.
        answered: What the books set aside: the quote's total and the amounts of its slices.
    """

    id: str
    quote: Quote
    money: Quote
    department: str | None = None
    state: State = State.WANTED
    pays_money: bool = False
    parts: list[Part] = field(default_factory=list)
    bought: int = 0
    started_at: datetime | None = None
    kept: int = 0
    answered: tuple[int, list[int]] = (0, [])

    @property
    def charged(self) -> Quote:
        return self.money if self.pays_money and self.department else self.quote

    @property
    def expected(self) -> tuple[int, list[int]]:
        return self.charged.total, [amount for _, amount in self.parts]


def reserving(account_id: str, run: Run, runs: Sequence[Run]) -> Command:
    """Accept a run; the model says whether, and of what it is paid."""

    def do(conn: Connection, now: datetime) -> object:
        reserved = reserve(
            conn,
            account_id,
            run.id,
            run.quote,
            department=run.department,
            on_demand=run.money,
            now=now,
            gateway=REHEARSED_GATEWAY,
        )
        run.answered = reserved.quote.total, [part.amount for part in reserved.slices]
        return reserved

    def foreseen(books: Account, at: datetime) -> bool:
        return _choose_funding(books, run, runs, at)

    def effect(books: Account, at: datetime) -> None:
        for lot, amount in run.parts:
            lot.reserved += amount
        if run.bought:
            lots = books.credits.lots
            lots.append(Lot("extra", run.bought, at, None, len(lots)))
            run.parts.append((lots[-1], run.bought))
        run.state = State.WAITING

    content = f"{run.id} {run.quote.plan} {run.quote.total} of {run.department}"
    return Command("reserve", content, do, effect, foreseen)


def starting(run: Run) -> Command:
    """Charge the whole quote."""

    def do(conn: Connection, now: datetime) -> object:
        charge_start(conn, run.id, now=now, gateway=REHEARSED_GATEWAY)
        return None

    def effect(books: Account, at: datetime) -> None:
        run.state, run.started_at, run.kept = State.STARTED, at, run.charged.total
        if run.pays_money:
            _earn(books, run.charged.startup, run.charged.use)
            books.money.owe(run.id, run.charged.total)
            return
        if run.bought:
            extra = run.parts[-1][0]
            extra.left = extra.reserved = run.bought
            books.credits.issued += run.bought
            books.revenue["extra-credits"] += run.bought * EXTRA_USD_MICROS
            books.money.owe(run.id, run.bought * EXTRA_USD_MICROS)
        for lot, amount in run.parts:
            lot.reserved -= amount
        books.credits.charge(run.parts)

    return Command("start", run.id, do, effect, lambda _books, _at: True)


def giving_up(account_id: str, run: Run) -> Command:
    """A run that is never launched costs nothing."""

    def do(conn: Connection, now: datetime) -> object:
        void_reservation(conn, run.id, now=now, gateway=REHEARSED_GATEWAY)
        _swept(conn, account_id, now)
        return None

    def effect(books: Account, _at: datetime) -> None:
        run.state = State.OVER
        for lot, amount in run.parts[: -1 if run.bought else None]:
            lot.reserved -= amount
            books.credits.empty(lot)

    return Command("void", run.id, do, effect, lambda _books, _at: True)


def ending(account_id: str, run: Run, keep_startup: int, keep_use: int) -> Command:
    """The run is over: what is not kept of it comes back, and it is invoiced."""

    def do(conn: Connection, now: datetime) -> object:
        correct(
            conn,
            run.id,
            keep_startup=keep_startup,
            keep_use=keep_use,
            reason="simulated",
            now=now,
            gateway=REHEARSED_GATEWAY,
        )
        invoice = issue_for_run(conn, run.id, now)
        _swept(conn, account_id, now)
        return invoice

    def effect(books: Account, _at: datetime) -> None:
        run.state, run.kept = State.OVER, keep_startup + keep_use
        if run.pays_money:
            _earn(books, keep_startup - run.charged.startup, keep_use - run.charged.use)
            books.money.give_back(run.id, run.charged.total - run.kept)
        else:
            books.credits.give_back(run.parts, run.charged.total - run.kept)

    kind = "complete" if keep_startup + keep_use == run.charged.total else "correct"
    return Command(kind, f"{run.id} keeps {keep_startup}+{keep_use}", do, effect)


def _swept(conn: Connection, account_id: str, now: datetime) -> None:
    """What came back to a lot that is closed is posted away when the books are next advanced."""
    advance(conn, account_id, now, gateway=REHEARSED_GATEWAY)


def _earn(books: Account, startup: int, use: int) -> None:
    books.revenue["start-up"] += startup
    books.revenue["use"] += use


def _choose_funding(books: Account, run: Run, runs: Sequence[Run], at: datetime) -> bool:
    """Whether the run can be paid, and of what (R70-R72, C11-C13, C20, C42)."""
    is_funded = _is_funded(books, run, runs, at)
    return is_funded and not (books.is_overdue and (run.pays_money or run.bought))


def _is_funded(books: Account, run: Run, runs: Sequence[Run], at: datetime) -> bool:
    """Whether a funding source covers the run; whoever has not paid may not use it for money."""
    run.parts, run.bought, run.pays_money = [], 0, run.quote.unit is Unit.USD
    caps = books.plan.caps
    if books.ended or run.quote.plan != books.plan.name:
        return False
    if run.quote.injectors > (caps.injectors or run.quote.injectors):
        return False
    if run.quote.duration_s > (caps.duration_s or run.quote.duration_s):
        return False
    if run.department is None:
        return run.pays_money or _account_pays(books, run, runs, at)
    if not run.pays_money:
        if run.quote.total <= books.credits.free(run.department):
            run.parts = books.credits.parts(run.department, run.quote.total)
            return True
        if books.channel == "aws-marketplace":
            return False
        run.pays_money = True
    start, end = books.spending_month(at)
    spent = sum(
        each.kept if each.state is not State.WAITING else each.charged.total
        for each in runs
        if each.department == run.department
        and each.pays_money
        and (each.state is State.WAITING or (each.started_at and start <= each.started_at < end))
    )
    return spent + run.charged.total <= books.departments[run.department].limit_usd_micros


def _account_pays(books: Account, run: Run, runs: Sequence[Run], at: datetime) -> bool:
    """The account's own lots, then extra credits for what is missing."""
    free = books.credits.free(None)
    missing = max(run.quote.total - free, 0)
    if missing:
        cycle = books.cycle(at)
        assert cycle is not None
        bought = sum(
            each.bought
            for each in runs
            if each.state is State.WAITING
            or (each.started_at and cycle[0] <= each.started_at < cycle[1])
        )
        if bought + missing > books.extra_limit or books.channel != "card":
            return False
    run.parts, run.bought = books.credits.parts(None, run.quote.total - missing), missing
    return True
