"""What can be asked of an account: the call, and what the model expects of it once accepted."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from sqlalchemy import Connection

from pricing.accounts.advance import advance
from pricing.accounts.boosts import boost
from pricing.accounts.cancellations import cancel, confirm_cancel, renew
from pricing.accounts.deletions import delete
from pricing.accounts.on_demand import to_on_demand, undo
from pricing.accounts.opening import open_account
from pricing.accounts.overdue import pay, payment_answered, run_payment_answered, set_card
from pricing.accounts.owner import OWNER
from pricing.accounts.plan_changes import downgrade, upgrade
from pricing.departments.commands import add_department, allocate, limit_wallet
from pricing.departments.extra_credits import limit_extra_credits
from pricing.payments.gateway import REHEARSED_GATEWAY, PaymentState
from pricing.plans.channels import Channel
from pricing.plans.model import Plan
from tests.billing_simulator.model import Account, Department

Do = Callable[[Connection, datetime], object]
Effect = Callable[[Account, datetime], None]


@dataclass(frozen=True)
class Command:
    """One request as its client sends it, any number of times.

    Attributes:
        kind: For the report.
        content: For people who look for what went wrong.
        do: Sends it, at an instant; what it returns is its answer.
        effect: What it does to the model once the books have accepted it.
        foreseen: Whether the model would accept it; None: it does not know that kind's rules.
        barred: Whether the model knows of something that forbids it, whatever else it knows.
        request_id: The id that it is sent under, if it is sent under one.
    """

    kind: str
    content: str
    do: Do
    effect: Effect
    foreseen: Callable[[Account, datetime], bool] | None = None
    barred: Callable[[Account], bool] = lambda _books: False
    request_id: str | None = None


@dataclass(frozen=True)
class Desk:
    """Where commands on one account are written, each under a request id of its own."""

    account_id: str
    request_id: str

    def opening(self, model: Account, administrators: tuple[str, ...]) -> Command:
        """Open the account like the model's."""
        plan = model.plan

        def do(conn: Connection, now: datetime) -> object:
            return open_account(
                conn,
                self.account_id,
                plan,
                timezone=model.zone,
                activated_at=model.activated,
                now=now,
                request_id=self.request_id,
                channel=Channel(model.channel),
                card=model.card,
                administrators=administrators,
                gateway=REHEARSED_GATEWAY,
            )

        return self._command("open", do, lambda books, at: books.subscribe(plan, at), plan.name)

    def wait(self) -> Command:
        """Bring the books up to date, and nothing else."""

        def do(conn: Connection, now: datetime) -> object:
            return advance(conn, self.account_id, now, gateway=REHEARSED_GATEWAY)

        return Command("advance", "", do, lambda _books, _at: None)

    def upgrade(self, plan: Plan, agreed_with: str | None) -> Command:
        def effect(books: Account, at: datetime) -> None:
            if not books.is_monthly:
                books.subscribe(plan, at)
                return
            before, books.plan = books.plan, plan
            usd_micros = plan.monthly_usd_micros - before.monthly_usd_micros
            books.buy("upgrade", plan, usd_micros, plan.li_minutes - before.li_minutes, at)
            books.waiting.pop("downgrade", None)

        command = self._life("upgrade", upgrade, effect, plan, agreed_with=agreed_with)
        return replace(
            command,
            barred=lambda books: books.is_overdue and plan.monthly_usd_micros > 0,
        )

    def downgrade(self, plan: Plan, agreed_with: str | None) -> Command:
        def effect(books: Account, at: datetime) -> None:
            books.waiting["downgrade"] = (plan, books.period_end(at))

        return self._life("downgrade", downgrade, effect, plan, agreed_with=agreed_with)

    def to_on_demand(self, on_demand: Plan, agreed_with: str | None) -> Command:
        def effect(books: Account, at: datetime) -> None:
            if books.ended:
                books.subscribe(on_demand, at)
                return
            books.waiting["on_demand"] = (books.plan, books.period_end(at))
            books.plan, books.suspended = on_demand, True

        return self._life("to-on-demand", to_on_demand, effect, on_demand, agreed_with=agreed_with)

    def undo(self) -> Command:
        def effect(books: Account, _at: datetime) -> None:
            if "on_demand" not in books.waiting:
                del books.waiting["downgrade"]
                return
            plan, _ = books.waiting.pop("on_demand")
            assert plan is not None
            books.plan, books.suspended = plan, False

        return self._life("undo", undo, effect)

    def boost(self) -> Command:
        def effect(books: Account, at: datetime) -> None:
            plan = books.waiting.get("downgrade", (books.plan, None))[0]
            assert plan is not None
            books.buy("boost", plan, plan.price_of_boost_usd_micros, plan.li_minutes, at)

        return replace(self._life("boost", boost, effect), barred=lambda books: books.is_overdue)

    def cancel(self, by: str) -> Command:
        def effect(books: Account, _at: datetime) -> None:
            books.waiting["cancellation"] = (None, None)

        return self._life("cancel", cancel, effect, user=OWNER, by=by)

    def confirm(self) -> Command:
        def effect(books: Account, at: datetime) -> None:
            books.waiting["cancellation"] = (None, books.period_end(at))
            books.waiting.pop("downgrade", None)

        return self._life("confirm-cancel", confirm_cancel, effect, representative="rita")

    def renew(self) -> Command:
        def effect(books: Account, at: datetime) -> None:
            if books.waiting.pop("cancellation", None) is None:
                books.subscribe(books.plan, at)

        return replace(
            self._life("renew", renew, effect),
            barred=lambda books: books.ended and books.is_overdue,
        )

    def delete(self) -> Command:
        def effect(books: Account, _at: datetime) -> None:
            if not books.deleted:
                books.credits.void_all()
                books.ended, books.deleted, books.suspended = True, True, False
                books.give_up_periods()
                books.waiting = {}

        return replace(
            self._life("delete", delete, effect, gives_up_credit=True),
            barred=lambda books: books.is_overdue and not books.deleted,
        )

    def set_card(self, card: str) -> Command:
        def effect(books: Account, _at: datetime) -> None:
            books.card = card

        return self._life("card", set_card, effect, card)

    def pay(self) -> Command:
        def effect(books: Account, at: datetime) -> None:
            books.pay(at)

        def foreseen(books: Account, _at: datetime) -> bool:
            is_due = bool(books.payable or books.money.uncollected)
            return is_due and books.would_pay() and not books.deleted

        return replace(self._life("pay", pay, effect), foreseen=foreseen)

    def add_department(self, name: str) -> Command:
        def effect(books: Account, _at: datetime) -> None:
            books.departments[name] = Department(name)

        return self._life("department-add", add_department, effect, name)

    def allocate(self, name: str, li_minutes: int) -> Command:
        def effect(books: Account, at: datetime) -> None:
            books.departments[name].allocation = li_minutes
            books.top_up(books.departments[name], at)

        return self._life("department-allocate", allocate, effect, name, li_minutes)

    def limit_wallet(self, name: str, usd_micros: int) -> Command:
        def effect(books: Account, _at: datetime) -> None:
            books.departments[name].limit_usd_micros = usd_micros

        return self._life("department-limit", limit_wallet, effect, name, usd_micros)

    def limit_extra(self, li_minutes: int) -> Command:
        def effect(books: Account, _at: datetime) -> None:
            books.extra_limit = li_minutes

        return self._life("extra-credits", limit_extra_credits, effect, li_minutes)

    def gateway_says(self, message: Message) -> Command:
        """A gateway's message, which carries no request id: the payment's key is enough."""

        def do(conn: Connection, now: datetime) -> object:
            state = PaymentState(message.state)
            if message.run is None:
                payment_answered(
                    conn, self.account_id, message.key, state, now=now, gateway=REHEARSED_GATEWAY
                )
            else:
                run_payment_answered(
                    conn, self.account_id, message.run, state, now=now, gateway=REHEARSED_GATEWAY
                )
            return message

        def effect(books: Account, at: datetime) -> None:
            if message.run is not None:
                if message.run in books.money.uncollected:
                    books.money.answered(message.run, message.state)
                return
            left, bought = books.plan, books.waiting.get("on_demand", (books.plan, None))[0]
            is_of_now = not books.ended and message.subscription == books.subscriptions
            if is_of_now and message.n in books.unpaid:
                # What was paid for while on demand is there again after an undo.
                assert bought is not None
                books.plan = bought
                price = bought.monthly_usd_micros
                if books.money.heard(message.n, price, message.state):
                    books.pay_overdue(at, message.n)
                books.plan = left

        return Command("payment-message", f"{message.key} {message.state}", do, effect)

    def _life(
        self,
        kind: str,
        call: Callable[..., object],
        effect: Effect,
        *content: Any,  # noqa: ANN401 - the command's own
        **options: Any,  # noqa: ANN401
    ) -> Command:
        def do(conn: Connection, now: datetime) -> object:
            return call(
                conn,
                self.account_id,
                *content,
                now=now,
                request_id=self.request_id,
                gateway=REHEARSED_GATEWAY,
                **options,
            )

        shown = " ".join(str(getattr(each, "name", each)) for each in content)
        return self._command(kind, do, effect, shown)

    def _command(self, kind: str, do: Do, effect: Effect, content: str) -> Command:
        return Command(kind, content, do, effect, request_id=self.request_id)


@dataclass(frozen=True)
class Message:
    """What a gateway says about a payment, some day, perhaps twice.

    Attributes:
        key: The payment's.
        state: ``accepted`` or ``declined``.
        subscription: Which of the account's subscriptions it was for, counted from 1.
        n: Number of the period, if it was for one.
        run: The run, if it was for one.
    """

    key: str
    state: str
    subscription: int
    n: int | None = None
    run: str | None = None
