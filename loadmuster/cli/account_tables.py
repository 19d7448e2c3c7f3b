"""Accounts and their books as people read them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import timedelta
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from kernel.words import counted
from loadmuster.cli.as_of import tell_as_of

if TYPE_CHECKING:
    from rich.console import Console
    from rich.table import Table

    from pricing.accounts.account import Account
    from pricing.accounts.plan_history import HistoryRow
    from pricing.accounts.plan_offers import PlanOffer
    from pricing.accounts.view import AccountView, NextCharge, Pending
    from pricing.ledger.ledger import Posting, Transaction


def show_account(console: Console, view: AccountView) -> None:
    """One account: plan, period, credits and charges."""
    from pricing.accounts.clock import AsOf

    if view.as_of is not None:
        seen = AsOf(view.as_of, view.hypothetical, view.is_later)
        tell_as_of(console, seen, view.account.timezone)
    table = _table(f"Account {view.account.id}", show_header=False)
    for row in (*_plan_rows(view), *_money_rows(view)):
        table.add_row(*row)
    console.print(table)
    if view.lots:
        console.print(_lots_table(view))


def _plan_rows(view: AccountView) -> Iterator[tuple[str, str]]:
    """What the account is on, and what is left of it."""
    yield "plan", f"{view.account.plan} ({view.account.status})"
    yield "time zone", view.account.timezone
    if view.renewable_until is not None:
        last = view.renewable_until.astimezone(ZoneInfo(view.account.timezone))
        yield "renewal", f"possible until {last - timedelta.resolution:%Y-%m-%d}"
    if view.period is not None:
        yield "period", f"{view.period.first_day} to {view.period.last_day}"
        yield "balance", counted(view.balance_li_minutes, "LI-minute")
    if view.reserved_li_minutes:
        yield "of it reserved", counted(view.reserved_li_minutes, "LI-minute")


def _money_rows(view: AccountView) -> Iterator[tuple[str, str]]:
    """What was charged, how it is taxed and paid, and what is to come."""
    from pricing.money import format_usd

    yield "charged so far", f"{format_usd(view.charged_usd_micros)} USD"
    if view.taxation is not None:
        yield "tax", _tax(view)
    if view.due_usd_micros:
        yield "of it due", f"{format_usd(view.due_usd_micros)} USD, not posted yet"
    if view.period is not None and view.next_charge is not None:
        next_day = view.period.last_day + timedelta(days=1)
        yield "next charge", f"{_next_charge(view.next_charge)} on {next_day}"
    yield "payments", _payments(view)
    if view.unpaid_usd_micros:
        word = "overdue" if view.is_overdue else "due"
        yield word, _unpaid(view)
        if view.dunning is not None:
            yield from _dunning_rows(view)
    if view.disputed_usd_micros:
        yield "disputed", f"{format_usd(view.disputed_usd_micros)} USD, which the bank decides on"
    if view.credit_usd_micros:
        credit = format_usd(view.credit_usd_micros)
        yield "in credit", f"{credit} USD, set off against what is charged next"
    for pending in view.pending_changes:
        beneath = "if on-demand is undone: " if pending.is_beneath else ""
        yield "pending", beneath + _pending(pending, view.account.timezone)


def _unpaid(view: AccountView) -> str:
    """What is not paid: refused, or not answered for."""
    from pricing.money import format_usd

    unpaid, pending = view.unpaid_usd_micros, view.pending_usd_micros
    usd = f"{format_usd(unpaid)} USD"
    asked = f"the bank has not answered; `account reconcile {view.account.id}` asks it again"
    if pending == unpaid:
        return f"{usd} are pending: {asked}"
    if pending:
        return f"{usd} could not be collected; of {format_usd(pending)} USD of them {asked}"
    return f"{usd} could not be collected"


def _dunning_rows(view: AccountView) -> Iterator[tuple[str, str]]:
    """What was done about what is not paid, and what comes next."""
    from loadmuster.cli.account_dunning import WORDS, next_in_words

    standing, timezone = view.dunning, view.account.timezone
    assert standing is not None
    zone = ZoneInfo(timezone)
    day = f"{standing.since.astimezone(zone):%Y-%m-%d}"
    done = [f"{WORDS[each.kind]} on {each.at.astimezone(zone):%Y-%m-%d}" for each in standing.taken]
    if standing.suspended_at is not None and done:
        done[-1] += "; no run starts"
    yield "dunning", "; ".join([f"due {day}", *done[-1:]])
    yield "if not paid", next_in_words(standing.next, timezone)


def _tax(view: AccountView) -> str:
    """How charges are taxed, and what that came to so far."""
    from pricing.money import format_usd
    from pricing.taxes.words import treatment_in_words

    assert view.taxation is not None
    return f"{format_usd(view.tax_usd_micros)} USD so far; {treatment_in_words(view.taxation)}"


def _next_charge(charge: NextCharge) -> str:
    from pricing.money import format_usd

    tax = f" and {format_usd(charge.tax_usd_micros)} tax" if charge.tax_usd_micros else ""
    return f"{format_usd(charge.usd_micros)} USD{tax}"


def _payments(view: AccountView) -> str:
    """Through what an account pays, and whether money moves at all."""
    from pricing.plans.channels import Channel

    pays = f"by {view.channel}"
    if view.channel is Channel.CARD and not view.has_card:
        pays = "no card on file"
    if view.card_lost is not None:
        pays += f" ({view.card_lost}: put another on record)"
    return f"rehearsed, nothing is collected; {pays}" if view.payments_rehearsed else pays


def _pending(pending: Pending, timezone: str) -> str:
    """What will happen, and when."""
    day = "" if pending.at is None else f"{pending.at.astimezone(ZoneInfo(timezone)):%Y-%m-%d}"
    at = day and f" at {day}"
    match pending.change:
        case "on_demand":
            return _suspended(pending, day)
        case "new_terms":
            assert pending.monthly_usd_micros is not None, "a notice leads to a plan"
            from pricing.money import format_usd

            granted = counted(pending.monthly_li_minutes or 0, "LI-minute")
            price = f"{format_usd(pending.monthly_usd_micros)} USD a month for {granted}"
            return f"{pending.plan} will be {price} from {day} on"
        case "cancellation" if pending.at is None:
            return f"cancellation, asked for by {pending.requested_by}; not confirmed yet"
        case "cancellation":
            return f"the subscription ends{at}"
    return f"{pending.change} to {pending.plan}{at}; what is unused then will be void"


def _suspended(pending: Pending, day: str) -> str:
    """What going on demand leaves of the plan: nothing that runs hold is void."""
    said = f"until {day} undo gives {pending.plan} back"
    if pending.suspended_li_minutes:
        void = counted(pending.suspended_li_minutes, "LI-minute")
        said = f"{void} of {pending.plan} will be void at {day}; until then undo gives them back"
    if pending.held_li_minutes:
        held = counted(pending.held_li_minutes, "LI-minute")
        is_or_are = "is" if pending.held_li_minutes == 1 else "are"
        said += f"; {held} that accepted runs hold {is_or_are} kept"
    return said


def show_history(console: Console, rows: Sequence[HistoryRow], timezone: str) -> None:
    """Every plan that an account was on."""
    zone = ZoneInfo(timezone)
    table = _table("Plans", "plan", "status", "from", "to")
    table.add_column("LI-minutes a month", justify="right")
    for row in rows:
        end = "" if row.end is None else f"{row.end.astimezone(zone):%Y-%m-%d %H:%M}"
        table.add_row(
            row.plan,
            row.status,
            f"{row.start.astimezone(zone):%Y-%m-%d %H:%M}",
            end,
            f"{row.monthly_li_minutes:,}",
        )
    console.print(table)


def show_offers(console: Console, offers: Sequence[PlanOffer]) -> None:
    """Every plan that an account can choose."""
    from pricing.money import format_usd

    table = _table("Offers", "plan")
    table.add_column("USD a month", justify="right")
    table.add_column("LI-minutes a month", justify="right")
    table.add_column("unused ones")
    table.add_column("")
    reasons = _reasons(offers)
    for offer in offers:
        plan, choice = offer.plan, offer.plan.credits
        grant = f"{plan.li_minutes:,}"
        if choice is not None:
            grant = f"{choice.minimum:,} to {choice.maximum:,}"
        unused = "kept" if plan.rollover else "end"
        table.add_row(
            plan.name,
            format_usd(plan.monthly_usd_micros) + ("" if choice is None else " and up"),
            grant,
            unused if plan.is_subscription else "",
            _way_to(offer, reasons),
        )
    console.print(table)
    console.print(
        "LI-minutes that are kept now stay kept on a dearer plan; a smaller plan, on-demand and the"
        " end of the subscription void them."
    )
    for reason, mark in reasons.items():
        console.print(f"{mark}: {reason}")


def _reasons(offers: Sequence[PlanOffer]) -> Mapping[str, str]:
    """What stands in the way, each reason once, and how it is marked in the table."""
    said = dict.fromkeys(each.why_not for each in offers if _stands_in_the_way(each))
    alone = len(said) == 1
    return {
        str(reason): "not now" if alone else f"not now ({number})"
        for number, reason in enumerate(said, start=1)
    }


def _stands_in_the_way(offer: PlanOffer) -> bool:
    return offer.why_not is not None and offer.action != "contact_us"


def _way_to(offer: PlanOffer, reasons: Mapping[str, str]) -> str:
    """How an account gets the plan, what that costs at once, or that something is in its way."""
    from pricing.money import format_usd

    way = offer.action.replace("_", " ")
    if offer.sold_for_usd_micros != offer.plan.monthly_usd_micros:
        way += f"; sold for {format_usd(offer.sold_for_usd_micros)} USD by now"
    if offer.why_not is not None and _stands_in_the_way(offer):
        return reasons[offer.why_not]
    if offer.at_once is not None and offer.action == "change_now":
        granted = counted(offer.at_once.li_minutes, "LI-minute")
        return f"{way}: {format_usd(offer.at_once.usd_micros)} USD for {granted}"
    return way


def show_accounts(console: Console, accounts: Sequence[Account]) -> None:
    """All accounts, one a line."""
    if not accounts:
        console.print("No accounts yet. Open one: loadmuster account open NAME --plan starter")
        return
    table = _table("Accounts", "id", "plan", "status", "time zone", "opened")
    for account in accounts:
        opened_at = account.opened_at.astimezone(ZoneInfo(account.timezone))
        table.add_row(
            account.id, account.plan, account.status, account.timezone, f"{opened_at:%Y-%m-%d}"
        )
    console.print(table)


def show_ledger(console: Console, transactions: Sequence[Transaction], timezone: str) -> None:
    """Every posting, under its transaction."""
    if not transactions:
        console.print("Nothing in the books yet.")
        return
    table = _table(f"Ledger (times in {timezone})", "at", "what")
    table.add_column("ledger account", no_wrap=True)
    table.add_column("amount", justify="right", no_wrap=True)
    zone = ZoneInfo(timezone)
    for transaction in transactions:
        at = f"{transaction.effective_at.astimezone(zone):%Y-%m-%d %H:%M}"
        what = transaction.description
        for posting in transaction.postings:
            table.add_row(at, what, posting.ledger_account, amount_of(posting))
            at = what = ""
        table.add_section()
    console.print(table)


def _lots_table(view: AccountView) -> Table:
    zone = ZoneInfo(view.account.timezone)
    table = _table("Credits, in the order in which they are used", "lot", "kind", "from", "until")
    table.add_column("granted", justify="right")
    table.add_column("left", justify="right")
    for lot in view.lots:
        until = f"{lot.expires_at.astimezone(zone):%Y-%m-%d %H:%M}" if lot.expires_at else "used up"
        table.add_row(
            str(lot.id),
            lot.kind,
            f"{lot.effective_at.astimezone(zone):%Y-%m-%d}",
            until,
            f"{lot.amount:,}",
            f"{lot.remaining:,}",
        )
    return table


def amount_of(posting: Posting) -> str:
    """What a posting moves, with its unit."""
    from pricing.money import format_usd
    from pricing.plans.quotes import Unit

    if posting.unit is Unit.USD:
        return f"{format_usd(posting.amount)} USD"
    return f"{posting.amount:,} LI-min"


def _table(title: str, *columns: str, show_header: bool = True) -> Table:
    from loadmuster.cli.fitting import FittingTable

    return FittingTable(*columns, title=title, title_justify="left", show_header=show_header)
