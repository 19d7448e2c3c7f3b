"""The documents of accounts: one as it stands, all of them, its plans, and its books."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any

from loadmuster.documents.as_of import as_of_part
from loadmuster.documents.dunning import standing_part
from loadmuster.documents.instants import local_to
from pricing.money import format_usd
from pricing.plans.quotes import Unit
from pricing.taxes.model import format_rate

if TYPE_CHECKING:
    from pricing.accounts.account import Account
    from pricing.accounts.clock import AsOf
    from pricing.accounts.notices import NoticeGiven
    from pricing.accounts.plan_history import HistoryRow
    from pricing.accounts.plan_offers import PlanOffer
    from pricing.accounts.view import AccountView, Pending
    from pricing.ledger.command_log import LoggedCommand
    from pricing.ledger.ledger import Posting, Transaction
    from pricing.ledger.lots import Lot
    from pricing.plans.model import Plan
    from pricing.taxes.model import Taxation

Local = Callable[[datetime], str]


def account_document(view: AccountView) -> dict[str, Any]:
    """The contract's document of ``account show``; instants are in the account's zone."""
    local = local_to(view.account.timezone)
    return {
        "id": view.account.id,
        "plan": view.account.plan,
        "status": view.account.status,
        "timezone": view.account.timezone,
        "activated_at": local(view.account.activated_at),
        "period": None
        if view.period is None
        else {"start": local(view.period.start), "end": local(view.period.end)},
        "balance_li_minutes": view.balance_li_minutes,
        "reserved_li_minutes": view.reserved_li_minutes,
        "lots": [_lot_row(lot, local) for lot in view.lots],
        "currency": view.currency,
        "charged_usd": format_usd(view.charged_usd_micros),
        "tax_usd": format_usd(view.tax_usd_micros),
        "tax": None if view.taxation is None else taxation_row(view.taxation),
        "due_usd": format_usd(view.due_usd_micros),
        **({} if view.as_of is None else {"as_of": local(view.as_of)}),
        "hypothetical": view.hypothetical,
        "next_charge": None
        if view.next_charge is None
        else {
            "at": local(view.next_charge.at),
            "usd": format_usd(view.next_charge.usd_micros),
            "tax_usd": format_usd(view.next_charge.tax_usd_micros),
        },
        "pending": None if view.pending is None else _pending_row(view.pending, local),
        "pending_changes": [_pending_row(each, local) for each in view.pending_changes],
        "payments": {
            "channel": view.channel.value,
            "card_on_file": view.has_card,
            "card_lost": view.card_lost,
            "rehearsed": view.payments_rehearsed,
        },
        "unpaid_usd": format_usd(view.unpaid_usd_micros),
        "pending_usd": format_usd(view.pending_usd_micros),
        "overdue": view.is_overdue,
        "dunning": None
        if view.dunning is None
        else standing_part(view.dunning, view.account.timezone),
        "renewable_until": None if view.renewable_until is None else local(view.renewable_until),
        "credit_usd": format_usd(view.credit_usd_micros),
        "disputed_usd": format_usd(view.disputed_usd_micros),
    }


def taxation_row(taxation: Taxation) -> dict[str, Any]:
    """How charges are taxed: by whom, where, at which rate."""
    return {
        "treatment": taxation.treatment.value,
        "country": taxation.country,
        "rate_percent": format_rate(taxation.rate_ppm),
    }


def accounts_document(accounts: Sequence[Account]) -> dict[str, Any]:
    """All accounts, as ``account list`` prints them; instants are in each account's zone."""
    return {"accounts": [_account_row(found) for found in accounts]}


def notice_document(plan: Plan, given: Sequence[NoticeGiven]) -> dict[str, Any]:
    """Who was told of new terms, as ``account notice`` prints it; instants are in UTC."""
    return {
        "plan": plan.name,
        "version": plan.version.isoformat(),
        "monthly_usd": format_usd(plan.monthly_usd_micros),
        "monthly_li_minutes": plan.li_minutes,
        "accounts": [
            {
                "id": each.account_id,
                "at": each.at.isoformat(),
                "usd_before": format_usd(each.usd_micros_before),
                "usd": format_usd(each.usd_micros),
                "is_new": each.is_new,
                "above_grant_li_minutes": each.above_grant_li_minutes,
            }
            for each in given
        ],
    }


def administrators_document(account_id: str, names: Sequence[str]) -> dict[str, Any]:
    """Who speaks for an account, as ``account administrators`` prints it."""
    return {"id": account_id, "administrators": list(names)}


