"""What would help a run that is refused: only what the account can do as things stand, with prices.

Whether it can is asked of the commands themselves (``boosted_plan``, ``upgrade_terms``,
``check_can_buy``), which is also what ``account offers`` does: nothing is recommended that would be
refused (R73, R78, R106).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from datetime import datetime
from enum import StrEnum
from functools import partial

from msgspec import Struct
from sqlalchemy import Connection

from kernel.division import ceil_div
from kernel.errors import RefusedError
from kernel.words import counted
from pricing.accounts.boosts import boosted_plan
from pricing.accounts.command import CancellationPendingError, CommandContext
from pricing.accounts.plan_sales import ContactUsError, upgrade_terms
from pricing.departments.commands import check_share
from pricing.departments.extra_credits import check_can_buy, extra_credits_of, price_of
from pricing.ledger.allocations import share_that_brings
from pricing.ledger.departments import Department, list_departments
from pricing.money import format_usd
from pricing.payments.collecting import capabilities_of
from pricing.plans.model import Plan
from pricing.plans.quotes import Quote
from pricing.run_charges.caps import check_caps
from pricing.subscriptions.debts import PaymentOverdueError, debts_of
from pricing.subscriptions.subscriptions import latest


class Help(StrEnum):
    """What can be done; most are commands."""

    BOOST = "boost"
    UPGRADE = "upgrade"
    EXTRA_CREDITS = "extra-credits"
    ALLOCATE = "allocate"
    LIMIT = "limit"
    PAY = "pay"
    RENEW = "renew"
    CONTACT_US = "contact-us"
    WAIT = "wait"


class Remedy(Struct, frozen=True):
    """One thing that would help.

    Attributes:
        help: What.
        words: The same for people, with what it costs.
        plan: The plan that an upgrade leads to.
        times: How often it has to be done.
        usd_micros: What it costs in all; of extra credits, what the run will pay for them.
        li_minutes: What it grants, or the limit or the allocation that it sets.
    """

    help: Help
    words: str
    plan: str | None = None
    times: int = 1
    usd_micros: int = 0
    li_minutes: int = 0


class Need(Struct, frozen=True):
    """What a refused run lacks.

    Attributes:
        quote: The run.
        missing: LI-minutes that it lacks on the plan that the account is on.
        at: The account's instant.
        plans: Those that are on sale.
        department: Whose run it is; None: the account's own.
    """

    quote: Quote
    missing: int
    at: datetime
    plans: Sequence[Plan]
    department: Department | None = None


Way = Callable[[Connection, CommandContext, Need], Remedy | None]


def remedies_of(conn: Connection, account_id: str, need: Need) -> tuple[Remedy, ...]:
    """What the account can do for the run, the nearest first; nothing is written."""
    context = CommandContext(account_id, "", need.at, latest(conn, account_id))
    ways: list[Way] = [_boost, _upgrade, _extra_credits]
    if need.department is not None:
        ways = [_allocate, _upgrade]
    found: dict[Help, Remedy] = {}
    for way in ways:
        remedy = _tried(conn, context, partial(way, conn, context, need))
        if remedy is not None:
            found.setdefault(remedy.help, remedy)
    if not found.keys() - {Help.CONTACT_US}:
        waiting = _wait(conn, context, need)
        return (*found.values(), *([] if waiting is None else [waiting]))
    return tuple(found.values())


def in_words(remedies: Iterable[Remedy]) -> str:
    """What would help as the end of a sentence; empty, where nothing would."""
    *first, last = [each.words for each in remedies] or [""]
    said = f"{', '.join(first)} or {last}" if first else last
    return f"; {said}" if said else ""


def names_of(remedies: Iterable[Remedy]) -> str:
    """What would help as a fact of an error: ``boost, upgrade``; empty, where nothing would."""
    return ", ".join(each.help for each in remedies)


def _tried(
    conn: Connection, context: CommandContext, way: Callable[[], Remedy | None]
) -> Remedy | None:
    """The way, or what has to be done before it can be gone."""
    try:
        return way()
    except PaymentOverdueError:
        owed = debts_of(conn, context.subscription).usd_micros
        words = f"pay the {format_usd(owed)} USD that are overdue"
        return Remedy(Help.PAY, words, usd_micros=owed)
    except CancellationPendingError:
        return Remedy(Help.RENEW, "take back the cancellation: renew")
    except RefusedError:
        return None


def _boost(conn: Connection, context: CommandContext, need: Need) -> Remedy:
    plan = boosted_plan(conn, context)
    times = ceil_div(need.missing, plan.li_minutes)
    usd, granted = times * plan.price_of_boost_usd_micros, times * plan.li_minutes
    how = "boost the plan" if times == 1 else f"boost the plan {counted(times, 'time')}"
    words = f"{how} ({_usd(usd)} for {counted(granted, 'LI-minute')})"
    return Remedy(Help.BOOST, words, times=times, usd_micros=usd, li_minutes=granted)


def _upgrade(conn: Connection, context: CommandContext, need: Need) -> Remedy | None:
    """The cheapest plan that the run fits; else a representative, where one sells such a plan."""
    if (
        context.subscription.has_periods
        and not capabilities_of(conn, context.account_id).charges_at_once
    ):
        return Remedy(Help.CONTACT_US, "change the contract where it is paid")
    sold: list[tuple[int, int, str]] = []
    is_agreed = False
    for plan in need.plans:
        enough = _with_enough(conn, context, plan, need)
        if enough is None:
            continue
        try:
            check_caps(conn, context.account_id, enough, need.quote)
            terms = upgrade_terms(conn, context, enough)
        except ContactUsError:
            is_agreed = True
        except (PaymentOverdueError, CancellationPendingError):
            raise
        except RefusedError:
            continue
        else:
            sold.append((terms.usd_micros, terms.li_minutes, enough.name))
    if sold:
        usd, granted, name = min(sold)
        what = f"{_usd(usd)} now for {counted(granted, 'LI-minute')}"
        words = f"upgrade the plan to {name} ({what})"
        return Remedy(Help.UPGRADE, words, plan=name, usd_micros=usd, li_minutes=granted)
    if is_agreed:
        return Remedy(Help.CONTACT_US, "contact us for a bigger plan")
    return None


def _with_enough(conn: Connection, context: CommandContext, plan: Plan, need: Need) -> Plan | None:
    """The plan with credits enough for the run, as few as are sold; None: it never has."""
    if context.subscription.has_periods:
        least = context.subscription.plan.li_minutes + need.missing
    else:
        # A first grant: departments have their shares of it, and nothing is left from before.
        shared = sum(
            each.allocation_li_minutes for each in list_departments(conn, context.account_id)
        )
        least = need.quote.li_minutes + (shared if need.department is None else 0)
    choice = plan.credits
    if choice is not None and plan.li_minutes < least:
        steps = ceil_div(least - choice.minimum, choice.step)
        wanted = choice.minimum + steps * choice.step
        plan = plan.with_credits(min(wanted, choice.maximum))
    return plan if plan.li_minutes >= least else None


def _extra_credits(conn: Connection, context: CommandContext, need: Need) -> Remedy | None:
    usd = price_of(need.quote, need.missing)
    if usd is None:
        return None
    extra = extra_credits_of(conn, context.account_id, need.at)
    limit = need.missing + extra.bought_li_minutes + extra.reserved_li_minutes
    check_can_buy(conn, context.account_id, need.at, limit)
    context.check_paid(conn)
    what = f"a limit of {limit:,}; the run takes {need.missing:,} for {_usd(usd)}"
    words = f"allow extra credits ({what})"
    return Remedy(Help.EXTRA_CREDITS, words, usd_micros=usd, li_minutes=limit)


def _allocate(conn: Connection, context: CommandContext, need: Need) -> Remedy | None:
    """More of what the account has not used of this period's grant (R68)."""
    department, period = need.department, context.subscription.period_at(need.at)
    assert department is not None, "only departments have shares"
    if period is None:
        return None
    share = share_that_brings(conn, department, need.missing, period, need.at)
    if share is None:
        return None
    check_share(conn, department, share)
    words = f"allocate it {counted(share, 'LI-minute')} a month"
    return Remedy(Help.ALLOCATE, words, li_minutes=share)


def _wait(conn: Connection, context: CommandContext, need: Need) -> Remedy | None:
    """The next grant, where nothing is sold before it and the run fits then."""
    if not context.subscription.has_periods or context.changes(conn):
        return None
    plan = context.subscription.plan
    grant = plan.li_minutes if need.department is None else need.department.allocation_li_minutes
    if grant < (need.missing if plan.rollover else need.quote.li_minutes):
        return None
    return Remedy(
        Help.WAIT,
        f"run again after {context.period.last_day}, when {counted(grant, 'LI-minute')} are"
        " granted",
    )


def _usd(usd_micros: int) -> str:
    return f"{format_usd(usd_micros)} USD"
