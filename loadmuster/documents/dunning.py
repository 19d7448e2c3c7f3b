"""The document of ``account dunning``: what is owed, what was done about it, what comes next."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from loadmuster.documents.as_of import as_of_part
from loadmuster.documents.instants import local_to
from pricing.money import format_usd

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

    from pricing.accounts.clock import AsOf
    from pricing.reports.dunning_report import DunningReport
    from pricing.subscriptions.dunning import ComingStep, Standing, TakenStep
    from pricing.subscriptions.owed import OwedInvoice


def dunning_document(report: DunningReport, timezone: str, as_of: AsOf) -> dict[str, Any]:
    """The whole document; instants are in the account's zone."""
    local = local_to(timezone)
    return {
        "id": report.account_id,
        **as_of_part(as_of, timezone),
        **standing_part(report.standing, timezone),
        "steps": [_step_row(each, local) for each in report.steps],
    }


def standing_part(standing: Standing | None, timezone: str) -> dict[str, Any]:
    """What is owed of invoices that were declined, since when, and what comes next."""
    local = local_to(timezone)
    if standing is None:
        return {
            "due_since": None,
            "owed_usd": format_usd(0),
            "suspended_at": None,
            "next": None,
            "unpaid": [],
        }
    suspended_at = standing.suspended_at
    return {
        "due_since": local(standing.since),
        "owed_usd": format_usd(standing.usd_micros),
        "suspended_at": None if suspended_at is None else local(suspended_at),
        "next": _coming_row(standing.next, local),
        "unpaid": [_unpaid_row(each, local) for each in standing.unpaid],
    }


def letter_document(account_id: str, number: int, page: Path) -> dict[str, Any]:
    """Which file a letter was written to."""
    return {"id": account_id, "letter": number, "path": str(page)}


def _coming_row(coming: ComingStep | None, local: Callable[[datetime], str]) -> Any:  # noqa: ANN401 - a row, or nothing
    if coming is None:
        return None
    return {"step": coming.kind.value, "at": local(coming.at)}


def _step_row(step: TakenStep, local: Callable[[datetime], str]) -> dict[str, Any]:
    return {
        "letter": step.number,
        "step": step.kind.value,
        "day": step.day,
        "at": local(step.at),
        "owed_usd": format_usd(step.usd_micros),
        "unpaid": [_unpaid_row(each, local) for each in step.unpaid],
        "next": _coming_row(step.next, local),
    }


def _unpaid_row(owed: OwedInvoice, local: Callable[[datetime], str]) -> dict[str, Any]:
    return {
        "number": owed.number,
        "cause": owed.cause,
        "issued_at": local(owed.issued_at),
        "due_at": local(owed.due_at),
        "usd": format_usd(owed.usd_micros),
    }
