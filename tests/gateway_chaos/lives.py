"""One life: two accounts in a database of their own, one bank, and a client that sends again."""

from __future__ import annotations

import shutil
from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from random import Random

from sqlalchemy import Connection, select

from engine.api import Engine
from engine.database import reading
from kernel.clock import ManualClock
from kernel.errors import InvariantBrokenError, LoadmusterError
from pricing.payments.disputes import DisputeEvent, DisputeNotice
from pricing.payments.gateway import DECLINES, DELAYS, LOST, PaymentGateway, PaymentState
from pricing.payments.play_bank import Faults
from pricing.plans.quotes import quote_run
from pricing.run_charges.charges import charge_start, collect_due, correct, reserve
from pricing.tables import DISPUTES, TRANSACTIONS
from pricing.tariffs import LoadSize
from tests.gateway_chaos.audit import violations
from tests.gateway_chaos.deaths import Deaths, DiedError, WatchedBank

BEGINNING = datetime(2027, 1, 25, 9, 15, tzinfo=UTC)
ACCOUNTS = ("acme", "globex")
STEPS = 18
SENDS_MAX = 3
DEATH_RATE = 0.35
PLACES_MAX = 120
CARDS = ("tok_good", "tok_good", "tok_other", "tok_other", "tok_third", DECLINES, DELAYS)
OTHER_CARDS = (*CARDS, LOST)
"""A card that is lost opens no account."""
OFTEN = (
    *("month",) * 5,
    *("boost",) * 6,
    *("run", "advance", "pay") * 3,
    *("upgrade", "renew", "dispute") * 2,
    *("refund",) * 4,
)
"""What happens more often than anything else."""
SETTLED = (PaymentState.ACCEPTED, PaymentState.ACCEPTED, PaymentState.DECLINED)
"""What becomes of a refund that takes its time."""

ROUGH = Faults(
    never_arrives=0.12,
    is_lost=0.12,
    is_declined=0.08,
    is_delayed=0.08,
    other_amount=0.04,
    other_currency=0.03,
    is_told=0.2,
)


@dataclass
class Tally:
    """What happened, over all lives."""

    lives: int = 0
    commands: Counter[str] = field(default_factory=Counter)
    outcomes: Counter[str] = field(default_factory=Counter)
    faults: Counter[str] = field(default_factory=Counter)
    attempts: Counter[str] = field(default_factory=Counter)
    collected_usd_micros: int = 0
    violations: list[str] = field(default_factory=list)

    def add(self, other: Tally) -> None:
        self.lives += other.lives
        for name in ("commands", "outcomes", "faults", "attempts"):
            getattr(self, name).update(getattr(other, name))
        self.collected_usd_micros += other.collected_usd_micros
        self.violations += other.violations


