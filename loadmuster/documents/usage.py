"""The document of an account's usage in its current cycle, and its rows for other formats."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from loadmuster.documents.as_of import AS_OF_COLUMNS, as_of_part
from loadmuster.documents.instants import local_to
from pricing.money import format_usd

if TYPE_CHECKING:
    from pricing.reports.usage import CycleUsage, PurchaseRow, RunUse, Total

RUN_COLUMNS = (
    "run",
    "at",
    "department",
    "injectors",
    "users",
    "duration_s",
    "li_minutes",
    "credits_li_minutes",
    "usd",
    "corrected",
    "rehearsal",
)
"""Of a run's row, in order."""

CSV_COLUMNS = (*RUN_COLUMNS, *AS_OF_COLUMNS)
"""Of a file of one account's runs; of several accounts' it begins with ``account``."""


def usage_document(used: CycleUsage) -> dict[str, Any]:
    """Usage as ``usage --json`` prints it; instants are in the account's zone.

    ``days`` are all of a billing cycle's, and of another period those with a run.
    """
    local = local_to(used.timezone)
    return {
        "account": used.account_id,
        "plan": used.plan,
        "timezone": used.timezone,
        "period": {"start": local(used.cycle.start), "end": local(used.cycle.end)},
        **({} if used.as_of is None else as_of_part(used.as_of, used.timezone)),
        "consumed_li_minutes": used.consumed_li_minutes,
        "remaining_li_minutes": used.remaining_li_minutes,
        "li_minutes": used.li_minutes,
        "runs_usd": format_usd(used.runs_usd_micros),
        "charged_usd": format_usd(used.charged_usd_micros),
        "tax_usd": format_usd(used.tax_usd_micros),
        "days": [
            {"day": day.isoformat(), **_total_row(total)}
            for day, total in used.by_day().items()
            if used.is_cycle or total.runs
        ],
        "departments": [
            {"department": name, **_total_row(total)}
            for name, total in used.by_department().items()
        ],
        "runs": [run_row(run, used.timezone) for run in used.runs],
        "purchases": [_purchase_row(each, used.timezone) for each in used.purchases],
    }


def usage_rows(used: CycleUsage) -> Iterator[dict[str, Any]]:
    """The runs by ``CSV_COLUMNS``."""
    as_of = {} if used.as_of is None else as_of_part(used.as_of, used.timezone)
    for run in used.runs:
        yield {"account": used.account_id, **run_row(run, used.timezone), **as_of}


def run_row(run: RunUse, timezone: str) -> dict[str, Any]:
    """What a run used, by ``RUN_COLUMNS``; the instant is in the account's zone."""
    values = (
        run.run_id,
        local_to(timezone)(run.at),
        run.department,
        run.injectors,
        run.users,
        run.duration_s,
        run.li_minutes,
        run.credits_li_minutes,
        format_usd(run.usd_micros),
        run.corrected,
        run.rehearsal,
    )
    return dict(zip(RUN_COLUMNS, values, strict=True))


def _total_row(total: Total) -> dict[str, Any]:
    return {
        "runs": total.runs,
        "li_minutes": total.li_minutes,
        "credits_li_minutes": total.credits_li_minutes,
        "usd": format_usd(total.usd_micros),
    }


def _purchase_row(purchase: PurchaseRow, timezone: str) -> dict[str, Any]:
    return {
        "what": purchase.what,
        "description": purchase.description,
        "at": local_to(timezone)(purchase.at),
        "usd": format_usd(purchase.usd_micros),
        "cause": purchase.key,
    }
