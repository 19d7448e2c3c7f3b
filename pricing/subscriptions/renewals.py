"""What passing time writes into the books of plain accounts: the rows of many, made together.

The same as ``boundaries`` does for one account, in the same order: what has expired by a period's
start is closed, the period is charged, its payment booked and its grant given, its invoice issued.
What each of these is, is said in one place for both.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from functools import cache

from msgspec import Struct
from msgspec.structs import astuple
from sqlalchemy import Connection

from pricing.ledger.issuing_many import NewInvoice, write_invoices
from pricing.ledger.ledger import Transaction, write_new
from pricing.ledger.lots import Grant, filling_of, lot_row
from pricing.ledger.taxed import line_of, with_tax
from pricing.payments.gateway import (
    PaymentGateway,
    PaymentRequest,
    PaymentState,
    calls_out,
    is_rehearsed,
)
from pricing.payments.payment import Payment, entry_of, identity_row, outcome_row, payment_of
from pricing.periods import Anchor, Period, period, period_number
from pricing.subscriptions.lot_expiry import ExpiryReason, emptying
from pricing.subscriptions.plain import ExpiringLot, PlainAccount
from pricing.subscriptions.subscriptions import (
    MOST_PERIODS_AT_ONCE,
    PeriodPayment,
    Subscription,
    charge_of,
    grant_of,
    opens_at,
)
from pricing.tables import (
    LOT_CLOSURES,
    LOTS,
    PAYMENTS,
    PERIODS,
    TAX_LINES,
    insert_many,
    new_ids,
)
from pricing.taxes.model import TaxLine
from pricing.taxes.on_record import question_of
from pricing.taxes.table import SHIPPED

_LOT = (
    *("account_id", "kind", "priority", "amount"),
    *("effective_at", "expires_at", "created_at", "cause"),
)
_PERIOD = ("subscription_id", "n", "starts_at", "ends_at", "payment")
_CLOSURE = ("lot_id", "account_id", "reason", "closed_at")
_PAYMENT = (
    *("cause", "account_id", "usd_micros", "channel", "state", "reason"),
    *("rehearsed", "had_card", "key", "set_off_usd_micros", "asked_at"),
)


_TAX_LINE = (
    *("account_id", "natural_key", "cause"),
    *("treatment", "country", "rate_ppm", "net_usd_micros", "tax_usd_micros"),
)


class Calendar:
    """The periods of a sweep, each worked out once for all accounts that have it.

    Args:
        now: The sweep's instant.
    """

    def __init__(self, now: datetime) -> None:
        self.now = now
        self.period = cache(period)
        self._number = cache(period_number)

    def due_periods(self, account: PlainAccount) -> range:
        """The numbers of the periods that have begun and were not opened yet."""
        running = account.running
        if running is None or not running.subscription.has_periods:
            return range(0)
        anchor = running.subscription.anchor
        return range(running.next_period, self._number(anchor, self.now) + 1)

    def next_period_at(self, anchor: Anchor) -> datetime:
        """When the next period begins, all that are due having been opened."""
        due: Period = self.period(anchor, self._number(anchor, self.now) + 1)
        return due.start


class Renewal(Struct, frozen=True, gc=False):
    """A plain account, the periods that it opens, and their payments; none for a free plan."""

    account: PlainAccount
    periods: tuple[Period, ...]
    payments: tuple[Payment, ...]


def renewal_of(
    account: PlainAccount, calendar: Calendar, *, gateway: PaymentGateway
) -> Renewal | None:
    """What becomes of an account by the calendar's instant; None: it is not as plain as that.

    Args:
        account: It.
        calendar: The sweep's.
        gateway: Of one that calls out nothing is asked, and whoever must pay is not so plain.
    """
    due = calendar.due_periods(account)
    if not due:
        return Renewal(account, (), ())
    if len(due) > MOST_PERIODS_AT_ONCE:
        return None
    assert account.running is not None
    subscription = account.running.subscription
    payments = []
    for request in requests_of(account, due):
        if calls_out(gateway=gateway):
            return None
        answer = gateway.collect(request)
        if answer.state is not PaymentState.ACCEPTED:
            return None
        payments.append(
            payment_of(request, request.key, answer, is_rehearsed=is_rehearsed(gateway=gateway))
        )
    periods = tuple(calendar.period(subscription.anchor, n) for n in due)
    return Renewal(account, periods, tuple(payments))


def requests_of(account: PlainAccount, due: Sequence[int]) -> Iterator[PaymentRequest]:
    """What the gateway is asked for of an account's due periods; nothing for a free plan."""
    assert account.running is not None
    subscription = account.running.subscription
    usd_micros = subscription.plan.monthly_usd_micros
    if usd_micros:
        for n in due:
            cause = subscription.cause_of(n)
            line = tax_line_of(account, n)
            gross = usd_micros + (0 if line is None else line.tax_usd_micros)
            yield PaymentRequest(
                cause, account.id, gross, account.channel, account.card, at_once=False
            )


def tax_line_of(account: PlainAccount, n: int) -> TaxLine | None:
    """The tax on an account's n-th period; None: none is computed."""
    if not account.parties.sellers:
        return None
    assert account.running is not None
    subscription = account.running.subscription
    at = opens_at(subscription, period(subscription.anchor, n))
    seller = account.parties.seller_at(at)
    question = question_of(seller, account.parties.customer, subscription.anchor.zone, at)
    if question is None:
        return None
    return line_of(SHIPPED.taxation(question), subscription.plan.monthly_usd_micros)


