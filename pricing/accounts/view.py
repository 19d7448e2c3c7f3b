"""An account as it stands at an instant: plan, period, credits, charges, and what is to come."""

from __future__ import annotations

from datetime import UTC, datetime

from msgspec import Struct
from sqlalchemy import Connection, select

from pricing.accounts.account import Account, find_account
from pricing.accounts.advance import advance
from pricing.accounts.cancellations import kept_until
from pricing.currencies import DOLLARS
from pricing.ledger.balances import balance_below
from pricing.ledger.invoices import REVENUE
from pricing.ledger.lots import Lot, open_lots, suspended_lots
from pricing.payments.credit import credit_of
from pricing.payments.disputes import disputed_usd_micros
from pricing.payments.gateway import PaymentGateway, is_rehearsed
from pricing.periods import Period
from pricing.plans.channels import Channel
from pricing.plans.quotes import Unit
from pricing.subscriptions.changes import Change, ChangeKind, ChangeState, open_changes
from pricing.subscriptions.debts import debts_of
from pricing.subscriptions.dunning import Standing, standing_of
from pricing.subscriptions.owed import is_overdue
from pricing.subscriptions.subscriptions import Subscription, latest
from pricing.tables import ACCOUNTS
from pricing.taxes.model import TAX_ACCOUNT, Taxation
from pricing.taxes.on_record import taxation_of


class NextCharge(Struct, frozen=True):
    """What the next period's start will charge, net, and the tax on it as it is today."""

    at: datetime
    usd_micros: int
    tax_usd_micros: int = 0


class Pending(Struct, frozen=True):
    """What has been asked for and has not taken effect.

    Attributes:
        change: ``downgrade``, ``cancellation``, ``on_demand``, or ``new_terms`` of the same plan.
        state: ``requested`` until a representative has confirmed it, then ``pending``.
        at: When it takes effect; None while it is only requested.
        plan: The plan that it leads to; for ``on_demand`` the one that an undo leads back to.
        requested_by: Who asked for a cancellation.
        suspended_li_minutes: Credits that will be void then, unless the switch is undone.
        held_li_minutes: Suspended ones that accepted runs hold, which are not void with them.
        monthly_usd_micros: What ``plan`` costs a month as it will be.
        monthly_li_minutes: What it grants.
        is_beneath: The account went on demand since: only an undo lets it take effect (C38).
    """

    change: str
    state: str
    at: datetime | None
    plan: str | None
    requested_by: str | None
    suspended_li_minutes: int
    held_li_minutes: int = 0
    is_beneath: bool = False
    monthly_usd_micros: int | None = None
    monthly_li_minutes: int | None = None


class AccountView(Struct, frozen=True):
    """An account as it stands at an instant.

    Attributes:
        account: Who.
        period: The current billing period; None on demand and after a cancellation.
        lots: What can be used, in burn order.
        charged_usd_micros: All that was charged so far, net, less what was corrected.
        tax_usd_micros: The tax on it.
        taxation: How its charges are taxed now; None: no tax is computed.
        next_charge: None on demand, and where the subscription is going to end.
        pending_changes: What was asked for and has not taken effect; the one that will take effect
            next comes first.
        unpaid_usd_micros: What could not be collected for periods that have begun, and for runs.
        pending_usd_micros: What of that no bank has refused, nor answered for.
        credit_usd_micros: What came back of runs that were paid; set off against the next one.
        due_usd_micros: How much of what is charged has fallen due since the last command on the
            account, and will be posted by the next.
        hypothetical: It is looked at by another clock than it lives by, at a later time.
        is_later: An earlier instant was asked for than the last command's, which this is of.
        as_of: The instant, where it was looked at; None: it is a command's answer, which is the
            same whenever the command is sent again.
        channel: Through what it pays.
        has_card: A card is on record.
        payments_rehearsed: The payment gateway collects nothing.
        currency: What its money is in.
        disputed_usd_micros: What of its payments is disputed and not decided (C75).
        is_overdue: Something unpaid was to be paid by now.
        dunning: How far it has come with what was declined; None: nothing was.
        card_lost: Why the card on record will never pay; None: it may.
        renewable_until: Until when a subscription that has ended can be renewed (R63).
    """

    account: Account
    period: Period | None
    lots: tuple[Lot, ...]
    charged_usd_micros: int
    next_charge: NextCharge | None
    pending_changes: tuple[Pending, ...] = ()
    unpaid_usd_micros: int = 0
    pending_usd_micros: int = 0
    credit_usd_micros: int = 0
    due_usd_micros: int = 0
    hypothetical: bool = False
    is_later: bool = False
    as_of: datetime | None = None
    channel: Channel = Channel.CARD
    has_card: bool = False
    payments_rehearsed: bool = False
    tax_usd_micros: int = 0
    taxation: Taxation | None = None
    currency: str = DOLLARS
    disputed_usd_micros: int = 0
    is_overdue: bool = False
    dunning: Standing | None = None
    card_lost: str | None = None
    renewable_until: datetime | None = None

    @property
    def pending(self) -> Pending | None:
        """The change that will take effect next; None: nothing was asked for."""
        return self.pending_changes[0] if self.pending_changes else None

    @property
    def balance_li_minutes(self) -> int:
        """LI-minutes that are left, those that runs have reserved included."""
        return sum(lot.remaining for lot in self.lots)

    @property
    def reserved_li_minutes(self) -> int:
        """LI-minutes that accepted runs hold and have not been charged yet."""
        return sum(lot.reserved for lot in self.lots)