class Life:
    """Everything that one seed leads to."""

    def __init__(self, seed: int, file: Path, template: Path) -> None:
        self.seed = seed
        self.random = Random(seed)
        self.tally = Tally(lives=1)
        self.deaths = Deaths()
        self.bank = WatchedBank(self.deaths, ROUGH, self.random)
        self.clock = ManualClock(BEGINNING)
        shutil.copy(template, file)
        self.engine = Engine(
            f"sqlite:///{file}", clock=self.clock, environment={}, gateway=self.bank
        )
        self.deaths.watch(self.engine._context.db)
        self.runs: list[tuple[str, str]] = []
        self.notices: list[tuple[str, DisputeNotice]] = []
        self.boosts: dict[str, set[str]] = {account: set() for account in ACCOUNTS}

    def live(self) -> Tally:
        """From the first account to the audit."""
        with self.engine:
            for account in ACCOUNTS:
                self._open(account)
            for number in range(STEPS):
                self._step(f"s{number}", self.random.choice(ACCOUNTS))
                self._deliver(0.3)
                self._deliver_notices(0.3)
            self._finish()
        return self.tally

    def _open(self, account: str) -> None:
        plan = self.random.choice(("starter", "starter", "on-demand", "trial"))
        card = self.random.choice(CARDS)
        self._send(
            "open",
            lambda: self.engine.accounts.open(
                account, plan=plan, card=card, administrators=["ann"]
            ),
        )

    def _step(self, request: str, account: str) -> None:
        do, chance = self.engine.accounts, self.random.random
        own = request if chance() < 0.6 else None
        commands: dict[str, Callable[[], object]] = {
            "boost": lambda: do.boost(account, request_id=own),
            "boost again": lambda: do.boost(account, request_id=own),
            "upgrade": lambda: do.upgrade(account, plan="professional", request_id=own),
            "first plan": lambda: do.upgrade(account, plan="starter", request_id=own),
            "downgrade": lambda: do.downgrade(account, plan="starter", request_id=own),
            "on demand": lambda: do.to_on_demand(account, request_id=own),
            "undo": lambda: do.undo(account, request_id=own),
            "cancel": lambda: self._cancel(account),
            "renew": lambda: do.renew(account, request_id=own),
            "pay": lambda: do.pay(account, request_id=own),
            "card": lambda: do.set_card(account, self.random.choice(OTHER_CARDS), request_id=own),
            "run": lambda: self._run(account, request),
            "correct": self._correct,
            "advance": do.advance,
            "reconcile": do.reconcile,
            "refund": lambda: self._refund(account, own),
            "dispute": self._dispute,
            "month": lambda: self.clock.sleep(86_400.0 * self.random.randint(20, 70)),
            "open": lambda: do.open(account, plan="starter", card="tok_good", request_id=own),
            "adjust": lambda: self._adjust(account, own),
            "delete": lambda: self._delete(account, own) if chance() < 0.2 else None,
        }
        name = self.random.choice([*commands, *OFTEN])
        self._send(name, commands[name])

    def _send(self, name: str, command: Callable[[], object]) -> None:
        """Send a command, again if its process dies; some clients give up."""
        self.tally.commands[name] += 1
        for _ in range(self.random.randint(1, SENDS_MAX)):
            dies = self.random.random() < DEATH_RATE
            self.deaths.arm(self.random.randint(0, PLACES_MAX) if dies else None)
            try:
                command()
            except DiedError:
                self.tally.faults["died"] += 1
                continue
            except InvariantBrokenError as error:
                self._wrong(f"{name}: {error.line}")
            except LoadmusterError as refusal:
                self.tally.outcomes[refusal.code] += 1
                if refusal.code in {"payment_pending", "refund_pending"}:
                    continue
            else:
                self.tally.outcomes["done"] += 1
            break
        self.deaths.arm(None)
        self.clock.sleep(self.random.choice((1.0, 60.0, 3600.0)))

    def _cancel(self, account: str) -> None:
        self.engine.accounts.cancel(account, by="ann")
        self.engine.accounts.confirm_cancel(account, representative="rep")

    def _adjust(self, account: str, request_id: str | None) -> None:
        """An operator credits some, or takes of the credit."""
        cents = self.random.choice((1, 1, -1)) * self.random.randint(1, 30_000)
        self.engine.accounts.adjust(
            account, usd_micros=cents * 10_000, reason="goodwill", request_id=request_id
        )

    def _delete(self, account: str, request_id: str | None) -> None:
        """Who is in credit may give that up."""
        gives_up = self.random.random() < 0.5
        self.engine.accounts.delete(account, give_up_credit=gives_up, request_id=request_id)

    def _refund(self, account: str, request_id: str | None) -> None:
        """Some of what was invoiced, or all that is left of it."""
        invoices = self.engine.reports.invoices(account)
        if not invoices:
            return
        cents = self.random.choice((None, None, self.random.randint(1, 30_000)))
        self.engine.accounts.refund(
            account,
            invoice=self.random.choice(invoices).number,
            usd_micros=None if cents is None else cents * 10_000,
            reason="a bad day",
            request_id=request_id,
        )

    def _dispute(self) -> None:
        """A customer contests what was collected, and the bank says so in its own time."""
        accepted = [
            key
            for key, charge in self.bank.charges.items()
            if charge.answer.state is PaymentState.ACCEPTED
            and all(each.payment_key != key for each in self.bank.disputes.values())
            and all(each.request.payment_key != key for each in self.bank.refunds.values())
        ]
        if accepted:
            contested = self.bank.dispute(self.random.choice(accepted))
            events = (DisputeEvent.OPENED, DisputeEvent.WITHDRAWN)
            self.notices += [(contested.payment_key, contested.notice(each)) for each in events]

    def _deliver_notices(self, rate: float) -> None:
        """What the bank says of disputes: decided ones too, in any order, some of it twice."""
        for each in self.bank.disputes.values():
            if not each.is_decided and self.random.random() < rate:
                notice = self.bank.decide(each.name, won=self.random.random() < 0.5)
                self.notices.append((each.payment_key, notice))
        self.random.shuffle(self.notices)
        left = []
        for key, notice in self.notices:
            if self.random.random() >= rate:
                left.append((key, notice))
                continue
            self.tally.faults["notice"] += 1
            try:
                self.engine.accounts.payment_heard(key, notice)
            except LoadmusterError:
                # Its money has no place yet: the bank says it again.
                left.append((key, notice))
            else:
                if self.random.random() < 0.3 and rate < 1.0:
                    left.append((key, notice))
        self.notices = left

    def _run(self, account: str, run_id: str) -> None:
        """A run that is charged in money or credits, and asked for."""
        use, now = self.engine._context, self.clock.now()
        quote = quote_run(
            self.engine.accounts.plan_of(account), LoadSize(injectors=2, users=90, duration_s=900)
        )
        name = f"{account}-{run_id}"

        def charge(conn: Connection, *, gateway: PaymentGateway) -> None:
            reserve(conn, account, name, quote, now=now, gateway=gateway)
            charge_start(conn, name, now=now, gateway=gateway)

        def ask(conn: Connection, *, gateway: PaymentGateway) -> None:
            collect_due(conn, name, now=now, gateway=gateway)

        use.settled(account, "run", charge, now=now)
        self.runs.append((account, name))
        use.settled(account, "run", ask, now=now)

    def _correct(self) -> None:
        if not self.runs:
            return
        account, name = self.runs[-1]
        now = self.clock.now()

        def work(conn: Connection, *, gateway: PaymentGateway) -> None:
            correct(
                conn,
                name,
                keep_startup=0,
                keep_use=0,
                reason="cancelled",
                now=now,
                gateway=gateway,
            )

        self.engine._context.settled(account, "correct", work, now=now)

    def _deliver(self, rate: float) -> None:
        """Messages of the bank arrive: late, some of them twice, in any order."""
        late = [
            (key, self.bank.message_about(key))
            for key, charge in list(self.bank.charges.items())
            if charge.answer.state is PaymentState.DELAYED and self.random.random() < rate
        ]
        late += [
            (key, self.bank.refund_settled(key, self.random.choice(SETTLED)))
            for key, given in list(self.bank.refunds.items())
            if given.answer.state is PaymentState.DELAYED and self.random.random() < rate
        ]
        said = [each for each in self.bank.messages if self.random.random() < rate]
        self.random.shuffle(said)
        for key, answer in (*late, *said):
            if answer.state is PaymentState.DELAYED:
                continue
            self.tally.faults["message"] += 1
            with suppress(LoadmusterError):
                self.engine.accounts.payment_heard(key, answer)

    def _finish(self) -> None:
        """The bank behaves, and everything that is unfinished is finished."""
        self.bank.faults = Faults()
        self.clock.sleep(3600.0)
        self._deliver(1.0)
        for _ in range(3):
            self.clock.sleep(3600.0)
            for each in self.engine.accounts.reconcile():
                if each.failure is not None:
                    self._wrong(f"{each.account_id} is not reconciled: {each.reason}")
        for _ in range(2):
            self._deliver_notices(1.0)
        if self.notices:
            self._wrong(f"{len(self.notices)} messages about disputes were never taken")
        with reading(self.engine._context.db) as conn:
            there = {each.id for each in self.engine.accounts.list()}
            is_open = {account: account in there for account in ACCOUNTS}
            for wrong in violations(conn, self.bank, ACCOUNTS, is_open=is_open):
                self._wrong(wrong)
            self._count(conn)

    def _count(self, conn: Connection) -> None:
        self.tally.faults["asked"] += self.bank.calls.total()
        for charge in self.bank.charges.values():
            self.tally.attempts[charge.answer.state] += 1
        for given in self.bank.refunds.values():
            self.tally.attempts[f"refund {given.answer.state}"] += 1
        for contested in conn.execute(select(DISPUTES.c.state)).scalars():
            self.tally.attempts[f"dispute {contested}"] += 1
        self.tally.collected_usd_micros += sum(self.bank.collected.values())
        keys = conn.execute(select(TRANSACTIONS.c.natural_key)).scalars()
        self.tally.attempts["in credit"] += sum(key.endswith(":credit") for key in keys)

    def _wrong(self, what: str) -> None:
        self.tally.violations.append(f"life {self.seed}: {what}")
