"""Whatever is asked of an account, in whatever order and however often, the invariants hold.

LOADMUSTER_EXAMPLES and LOADMUSTER_STEPS make it longer: 2000 and 60 for a night.
"""

from __future__ import annotations

import os
import shutil
import tempfile
from collections import Counter
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from pathlib import Path
from typing import Any

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule
from sqlalchemy import Connection, select

from engine.database import open_database
from kernel.errors import RefusedError
from pricing.account_view import AccountView
from pricing.accounts import account_view, advance
from pricing.books.charges import charge_start, correct, reserve, void_reservation
from pricing.books.invoices import list_invoices
from pricing.books.ledger import Transaction, entries
from pricing.books.tables import LOTS, PAYMENTS, PERIODS, SUBSCRIPTIONS
from pricing.life.boosts import boost
from pricing.life.cancellations import cancel, confirm_cancel, renew
from pricing.life.deletions import delete
from pricing.life.on_demand import to_on_demand, undo
from pricing.life.overdue import pay, payment_answered, set_card
from pricing.life.plan_changes import downgrade, upgrade
from pricing.opening import open_account
from pricing.payments.payer import DECLINES, DELAYS, PaymentState
from pricing.payments.run_payments import debts_of_runs
from pricing.plans import BUNDLED_PLANS, load_plans
from pricing.quotes import Unit, quote_run
from pricing.tariffs import Usage

EXAMPLES = int(os.environ.get("LOADMUSTER_EXAMPLES", "12"))
STEPS = int(os.environ.get("LOADMUSTER_STEPS", "20"))
PLANS = load_plans(BUNDLED_PLANS)
WANTED = [PLANS[name] for name in ("starter", "professional", "advanced", "team", "trial")]
ZONES = ["UTC", "Europe/Paris", "America/Los_Angeles", "Asia/Kolkata", "Pacific/Auckland"]
COMMANDS: dict[str, Callable[..., None]] = {
    "boost": boost,
    "undo": undo,
    "confirm": confirm_cancel,
    "renew": renew,
    "pay": pay,
}

times = st.integers(1, 2)