class NewRows:
    """The rows that the renewals of many accounts write, in the accounts' order.

    Args:
        now: When they are written.
    """

    def __init__(self, now: datetime) -> None:
        self._now = now
        self._transactions: list[Transaction] = []
        self._lots: list[tuple[object, ...]] = []
        self._closures: list[tuple[object, ...]] = []
        self._periods: list[tuple[object, ...]] = []
        self._payments: list[tuple[object, ...]] = []
        self._invoices: list[NewInvoice] = []
        self._tax_lines: list[tuple[object, ...]] = []

    def add(self, renewal: Renewal, lot_ids: Iterator[int]) -> None:
        """Add what an account's renewal writes.

        Args:
            renewal: It.
            lot_ids: Numbers for the lots that it makes.
        """
        account = renewal.account
        open_lots = list(account.expiring)
        invoices = 0
        for number, due in enumerate(renewal.periods):
            open_lots = self._close_expired(account.id, open_lots, due.start)
            assert account.running is not None
            payment = renewal.payments[number] if renewal.payments else None
            lot_id = next(lot_ids)
            given = self._open(account.running.subscription, due, payment, lot_id)
            if payment is not None:
                self._charge(account, due, payment, given, number=invoices)
                invoices += 1
            self._transactions.append(filling_of(account.id, lot_id, given, now=self._now))
            if given.expires_at is not None:
                open_lots.append(ExpiringLot(lot_id, given.expires_at, given.amount))
        self._close_expired(account.id, open_lots, self._now)

    def write(self, conn: Connection) -> None:
        """Write them all.

        Raises:
            IntegrityError: Of the database, if one is there already; nothing may be kept.
        """
        insert_many(conn, LOTS, ("id", *_LOT), self._lots)
        insert_many(conn, PERIODS, _PERIOD, self._periods)
        insert_many(conn, PAYMENTS, _PAYMENT, self._payments)
        insert_many(conn, LOT_CLOSURES, _CLOSURE, self._closures)
        write_new(conn, self._transactions)
        insert_many(conn, TAX_LINES, _TAX_LINE, self._tax_lines)
        write_invoices(conn, self._invoices)

    def _close_expired(
        self, account_id: str, lots: Sequence[ExpiringLot], until: datetime
    ) -> list[ExpiringLot]:
        """Close the lots that have expired by then; the others."""
        for lot in lots:
            if lot.expires_at > until:
                continue
            reason, at = ExpiryReason.EXPIRED, lot.expires_at
            self._closures.append((lot.id, account_id, reason, at))
            if lot.remaining > 0:
                self._transactions.append(
                    emptying(
                        account_id,
                        lot.id,
                        lot.remaining,
                        reason,
                        times=lot.closings,
                        at=at,
                        now=self._now,
                    )
                )
        return [lot for lot in lots if lot.expires_at > until]

    def _open(
        self,
        subscription: Subscription,
        due: Period,
        payment: Payment | None,
        lot_id: int,
    ) -> Grant:
        """Open a period, whose payment was accepted."""
        now, account_id = self._now, subscription.account_id
        at = opens_at(subscription, due)
        given = grant_of(subscription, due, at=at)
        self._periods.append((subscription.id, due.n, due.start, due.end, PeriodPayment.PAID))
        self._lots.append((lot_id, *lot_row(account_id, given, now=now).values()))
        if payment is not None:
            row: Mapping[str, object] = {**identity_row(payment), **outcome_row(payment)}
            self._payments.append((*row.values(), now))
        return given

    def _charge(
        self, account: PlainAccount, due: Period, payment: Payment, given: Grant, *, number: int
    ) -> None:
        """Charge a period with its tax, book its payment and issue its invoice.

        Args:
            account: Whose.
            due: The period.
            payment: Accepted.
            given: What it grants.
            number: How many invoices of the account this renewal has issued before.
        """
        assert account.running is not None
        subscription, now = account.running.subscription, self._now
        at, line = given.effective_at, tax_line_of(account, due.n)
        charge = with_tax(charge_of(subscription, due, at=at, now=now), line)
        self._transactions += [charge, entry_of(payment, at=at, now=now)]
        seller = account.parties.seller_at(at)
        self._invoices.append(
            NewInvoice(
                account.id,
                account.last_invoice + number + 1,
                account.own_place + number + 1,
                given.cause,
                at,
                (charge,),
                seller,
                account.parties.customer,
                () if line is None else (line,),
            )
        )
        if line is not None:
            key = (account.id, charge.natural_key, charge.cause)
            self._tax_lines.append((*key, *astuple(line)))


def write_renewals(conn: Connection, renewals: Sequence[Renewal], now: datetime) -> None:
    """Open the due periods of many accounts and close what has expired; their books are locked.

    Raises:
        IntegrityError: Of the database, if something of it is there already; nothing may be kept.
    """
    lot_ids = new_ids(conn, LOTS, sum(len(each.periods) for each in renewals))
    rows = NewRows(now)
    for each in renewals:
        rows.add(each, lot_ids)
    rows.write(conn)