def account_view(
    conn: Connection, account_id: str, now: datetime, *, gateway: PaymentGateway
) -> AccountView:
    """An account as it stands at ``now``, with everything due until then done.

    Args:
        conn: An open write transaction.
        account_id: Whose.
        now: The command's instant.
        gateway: Collects what is due by now.

    Raises:
        UnknownAccountError: If there is no such account.
        ClockBackwardsError: If the account has been dealt with at a later instant.
    """
    instant = advance(conn, account_id, now, gateway=gateway)
    return view_at(conn, find_account(conn, account_id), instant, gateway=gateway)


def charged_usd_micros(conn: Connection, account_id: str) -> int:
    """What was charged to an account so far, corrections deducted."""
    return -balance_below(conn, account_id, REVENUE, Unit.USD)


def view_at(
    conn: Connection, account: Account, instant: datetime, *, gateway: PaymentGateway
) -> AccountView:
    """An account as it stands, its books having been advanced to ``instant``.

    Args:
        conn: An open transaction.
        account: Whose.
        instant: The account's.
        gateway: Whoever collects its payments; nobody is asked.
    """
    account_id = account.id
    pays = conn.execute(
        select(
            ACCOUNTS.c.channel, ACCOUNTS.c.card, ACCOUNTS.c.card_lost, ACCOUNTS.c.currency
        ).where(ACCOUNTS.c.id == account_id)
    ).one()
    subscription = latest(conn, account_id)
    changes = {} if subscription.ended_at else open_changes(conn, subscription.id)
    period = subscription.period_at(instant)
    taxation = taxation_of(conn, account_id, instant)
    debts = debts_of(conn, subscription)
    return AccountView(
        account=account,
        period=period,
        lots=open_lots(conn, account_id, instant),
        charged_usd_micros=charged_usd_micros(conn, account_id),
        next_charge=_next_charge(
            subscription,
            changes,
            period,
            taxation,
            owes=debts.periods > 0,
        ),
        pending_changes=_pending(conn, account_id, changes, instant),
        unpaid_usd_micros=debts.usd_micros,
        pending_usd_micros=debts.pending_usd_micros,
        credit_usd_micros=credit_of(conn, account_id),
        channel=Channel(pays.channel),
        has_card=pays.card is not None,
        payments_rehearsed=is_rehearsed(gateway=gateway),
        tax_usd_micros=-balance_below(conn, account_id, TAX_ACCOUNT, Unit.USD),
        taxation=taxation,
        currency=pays.currency,
        disputed_usd_micros=disputed_usd_micros(conn, account_id),
        is_overdue=debts.usd_micros > 0 and is_overdue(conn, subscription, instant),
        dunning=standing_of(conn, subscription, instant),
        card_lost=pays.card_lost,
        renewable_until=_renewable_until(conn, account, subscription, instant),
    )


def _renewable_until(
    conn: Connection, account: Account, subscription: Subscription, instant: datetime
) -> datetime | None:
    until = None if account.status == "deleted" else kept_until(conn, subscription)
    return until if until is not None and instant < until else None


def _next_charge(
    subscription: Subscription,
    changes: dict[ChangeKind, Change],
    period: Period | None,
    taxation: Taxation | None,
    *,
    owes: bool,
) -> NextCharge | None:
    """The boundary charges the plan that will be in force then, if there is one."""
    if period is None or not subscription.has_periods:
        return None
    cancellation = changes.get(ChangeKind.CANCELLATION)
    if cancellation is not None and cancellation.state is ChangeState.PENDING:
        return None
    plan = subscription.plan
    for change in (changes.get(ChangeKind.NEW_TERMS), changes.get(ChangeKind.DOWNGRADE)):
        if change is None or change.plan is None or change.effective_at is None:
            continue
        if change.effective_at <= period.end and not (change.kind is ChangeKind.NEW_TERMS and owes):
            plan = change.plan
    price = plan.monthly_usd_micros
    return NextCharge(period.end, price, 0 if taxation is None else taxation.tax_on(price))


def _pending(
    conn: Connection, account_id: str, changes: dict[ChangeKind, Change], at: datetime
) -> tuple[Pending, ...]:
    """The switch to on-demand, else the change with a date, else the one that waits for one.

    A trial's end is no change.
    """
    wanted = [each for each in changes.values() if each.kind is not ChangeKind.TRIAL_END]
    wanted.sort(
        key=lambda change: (
            change.kind is not ChangeKind.ON_DEMAND,
            change.effective_at or datetime.max.replace(tzinfo=UTC),
            change.kind is ChangeKind.NEW_TERMS,
        )
    )
    suspended = suspended_lots(conn, account_id, at)
    return tuple(
        Pending(
            change=change.kind,
            state=change.state,
            at=change.effective_at,
            plan=None if change.plan is None else change.plan.name,
            monthly_usd_micros=None if change.plan is None else change.plan.monthly_usd_micros,
            monthly_li_minutes=None if change.plan is None else change.plan.li_minutes,
            requested_by=change.requested_by,
            suspended_li_minutes=sum(lot.available for lot in suspended),
            held_li_minutes=sum(lot.reserved for lot in suspended),
            is_beneath=ChangeKind.ON_DEMAND in changes and change.kind is not ChangeKind.ON_DEMAND,
        )
        for change in wanted
    )