def ledger_document(
    account_id: str,
    written: Sequence[Transaction],
    timezone: str,
    as_of: AsOf,
    writers: Mapping[str, LoggedCommand],
) -> dict[str, Any]:
    """An account's books as ``ledger`` prints them; instants are in the account's zone."""
    local = local_to(timezone)
    return {
        "id": account_id,
        **as_of_part(as_of, timezone),
        "transactions": [
            transaction_row(each, local) | _written_by(writers.get(each.natural_key))
            for each in written
        ],
    }


def history_document(
    account_id: str, rows: Sequence[HistoryRow], timezone: str, as_of: AsOf
) -> dict[str, Any]:
    """The plans that an account was on, as ``history`` prints them; instants are in its zone."""
    local = local_to(timezone)
    return {
        "id": account_id,
        **as_of_part(as_of, timezone),
        "plans": [_history_row(row, local) for row in rows],
    }


def offers_document(offers: Sequence[PlanOffer], timezone: str, as_of: AsOf) -> dict[str, Any]:
    """The plans that an account can choose, as ``account offers`` prints them."""
    return {**as_of_part(as_of, timezone), "offers": [_offer_row(offer) for offer in offers]}


def _lot_row(lot: Lot, local: Local) -> dict[str, Any]:
    return {
        "id": lot.id,
        "kind": lot.kind,
        "amount": lot.amount,
        "remaining": lot.remaining,
        "reserved": lot.reserved,
        "effective_at": local(lot.effective_at),
        "expires_at": None if lot.expires_at is None else local(lot.expires_at),
        "cause": lot.cause,
    }


def _pending_row(pending: Pending, local: Local) -> dict[str, Any]:
    return {
        "change": pending.change,
        "state": pending.state,
        "at": None if pending.at is None else local(pending.at),
        "plan": pending.plan,
        "requested_by": pending.requested_by,
        "suspended_li_minutes": pending.suspended_li_minutes,
        "held_li_minutes": pending.held_li_minutes,
        "is_beneath": pending.is_beneath,
        "monthly_usd": None
        if pending.monthly_usd_micros is None
        else format_usd(pending.monthly_usd_micros),
        "monthly_li_minutes": pending.monthly_li_minutes,
    }


def _account_row(found: Account) -> dict[str, Any]:
    local = local_to(found.timezone)
    return {
        "id": found.id,
        "plan": found.plan,
        "status": found.status,
        "timezone": found.timezone,
        "activated_at": local(found.activated_at),
        "opened_at": local(found.opened_at),
    }


def transaction_row(written: Transaction, local: Local) -> dict[str, Any]:
    """One transaction with its postings, as ``ledger`` prints it."""
    return {
        "key": written.natural_key,
        "cause": written.cause,
        "description": written.description,
        "effective_at": local(written.effective_at),
        "recorded_at": local(written.recorded_at),
        "postings": [_posting_row(posting) for posting in written.postings],
    }


def _written_by(command: LoggedCommand | None) -> dict[str, Any]:
    """Which command wrote a transaction, and who sent it; nothing, if that is not on record."""
    if command is None:
        return {"command": None, "by": None}
    return {"command": command.number, "by": command.actor}


def _posting_row(posting: Posting) -> dict[str, Any]:
    if posting.unit is Unit.USD:
        return {"account": posting.ledger_account, "usd": format_usd(posting.amount)}
    return {"account": posting.ledger_account, "li_minutes": posting.amount}


def _history_row(row: HistoryRow, local: Local) -> dict[str, Any]:
    return {
        "plan": row.plan,
        "status": row.status,
        "from": local(row.start),
        "to": None if row.end is None else local(row.end),
        "monthly_li_minutes": row.monthly_li_minutes,
        "monthly_usd": format_usd(row.monthly_usd_micros),
    }


def _offer_row(offer: PlanOffer) -> dict[str, Any]:
    plan, choice = offer.plan, offer.plan.credits
    return {
        "plan": plan.name,
        "action": offer.action,
        "monthly_usd": format_usd(plan.monthly_usd_micros),
        "monthly_li_minutes": plan.li_minutes,
        "rollover": plan.rollover,
        "credits": None
        if choice is None
        else {
            "minimum": choice.minimum,
            "maximum": choice.maximum,
            "step": choice.step,
            "usd_each": format_usd(choice.usd_micros),
        },
        "examples": list(plan.examples),
        "at_once": None
        if offer.at_once is None
        else {
            "usd": format_usd(offer.at_once.usd_micros),
            "li_minutes": offer.at_once.li_minutes,
        },
        "why_not": offer.why_not,
        "sold_for_usd": format_usd(offer.sold_for_usd_micros),
    }