class AnyLife(RuleBasedStateMachine):
    """One account that everything happens to, and one that nothing does (I15)."""

    template: Path | None = None

    def __init__(self) -> None:
        super().__init__()
        self.folder = Path(tempfile.mkdtemp(prefix="lm-life-"))
        self.db = open_database(self._fresh_file())
        self.conn: Connection = self.db.connect()
        self.number = 0
        self.reserved: list[str] = []
        self.launched: list[tuple[str, Any]] = []
        self.said: tuple[Transaction, ...] = ()
        self.now = datetime(2027, 1, 31, 22, 30, tzinfo=UTC)

    def _fresh_file(self) -> str:
        """An empty database: migrated once, then copied."""
        if AnyLife.template is None or not AnyLife.template.exists():
            AnyLife.template = Path(tempfile.mkdtemp(prefix="lm-life-")) / "empty.db"
            open_database(f"sqlite:///{AnyLife.template}").dispose()
        return f"sqlite:///{shutil.copy(AnyLife.template, self.folder / 'life.db')}"

    def teardown(self) -> None:
        self.conn.rollback()
        self.conn.close()
        self.db.dispose()
        shutil.rmtree(self.folder)

    @initialize(
        plan=st.sampled_from(["on-demand", "starter", "professional", "team", "trial"]),
        zone=st.sampled_from(ZONES),
        day=st.integers(0, 400),
    )
    def open(self, plan: str, zone: str, day: int) -> None:
        self.now += timedelta(days=day)
        for name in ("acme", "bystander"):
            open_account(self.conn, name, PLANS[plan], timezone=zone, now=self.now)
        self.untouched = entries(self.conn, "bystander")

    def send(self, command: Callable[..., None], times: int, *content: Any, **options: Any) -> None:  # noqa: ANN401 - commands differ
        """A command, once or twice under one request id; a refusal changes nothing (I7, I13)."""
        self.number += 1
        key = f"r{self.number}"
        before = account_view(self.conn, "acme", self.now)
        answers: list[AccountView] = []
        for _ in range(times):
            try:
                with self.conn.begin_nested():
                    command(self.conn, "acme", *content, now=self.now, request_id=key, **options)
            except RefusedError as refusal:
                assert refusal.facts  # noqa: PT017 - refused with its numbers
                assert account_view(self.conn, "acme", self.now) == before
                return
            answers.append(account_view(self.conn, "acme", self.now))
        assert all(answer == answers[0] for answer in answers)

    @rule(days=st.integers(0, 45), hours=st.integers(0, 23))
    def wait(self, days: int, hours: int) -> None:
        self.now += timedelta(days=days, hours=hours)

    @rule()
    def to_the_boundary(self) -> None:
        period = account_view(self.conn, "acme", self.now).period
        if period is not None:
            self.now = period.end

    @rule(name=st.sampled_from(sorted(COMMANDS)), times=times)
    def plain(self, name: str, times: int) -> None:
        self.send(COMMANDS[name], times)

    @rule(plan=st.sampled_from(WANTED), times=times, agreed=st.sampled_from([None, "rita"]))
    def go_up(self, plan: Any, times: int, agreed: str | None) -> None:  # noqa: ANN401 - a plan
        self.send(upgrade, times, plan, agreed_with=agreed)

    @rule(plan=st.sampled_from(WANTED), times=times, agreed=st.sampled_from([None, "rita"]))
    def go_down(self, plan: Any, times: int, agreed: str | None) -> None:  # noqa: ANN401 - a plan
        self.send(downgrade, times, plan, agreed_with=agreed)

    @rule(times=times)
    def go_on_demand(self, times: int) -> None:
        self.send(to_on_demand, times, PLANS["on-demand"], agreed_with="rita")

    @rule(times=times)
    def ask_to_cancel(self, times: int) -> None:
        self.send(cancel, times, by="ann")

    @rule(card=st.sampled_from([DECLINES, DELAYS, "tok_good", "tok_good"]), times=times)
    def change_card(self, card: str, times: int) -> None:
        self.send(set_card, times, card)

    @rule(n=st.integers(0, 30), state=st.sampled_from(["accepted", "declined"]), times=times)
    def payer_answers(self, n: int, state: str, times: int) -> None:
        for _ in range(times):
            try:
                with self.conn.begin_nested():
                    payment_answered(self.conn, "acme", n, PaymentState(state), now=self.now)
            except RefusedError:
                return

    @precondition(lambda self: self.number > 15)
    @rule()
    def delete_it(self) -> None:
        self.send(delete, 2)

    @rule(injectors=st.integers(1, 120), minutes=st.integers(1, 20))
    def accept(self, injectors: int, minutes: int) -> None:
        self.number += 1
        run_id = f"run-{self.number}"
        view = account_view(self.conn, "acme", self.now)
        usage = Usage(injectors=injectors, users=injectors * 100, duration_s=60 * minutes)
        quote = quote_run(PLANS[view.account.plan], usage)
        try:
            with self.conn.begin_nested():
                reserve(self.conn, "acme", run_id, quote, now=self.now)
        except RefusedError:
            assert account_view(self.conn, "acme", self.now) == view
            return
        self.reserved.append(run_id)
        self.launched.append((run_id, quote))

    @precondition(lambda self: self.reserved)
    @rule(goes=st.booleans(), times=times)
    def launch(self, *, goes: bool, times: int) -> None:
        run_id = self.reserved.pop(0)
        for _ in range(times):
            (charge_start if goes else void_reservation)(self.conn, run_id, now=self.now)
        if not goes:
            self.launched = [each for each in self.launched if each[0] != run_id]

    @precondition(lambda self: any(each[0] not in self.reserved for each in self.launched))
    @rule(kept=st.integers(0, 100))
    def end(self, kept: int) -> None:
        """A run ends early, perhaps long after its credits are void."""
        run_id, quote = next(each for each in self.launched if each[0] not in self.reserved)
        self.launched.remove((run_id, quote))
        keep = quote.use * kept // 100
        correct(
            self.conn,
            run_id,
            keep_startup=quote.startup,
            keep_use=keep,
            reason="cancelled",
            now=self.now,
        )

    @invariant()
    def the_books_are_right(self) -> None:
        if not hasattr(self, "untouched"):
            return
        view = account_view(self.conn, "acme", self.now)
        written = entries(self.conn, "acme")
        # History only grows (I18 rests on it), in the order in which things took effect.
        assert written[: len(self.said)] == self.said
        self.said = written
        instants = [entry.effective_at for entry in written]
        assert instants == sorted(instants)
        assert entries(self.conn, "bystander") == self.untouched
        self.check_ledger(view, written)
        self.check_periods()
        self.check_invoices()

    def check_ledger(self, view: AccountView, written: tuple[Transaction, ...]) -> None:
        """I1-I4, I10, I11, I18."""
        balances: Counter[tuple[str, Unit]] = Counter()
        for entry in written:
            for posting in entry.postings:
                balances[posting.ledger_account, posting.unit] += posting.amount
            for unit in Unit:
                assert sum(p.amount for p in entry.postings if p.unit is unit) == 0
            if not entry.natural_key.endswith((":correction", ":payment", ":set-off")):
                assert all(p.amount > 0 for p in entry.postings if p.ledger_account == "receivable")
        # Nothing is owed but by runs whose payment the payer refused, or has not answered for.
        debts = debts_of_runs(self.conn, "acme")
        assert balances["receivable", Unit.USD] == sum(debt.usd_micros for debt in debts)
        lots = {name: amount for (name, _), amount in balances.items() if name.startswith("lot:")}
        assert all(amount >= 0 for amount in lots.values())
        suspended = 0 if view.pending is None else view.pending.suspended_li_minutes
        held = sum(part.amount for run_id in self.reserved for part in self.slices(run_id))
        # What the lots hold can be used, is suspended, or waits for a run that reserved it.
        usable = sum(lot.available for lot in view.lots)
        assert sum(lots.values()) == usable + suspended + held
        assert all(0 <= lot.reserved <= lot.remaining <= lot.amount for lot in view.lots)
        granted = {
            row.cause: row.amount
            for row in self.conn.execute(select(LOTS).where(LOTS.c.account_id == "acme"))
        }
        assert -balances["issued", Unit.LI_MINUTES] == sum(granted.values())
        paid = set(
            self.conn.execute(
                select(PAYMENTS.c.cause).where(
                    PAYMENTS.c.account_id == "acme",
                    PAYMENTS.c.state == "accepted",
                    PAYMENTS.c.cause.not_like("run:%"),
                )
            ).scalars()
        )
        assert set(granted) - {"trial:acme"} <= paid
        assert paid <= set(granted)

    def slices(self, run_id: str) -> tuple[Any, ...]:
        from pricing.books.reservations import reservation_of

        return reservation_of(self.conn, run_id).slices

    def check_periods(self) -> None:
        """I5, I6: within a subscription, periods tile time; each is charged and granted once."""
        rows = self.conn.execute(
            select(PERIODS)
            .join(SUBSCRIPTIONS, SUBSCRIPTIONS.c.id == PERIODS.c.subscription_id)
            .where(SUBSCRIPTIONS.c.account_id == "acme")
            .order_by(PERIODS.c.subscription_id, PERIODS.c.n)
        ).all()
        for before, after in pairwise(rows):
            if before.subscription_id == after.subscription_id:
                assert (after.n, after.starts_at) == (before.n + 1, before.ends_at)
        keys = Counter(entry.natural_key for entry in self.said)
        for row in rows:
            cause = f"subscription:{row.subscription_id}:period:{row.n}"
            expected = 1 if row.payment == "paid" else 0
            assert keys[f"{cause}:charge"] == keys[f"{cause}:grant"] == expected

    def check_invoices(self) -> None:
        numbers = [each.number for each in list_invoices(self.conn, "acme")]
        assert numbers == [f"acme-{n:05d}" for n in range(1, len(numbers) + 1)]

    @rule(days=st.integers(1, 200), parts=st.integers(2, 5))
    def split_time(self, days: int, parts: int) -> None:
        """I8: crossing boundaries in steps is crossing them at once."""
        later = self.now + timedelta(days=days)
        outcomes = []
        for steps in (1, parts):
            trial = self.conn.begin_nested()
            for step in range(1, steps + 1):
                advance(self.conn, "acme", self.now + (later - self.now) * step / steps)
            outcomes.append(
                [
                    (each.natural_key, each.effective_at, each.postings)
                    for each in entries(self.conn, "acme")
                ]
            )
            trial.rollback()
        assert outcomes[0] == outcomes[1]


TestAnyLife = AnyLife.TestCase
TestAnyLife.settings = settings(
    max_examples=EXAMPLES,
    stateful_step_count=STEPS,
    deadline=None,
    suppress_health_check=list(HealthCheck),
)
