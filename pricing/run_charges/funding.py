"""Who pays for a run: one funding source, chosen before anything is reserved.

An account's run takes the account's own LI-minutes, then extra credits if it may buy any; on demand
it is paid in money. A department's run takes the department's LI-minutes if they suffice (R70);
else all of it is paid in money, on demand, within the department's wallet (R71, R72, C11). What is
refused is refused with its numbers and with what would help (R73, R78, R106).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime

from msgspec import Struct
from sqlalchemy import Connection

from kernel.errors import RefusedError
from kernel.words import counted
from pricing.accounts.account import check_not_deleted, day_and_time, shown
from pricing.accounts.advance import OpenBooks, open_books
from pricing.departments.extra_credits import extra_credits_of, price_of
from pricing.departments.wallet import Wallet, wallet_of
from pricing.ledger.allocations import account_lots, department_lots
from pricing.ledger.departments import Department, find_department, list_departments
from pricing.ledger.lots import Lot, Slice, take
from pricing.ledger.reservations import FundingSource, funding_source_of
from pricing.money import format_cents, format_usd
from pricing.payments.collecting import capabilities_of
from pricing.payments.gateway import PaymentGateway
from pricing.plans.model import Plan
from pricing.plans.quotes import Quote, Unit
from pricing.run_charges.caps import check_caps
from pricing.run_charges.remedies import Help, Need, Remedy, in_words, names_of, remedies_of
from pricing.subscriptions.debts import check_paid
from pricing.subscriptions.dunning import standing_of
from pricing.subscriptions.subscriptions import Subscription


class InsufficientCreditsError(RefusedError):
    """Too few LI-minutes; facts: ``account``, ``needed``, ``available``, ``remedies``."""

    code = "insufficient_credits"


class WalletExceededError(RefusedError):
    """The department's wallet does not cover the run.

    Facts: ``account``, ``department``, ``quoted_usd``, ``limit_usd``, ``spent_usd``,
    ``reserved_usd``, ``available_usd``, ``li_minutes_needed``, ``li_minutes_available``,
    ``next_month``, ``remedies``.
    """

    code = "wallet_exceeded"


class SubscriptionEndedError(RefusedError):
    """The account's subscription is over: nothing can be run (R61).

    Facts: ``account``, ``plan``, ``ended_at``.
    """

    code = "subscription_ended"


class AccountSuspendedError(RefusedError):
    """The account has not paid for so long that nothing is run for it (C70).

    Facts: ``account``, ``since``, ``usd``, ``remedies``.
    """

    code = "account_suspended"


class QuoteOutdatedError(RefusedError):
    """The account is on another plan by now; facts: ``account``, ``plan``, ``quoted``."""

    code = "quote_outdated"


class Funding(Struct, frozen=True):
    """How a run would be paid.

    Attributes:
        quote: What it costs that funding source.
        department: Whose run it is; None: the account's own.
        slices: The parts of lots that pay; none for money.
        extra_li_minutes: What is bought besides, of extra credits.
        extra_usd_micros: What that costs.
    """

    quote: Quote
    department: Department | None = None
    slices: tuple[Slice, ...] = ()
    extra_li_minutes: int = 0
    extra_usd_micros: int = 0

    @property
    def funding_source(self) -> FundingSource:
        """Which funding source."""
        return funding_source_of(self.quote, self.department.name if self.department else None)


def preview(  # noqa: PLR0913 - as ``charges.reserve``
    conn: Connection,
    account_id: str,
    quote: Quote,
    *,
    now: datetime,
    department: str | None = None,
    on_demand: Quote | None = None,
    on_sale: Iterable[Plan] = (),
    gateway: PaymentGateway,
) -> Funding:
    """Who would pay for a run now, or the refusal that ``charges.reserve`` would answer with.

    Takes and raises what ``charges.reserve`` does; nothing is set aside.
    """
    books = open_books(conn, account_id, now, gateway=gateway)
    return choose_payment(
        conn,
        books,
        quote,
        department=department,
        on_demand=on_demand,
        on_sale=on_sale,
    )


def choose_payment(
    conn: Connection,
    books: OpenBooks,
    quote: Quote,
    *,
    department: str | None = None,
    on_demand: Quote | None = None,
    on_sale: Iterable[Plan] = (),
) -> Funding:
    """Who pays for a run, as things stand; nothing is written.

    Args:
        conn: An open transaction.
        books: Those of the account whose run it is.
        quote: The run on the account's plan.
        department: Name of the department that runs; None: the account itself.
        on_demand: The same run on the on-demand plan, for when a department's credits do not
            suffice; None, or on a channel that cannot charge between two dates: it is refused.
        on_sale: The plans that are sold; a refusal names what of them would help.

    Raises:
        AccountDeletedError: If the account was deleted.
        SubscriptionEndedError: If the account's subscription is over.
        AccountSuspendedError: If it has not paid for so long that it is suspended.
        QuoteOutdatedError: If the account is no longer on the plan of the quote.
        PlanCapError: If the plan does not allow a run that large, or one more at once.
        PaymentOverdueError: If the run would be paid in money, and something has not been paid.
        UnknownDepartmentError: If the account has no such department.
        InsufficientCreditsError: If the LI-minutes do not suffice and nothing may replace them.
        WalletExceededError: If the department's wallet does not cover the run.
    """
    account_id, at, subscription = books.account_id, books.instant, books.subscription
    if books.deleted_at is not None:
        check_not_deleted(conn, account_id)
    plan = subscription.plan.name
    if subscription.ended_at is not None:
        raise SubscriptionEndedError(
            f"account {account_id}: its subscription to {plan} ended at"
            f" {day_and_time(subscription.ended_at)}; choose a plan to run again",
            account=account_id,
            plan=plan,
            ended_at=shown(subscription.ended_at),
        )
    if books.owes:
        _check_not_suspended(conn, subscription, at)
    if quote.plan != plan:
        raise QuoteOutdatedError(
            f"account {account_id} is on plan {plan}, the quote is for {quote.plan}; quote again",
            account=account_id,
            plan=plan,
            quoted=quote.plan,
        )
    check_caps(conn, account_id, subscription.plan, quote)
    if department is not None:
        found = find_department(conn, account_id, department)
        payment = _department_pays(conn, found, quote, on_demand, on_sale, at)
    elif quote.unit is Unit.USD:
        payment = Funding(quote)
    else:
        payment = _account_pays(conn, account_id, quote, on_sale, at)
    if books.owes and (payment.quote.unit is Unit.USD or payment.extra_usd_micros):
        check_paid(conn, subscription)
    return payment


def _check_not_suspended(conn: Connection, subscription: Subscription, at: datetime) -> None:
    """Nothing is run for who has not paid for long, not even with credits that are there (C70)."""
    standing = standing_of(conn, subscription, at)
    if standing is None or standing.suspended_at is None:
        return
    account_id, usd = subscription.account_id, format_usd(standing.usd_micros)
    day = standing.since.astimezone(subscription.anchor.zone).date()
    raise AccountSuspendedError(
        f"account {account_id} is suspended: {usd} USD have not been paid, due since {day};"
        f" credits can be used again once they are: loadmuster account pay {account_id}",
        account=account_id,
        since=standing.suspended_at.isoformat(timespec="seconds"),
        usd=usd,
        remedies=Help.PAY.value,
    )


def _account_pays(
    conn: Connection, account_id: str, quote: Quote, on_sale: Iterable[Plan], at: datetime
) -> Funding:
    """The account's own lots, and extra credits for what is missing."""
    lots = account_lots(conn, account_id, at)
    free = _free(lots)
    missing = max(quote.total - free, 0)
    if not missing:
        return Funding(quote, slices=take(lots, quote.total))
    extra = extra_credits_of(conn, account_id, at)
    price = price_of(quote, missing)
    if price is None or missing > extra.available_li_minutes:
        available = free + (0 if price is None else extra.available_li_minutes)
        remedies = remedies_of(conn, account_id, Need(quote, missing, at, tuple(on_sale)))
        shares = _shares(conn, account_id, at)
        shared = ", ".join(f"{amount:,} in {name}" for name, amount in shares.items())
        raise InsufficientCreditsError(
            f"account {account_id}: the run needs {counted(quote.total, 'LI-minute')},"
            f" {available:,} are available"
            f"{f' besides what its departments have ({shared})' if shared else ''}"
            f"{in_words(remedies)}",
            account=account_id,
            needed=quote.total,
            available=available,
            remedies=names_of(remedies),
        )
    return Funding(
        quote,
        slices=take(lots, free),
        extra_li_minutes=missing,
        extra_usd_micros=price,
    )


