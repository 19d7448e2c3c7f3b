"""Whatever is asked of an account, in whatever order and however often, the invariants hold.

LOADMUSTER_EXAMPLES and LOADMUSTER_STEPS make it longer: 2000 and 60 for a night.

| invariant | where it is checked |
|---|---|
| I1 transactions sum to zero | ``check_ledger``; by SQL in ``broken`` |
| I2 lots between nothing and their amount | ``check_ledger``; ``broken`` |
| I3 balance, open lots and journal agree | ``check_ledger``; ``broken`` |
| I4 what was granted was paid for | ``check_ledger``; ``broken`` |
| I5 periods tile time | ``check_periods``; ``broken`` |
| I6 one charge and one grant a period | ``check_periods``; ``broken`` |
| I7 repeats do nothing, a used id is a conflict | ``send``, ``use_an_id_again`` |
| I8 time in steps is time at once | ``split_time`` |
| I9 upgrades cost the difference of the prices | ``check_upgrades`` |
| I10 no refund, but of a corrected run | ``check_ledger``; ``broken`` |
| I11 after a downgrade the grant is all there is | ``to_the_boundary`` |
| I12 a department stays within its wallet | ``accept`` |
| I13 a refusal changes nothing | ``send``, ``accept``, ``use_an_id_again`` |
| I14 lots are used while they can be | ``broken`` |
| I15 another account is untouched | ``the_books_are_right``; ``broken`` |
| I16 more never costs less | a property of quotes: ``tariffs/test_tariff_invariants.py`` |
| I17 zones do not change the number of periods | ``check_periods``; tests/pricing/accounts/clock |
| I18 the journal rebuilds the state | ``check_ledger``; ``broken`` |

The commands are all those of ``pricing.subscriptions`` and ``pricing.departments``, and all of a
run's life.
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

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule
from sqlalchemy import Connection, select

from engine.database import open_database
from kernel.errors import RefusedError, RequestConflictError
from pricing.accounts.advance import advance
from pricing.accounts.boosts import boost
from pricing.accounts.cancellations import cancel, confirm_cancel, renew
from pricing.accounts.deletions import delete
from pricing.accounts.on_demand import to_on_demand, undo
from pricing.accounts.opening import open_account
from pricing.accounts.overdue import pay, payment_answered, run_payment_answered, set_card
from pricing.accounts.owner import OWNER
from pricing.accounts.plan_changes import downgrade, upgrade
from pricing.accounts.view import AccountView, account_view
from pricing.departments.commands import add_department, allocate, department_view, limit_wallet
from pricing.departments.extra_credits import limit_extra_credits
from pricing.ledger.invoices import list_invoices, period_cause
from pricing.ledger.issuing import issue_for_run
from pricing.ledger.ledger import Transaction, entries
from pricing.ledger.lots import LotKind
from pricing.ledger.reservations import FundingSource, reservation_of
from pricing.payments.gateway import DECLINES, DELAYS, REHEARSED_GATEWAY, PaymentState
from pricing.payments.run_payments import debts_of_runs
from pricing.plans.on_sale import BUNDLED_PLANS, load_plans
from pricing.plans.quotes import Unit, quote_run
from pricing.run_charges.charges import charge_start, correct, reserve, void_reservation
from pricing.tables import DEPARTMENT_LOTS, LOTS, PAYMENTS, PERIODS, SUBSCRIPTIONS
from pricing.tariffs import LoadSize
from tests.billing_simulator.invariants import broken
from tests.patience import PATIENCE_S

EXAMPLES = int(os.environ.get("LOADMUSTER_EXAMPLES", "12"))
STEPS = int(os.environ.get("LOADMUSTER_STEPS", "20"))
PLANS = load_plans(BUNDLED_PLANS)
DEPARTMENTS = ("research", "sales")
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


def _buys_no_credits(cause: str) -> bool:
    """An upgrade to a dearer plan without more LI-minutes: paid, and nothing is granted."""
    if ":upgrade:" not in cause:
        return False
    _, _, _, before, after, _ = cause.split(":")
    return PLANS[after].li_minutes <= PLANS[before].li_minutes


class AnySubscriber(RuleBasedStateMachine):
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
        self.departments: set[str] = set()
        self.used_ids: list[str] = []
        self.now = datetime(2027, 1, 31, 22, 30, tzinfo=UTC)

    def _fresh_file(self) -> str:
        """An empty database: migrated once, then copied."""
        if AnySubscriber.template is None or not AnySubscriber.template.exists():
            AnySubscriber.template = Path(tempfile.mkdtemp(prefix="lm-life-")) / "empty.db"
            open_database(f"sqlite:///{AnySubscriber.template}").dispose()
        return f"sqlite:///{shutil.copy(AnySubscriber.template, self.folder / 'life.db')}"

    def teardown(self) -> None:
        self.conn.rollback()
        self.conn.close()
        self.db.dispose()
        shutil.rmtree(self.folder)

    @initialize(
        plan=st.sampled_from(["on-demand", "starter", "professional", "team", "trial"]),
        zone=st.sampled_from(ZONES),
        day=st.integers(0, 400),
        activated=st.sampled_from([None, datetime(2021, 10, 11, 12, tzinfo=UTC)]),
    )
    def open(self, plan: str, zone: str, day: int, activated: datetime | None) -> None:
        self.now += timedelta(days=day)
        for name in ("acme", "bystander"):
            open_account(
                self.conn,
                name,
                PLANS[plan],
                timezone=zone,
                activated_at=activated,
                now=self.now,
                gateway=REHEARSED_GATEWAY,
            )
        self.untouched = entries(self.conn, "bystander")

    def send(
        self,
        command: Callable[..., object],
        times: int,
        *content: Any,  # noqa: ANN401 - commands differ
        **options: Any,  # noqa: ANN401
    ) -> bool:
        """A command, once or twice under one request id; a refusal changes nothing (I7, I13).

        Returns:
            Whether it was done.
        """
        self.number += 1
        key = f"r{self.number}"
        before = account_view(self.conn, "acme", self.now, gateway=REHEARSED_GATEWAY)
        answers: list[AccountView] = []
        for _ in range(times):
            try:
                with self.conn.begin_nested():
                    command(
                        self.conn,
                        "acme",
                        *content,
                        now=self.now,
                        request_id=key,
                        gateway=REHEARSED_GATEWAY,
                        **options,
                    )
            except RefusedError as refusal:
                assert refusal.facts  # noqa: PT017 - refused with its numbers
                assert (
                    account_view(self.conn, "acme", self.now, gateway=REHEARSED_GATEWAY) == before
                )
                assert not answers, "done, and refused when sent again"
                return False
            answers.append(account_view(self.conn, "acme", self.now, gateway=REHEARSED_GATEWAY))
        assert all(answer == answers[0] for answer in answers)
        self.used_ids.append(key)
        return True

    @precondition(lambda self: self.used_ids)
    @rule(n=st.integers(0, 99))
    def use_an_id_again(self, n: int) -> None:
        """A used id stands for what it was used for, for ever (I7)."""
        before = account_view(self.conn, "acme", self.now, gateway=REHEARSED_GATEWAY)
        used = self.used_ids[n % len(self.used_ids)]
        with pytest.raises(RequestConflictError), self.conn.begin_nested():
            set_card(
                self.conn,
                "acme",
                "tok_of_nobody",
                now=self.now,
                request_id=used,
                gateway=REHEARSED_GATEWAY,
            )
        assert account_view(self.conn, "acme", self.now, gateway=REHEARSED_GATEWAY) == before

    @rule(days=st.integers(0, 45), hours=st.integers(0, 23))
    def wait(self, days: int, hours: int) -> None:
        self.now += timedelta(days=days, hours=hours)

    @rule()
    def to_the_boundary(self) -> None:
        before = account_view(self.conn, "acme", self.now, gateway=REHEARSED_GATEWAY)
        if before.period is None:
            return
        self.now = before.period.end
        after = account_view(self.conn, "acme", self.now, gateway=REHEARSED_GATEWAY)
        if before.pending is not None and before.pending.change == "downgrade":
            # I11: whatever was left is void, and the new grant is there, if it could be paid.
            paid = 0 if after.unpaid_usd_micros else PLANS[after.account.plan].li_minutes
            left = sum(lot.remaining for lot in after.lots if lot.kind is not LotKind.EXTRA)
            assert left == paid

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
        self.send(cancel, times, user=OWNER, by="ann")

    @rule(card=st.sampled_from([DECLINES, DELAYS, "tok_good", "tok_good"]), times=times)
    def change_card(self, card: str, times: int) -> None:
        self.send(set_card, times, card)

    @rule(
        subscription=st.integers(1, 4),
        n=st.integers(0, 30),
        state=st.sampled_from(["accepted", "declined"]),
        times=times,
    )
    def gateway_answers(self, subscription: int, n: int, state: str, times: int) -> None:
        key = period_cause(subscription, n)
        for _ in range(times):
            try:
                with self.conn.begin_nested():
                    payment_answered(
                        self.conn,
                        "acme",
                        key,
                        PaymentState(state),
                        now=self.now,
                        gateway=REHEARSED_GATEWAY,
                    )
            except RefusedError:
                return

    @precondition(lambda self: bool(debts_of_runs(self.conn, "acme")))
    @rule(state=st.sampled_from(["accepted", "declined"]), times=times)
    def gateway_answers_for_a_run(self, state: str, times: int) -> None:
        debt, *_ = debts_of_runs(self.conn, "acme")
        run_id = debt.cause.removeprefix("run:")
        paid = [
            run_payment_answered(
                self.conn,
                "acme",
                run_id,
                PaymentState(state),
                now=self.now,
                gateway=REHEARSED_GATEWAY,
            )
            for _ in range(times)
        ]
        assert paid == [state == "accepted", False][:times]

    @precondition(lambda self: self.number > 15)
    @rule()
    def delete_it(self) -> None:
        self.send(delete, 2)

    @rule(name=st.sampled_from(DEPARTMENTS), times=times)
    def found_a_department(self, name: str, times: int) -> None:
        if self.send(add_department, times, name):
            self.departments.add(name)

    @precondition(lambda self: self.departments)
    @rule(share=st.sampled_from([0, 30, 600, 1_800]), n=st.integers(0, 1), times=times)
    def share(self, share: int, n: int, times: int) -> None:
        names = sorted(self.departments)
        self.send(allocate, times, names[n % len(names)], share)

    @precondition(lambda self: self.departments)
    @rule(dollars=st.sampled_from([0, 40, 1_000]), n=st.integers(0, 1), times=times)
    def fill_a_wallet(self, dollars: int, n: int, times: int) -> None:
        names = sorted(self.departments)
        self.send(limit_wallet, times, names[n % len(names)], dollars * 1_000_000)

    @rule(limit=st.sampled_from([0, 100, 5_000]), times=times)
    def allow_extra_credits(self, limit: int, times: int) -> None:
        self.send(limit_extra_credits, times, limit)

    @rule(
        injectors=st.integers(1, 120),
        minutes=st.integers(1, 20),
        department=st.sampled_from([None, None, *DEPARTMENTS]),
        times=times,
    )
    def accept(self, injectors: int, minutes: int, department: str | None, times: int) -> None:
        self.number += 1
        run_id = f"run-{self.number}"
        view = account_view(self.conn, "acme", self.now, gateway=REHEARSED_GATEWAY)
        usage = LoadSize(injectors=injectors, users=injectors * 100, duration_s=60 * minutes)
        quotes = [quote_run(PLANS[name], usage) for name in (view.account.plan, "on-demand")]
        department = department if department in self.departments else None
        for _ in range(times):
            try:
                with self.conn.begin_nested():
                    reserved = reserve(
                        self.conn,
                        "acme",
                        run_id,
                        quotes[0],
                        department=department,
                        on_demand=quotes[1],
                        now=self.now,
                        gateway=REHEARSED_GATEWAY,
                    )
            except RefusedError:
                assert account_view(self.conn, "acme", self.now, gateway=REHEARSED_GATEWAY) == view
                return
        if reserved.funding_source is FundingSource.WALLET:
            assert department is not None
            wallet = department_view(
                self.conn, "acme", department, self.now, gateway=REHEARSED_GATEWAY
            ).wallet
            together = wallet.spent_usd_micros + wallet.reserved_usd_micros
            assert together <= wallet.limit_usd_micros
        self.reserved.append(run_id)
        self.launched.append((run_id, reserved.quote))

    @precondition(lambda self: self.reserved)
    @rule(goes=st.booleans(), times=times)
    def launch(self, *, goes: bool, times: int) -> None:
        run_id = self.reserved.pop(0)
        for _ in range(times):
            (charge_start if goes else void_reservation)(
                self.conn, run_id, now=self.now, gateway=REHEARSED_GATEWAY
            )
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
            gateway=REHEARSED_GATEWAY,
        )
        issue_for_run(self.conn, run_id, self.now)

    @invariant()
    def the_books_are_right(self) -> None:
        if not hasattr(self, "untouched"):
            return
        view = account_view(self.conn, "acme", self.now, gateway=REHEARSED_GATEWAY)
        written = entries(self.conn, "acme")
        # History only grows (I18 rests on it), in the order in which things took effect.
        assert written[: len(self.said)] == self.said
        self.said = written
        instants = [entry.effective_at for entry in written]
        assert instants == sorted(instants)
        assert entries(self.conn, "bystander") == self.untouched
        self.check_ledger(view, written)
        self.check_periods()
        self.check_upgrades()
        self.check_invoices()
        assert broken(self.conn) == []

    def check_ledger(self, view: AccountView, written: tuple[Transaction, ...]) -> None:
        """I1-I4, I10, I11, I18."""
        balances: Counter[tuple[str, Unit]] = Counter()
        for entry in written:
            for posting in entry.postings:
                balances[posting.ledger_account, posting.unit] += posting.amount
            for unit in Unit:
                assert sum(p.amount for p in entry.postings if p.unit is unit) == 0
            if not entry.natural_key.endswith(
                (":correction", ":payment", ":set-off", ":taken-back")
            ):
                assert all(p.amount > 0 for p in entry.postings if p.ledger_account == "receivable")
        # Nothing is owed but by runs whose payment the gateway refused, or has not answered for.
        debts = debts_of_runs(self.conn, "acme")
        assert balances["receivable", Unit.USD] == sum(debt.usd_micros for debt in debts)
        lots = {name: amount for (name, _), amount in balances.items() if name.startswith("lot:")}
        assert all(amount >= 0 for amount in lots.values())
        suspended = 0 if view.pending is None else view.pending.suspended_li_minutes
        bought = {entry.natural_key for entry in written if entry.natural_key.endswith(":extra")}
        rows = self.conn.execute(
            select(LOTS, DEPARTMENT_LOTS.c.department_id)
            .outerjoin(DEPARTMENT_LOTS, DEPARTMENT_LOTS.c.lot_id == LOTS.c.id)
            .where(LOTS.c.account_id == "acme")
        ).all()
        promised = {row.id for row in rows if row.kind == LotKind.EXTRA and row.cause not in bought}
        held = sum(
            part.amount
            for run_id in self.reserved
            for part in reservation_of(self.conn, run_id).slices
            if part.lot_id not in promised
        )
        # What the lots hold can be used, is suspended, or waits for a run that reserved it.
        usable = sum(lot.available for lot in view.lots)
        assert sum(lots.values()) == usable + suspended + held
        assert all(0 <= lot.reserved <= lot.remaining <= lot.amount for lot in view.lots)
        # A department's lot was granted to the account before; extra credits are bought by a start.
        granted = {
            row.cause: row.amount
            for row in rows
            if row.department_id is None and row.id not in promised
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
        assert set(granted) - {"trial:acme"} - bought <= paid
        assert {cause for cause in paid if not _buys_no_credits(cause)} <= set(granted)

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

    def check_upgrades(self) -> None:
        """I9: each step up costs what the plans' prices differ by, so all of them together do."""
        for entry in self.said:
            if ":upgrade:" in entry.natural_key and entry.natural_key.endswith(":charge"):
                _, _, _, before, after, _, _ = entry.natural_key.split(":")
                steps = [PLANS[name].monthly_usd_micros for name in (before, after)]
                (charged,) = (p.amount for p in entry.postings if p.amount > 0)
                assert charged == steps[1] - steps[0]

    def check_invoices(self) -> None:
        issued = list_invoices(self.conn, "acme")
        for kind, series in (("invoice", "acme-"), ("credit_note", "acme-CN")):
            numbers = [each.number for each in issued if each.kind == kind]
            assert numbers == [f"{series}{n:05d}" for n in range(1, len(numbers) + 1)]

    @rule(days=st.integers(1, 200), parts=st.integers(2, 5))
    def split_time(self, days: int, parts: int) -> None:
        """I8: crossing boundaries in steps is crossing them at once."""
        later = self.now + timedelta(days=days)
        outcomes = []
        for steps in (1, parts):
            trial = self.conn.begin_nested()
            for step in range(1, steps + 1):
                advance(
                    self.conn,
                    "acme",
                    self.now + (later - self.now) * step / steps,
                    gateway=REHEARSED_GATEWAY,
                )
            outcomes.append(
                [
                    (each.natural_key, each.effective_at, each.postings)
                    for each in entries(self.conn, "acme")
                ]
            )
            trial.rollback()
        assert outcomes[0] == outcomes[1]


TestAnySubscriber = AnySubscriber.TestCase
TestAnySubscriber.settings = settings(
    max_examples=EXAMPLES,
    stateful_step_count=STEPS,
    suppress_health_check=list(HealthCheck),
)
pytestmark = [pytest.mark.early, pytest.mark.timeout(2 * PATIENCE_S + EXAMPLES * STEPS)]