def _department_pays(
    conn: Connection,
    department: Department,
    quote: Quote,
    on_demand: Quote | None,
    on_sale: Iterable[Plan],
    at: datetime,
) -> Funding:
    """The department's lots if they hold the whole run; else its wallet, never both (C11)."""
    money, free = quote, 0

    def remedies(missing: int) -> tuple[Remedy, ...]:
        need = Need(quote, missing, at, tuple(on_sale), department)
        return remedies_of(conn, department.account_id, need)

    if quote.unit is Unit.LI_MINUTES:
        lots = department_lots(conn, department, at)
        free = _free(lots)
        if quote.total <= free:
            return Funding(quote, department, take(lots, quote.total))
        if on_demand is None or not capabilities_of(conn, department.account_id).charges_at_once:
            found = remedies(quote.total - free)
            raise InsufficientCreditsError(
                f"department {department.name} of account {department.account_id}: the run needs"
                f" {counted(quote.total, 'LI-minute')}, {free:,} are available{in_words(found)}",
                account=department.account_id,
                needed=quote.total,
                available=free,
                remedies=names_of(found),
            )
        money = on_demand
    assert money.unit is Unit.USD, "the on-demand plan is paid in money"
    wallet = wallet_of(conn, department, at)
    if money.total > wallet.available_usd_micros:
        found = (*remedies(quote.li_minutes - free), *_more_money(department, wallet, quote, money))
        needed = quote.total if quote.unit is Unit.LI_MINUTES else None
        raise _wallet_exceeded(department, wallet, money, found, needed=needed, free=free)
    return Funding(money, department)


def _more_money(
    department: Department, wallet: Wallet, quote: Quote, money: Quote
) -> Iterator[Remedy]:
    """A higher limit; or the next month, if that has room for the run (R74)."""
    limit = wallet.spent_usd_micros + wallet.reserved_usd_micros + money.total
    yield Remedy(Help.LIMIT, f"raise its limit to {format_cents(limit)} USD")
    is_granted = quote.unit is Unit.LI_MINUTES and quote.total <= department.allocation_li_minutes
    if is_granted or money.total <= wallet.limit_usd_micros:
        yield Remedy(Help.WAIT, f"run again after {wallet.period.last_day}")


def _wallet_exceeded(
    department: Department,
    wallet: Wallet,
    money: Quote,
    remedies: Sequence[Remedy],
    *,
    needed: int | None,
    free: int,
) -> WalletExceededError:
    credits_said = (
        "" if needed is None else f"{free:,} of {counted(needed, 'LI-minute')} are left, and "
    )
    reserved = wallet.reserved_usd_micros
    reserved_said = f" and {format_cents(reserved)} reserved" if reserved else ""
    next_month = wallet.period.end.isoformat(timespec="seconds")
    return WalletExceededError(
        f"department {department.name} of account {department.account_id}: {credits_said}"
        f"{format_cents(money.total)} USD do not fit in its wallet: "
        f"{format_cents(wallet.spent_usd_micros)}{reserved_said} of"
        f" {format_usd(wallet.limit_usd_micros)} USD are spent this month{in_words(remedies)}",
        account=department.account_id,
        department=department.name,
        quoted_usd=format_cents(money.total),
        limit_usd=format_usd(wallet.limit_usd_micros),
        spent_usd=format_cents(wallet.spent_usd_micros),
        reserved_usd=format_cents(reserved),
        available_usd=format_usd(wallet.available_usd_micros),
        li_minutes_needed=needed,
        li_minutes_available=free,
        next_month=next_month,
        remedies=names_of(remedies),
    )


def _shares(conn: Connection, account_id: str, at: datetime) -> dict[str, int]:
    """What each department has left, by name; those that have nothing are left out."""
    found = {
        each.name: _free(department_lots(conn, each, at))
        for each in list_departments(conn, account_id)
    }
    return {name: free for name, free in found.items() if free}


def _free(lots: tuple[Lot, ...]) -> int:
    return sum(lot.available for lot in lots)
