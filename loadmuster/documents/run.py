"""The documents of runs: all of them, one with its timeline, bill and result, and its parts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from engine.runs.model.states import Outcome, Run
from engine.runs.spending import charged_so_far
from engine.runs.view import RunView
from pricing.ledger.reservations import funding_source_of
from pricing.money import format_cents
from pricing.plans.quotes import Quote, Unit, money
from pricing.run_charges.bill import Bill

SPOT_WARNING = (
    "measured from spot machines: the cloud may take one away at any moment, and a result that "
    "lost one is not valid"
)


def run_document(view: RunView) -> dict[str, Any]:
    """``loadmuster show`` as the contract prints it."""
    run = view.run
    gone = run.ended_at.isoformat() if run.ended_at is not None else None
    return {
        **run_summary(run, view.unattended_since),
        "reason": run.reason or None,
        "failed_by": failed_by(run),
        "quote": quote_document(run.order.quote, run.order.department),
        "progress": progress_document(run),
        "machines": [
            {
                "id": machine.machine_id,
                "provider": run.provider_of(machine.region),
                "region": machine.region,
                "type": machine.machine_type,
                "state": "gone" if run.ended else machine.state.value,
                "launched_at": machine.launched_at.isoformat(),
                "gone_at": gone,
            }
            for machine in run.machines
        ],
        "timeline": [
            {"at": event.at.isoformat(), "event": event.name, "detail": event.detail or None}
            for event in view.timeline
        ],
        "bill": None if view.bill is None else bill_document(view.bill),
        "result": result_document(run, view.left_out_because),
        "real_run_refused_because": view.real_run_refused_because,
    }


def cancelled_document(view: RunView) -> dict[str, Any]:
    """``loadmuster cancel``: the run once it has ended, and whether the command came too late."""
    return {**run_document(view), "cancelled_too_late": came_too_late(view.run)}


def came_too_late(run: Run) -> bool:
    """Whether a run that was to be cancelled came to its own end; cancelled twice it has not."""
    return run.outcome is not Outcome.CANCELLED


def failed_by(run: Run) -> str | None:
    """``load`` or ``machines``; None: it has not failed."""
    if run.outcome is not Outcome.FAILED:
        return None
    return "load" if run.failed_by_load else "machines"


def runs_document(runs: Sequence[Run], unattended: Mapping[str, datetime]) -> dict[str, Any]:
    """Runs as ``loadmuster runs`` prints them.

    Args:
        runs: The rows.
        unattended: By id, since when no controller has driven it.
    """
    return {"runs": [run_summary(each, unattended.get(each.id)) for each in runs]}


def run_summary(run: Run, unattended_since: datetime | None) -> dict[str, Any]:
    """One row of ``loadmuster runs``."""
    order = run.order
    return {
        "id": run.id,
        "account": order.account_id,
        "department": order.department,
        "name": order.scenario.name,
        "provider": order.provider,
        "or_on": list(order.other_providers),
        "rehearsal": order.rehearsal,
        "spot": order.spot,
        "queued": run.is_queued,
        "state": run.state.value,
        "outcome": None if run.outcome is None else run.outcome.value,
        "accepted_at": order.accepted_at.isoformat(),
        "ended_at": None if run.ended_at is None else run.ended_at.isoformat(),
        "unattended_since": None if unattended_since is None else unattended_since.isoformat(),
    }


def quote_document(quote: Quote, department: str | None = None) -> dict[str, Any]:
    """The quote as the contract prints it, with the funding source that it is paid from."""
    return {
        "payer": funding_source_of(quote, department).value,
        "department": department,
        "plan": quote.plan,
        "tariff": quote.tariff,
        "tariff_version": quote.tariff_version.isoformat(),
        "injectors": quote.injectors,
        "li_minutes": quote.li_minutes,
        "startup_li_minutes": quote.startup_li_minutes,
        "startup_usd": _usd(quote.startup_usd_micros),
        "usd": _usd(quote.usd_micros),
    }


def bill_document(bill: Bill) -> dict[str, Any]:
    """The bill as the contract prints it: what stays charged, or of a rehearsal would."""
    return {
        "rehearsed": bill.rehearsed,
        "startup_usd": _usd(bill.startup_usd_micros),
        "startup_li_minutes": bill.startup_li_minutes,
        "li_minutes": bill.li_minutes,
        "usd": _usd(bill.usd_micros),
        "extra_credits_usd": _usd(bill.extra_credits_usd_micros),
        "policy": bill.policy.value,
        "tariff_version": bill.tariff_version.isoformat(),
        "corrected": bill.corrected,
    }


def progress_document(run: Run) -> dict[str, Any] | None:
    """How a run that goes on was at its controller's last look; None: it was not looked at yet.

    ``charged_so_far_...`` is what would stay charged if it were cancelled then.
    """
    seen = run.last_seen
    if seen is None or run.ended:
        return None
    load, unit = seen.progress, run.order.quote.unit
    charged = charged_so_far(run, load)
    return {
        "at": seen.at.isoformat(),
        "machines": seen.machine_count,
        "elapsed_s": None if load is None else load.elapsed_s,
        "users": None if load is None else load.users,
        "requests": None if load is None else load.requests,
        "failures": None if load is None else load.failures,
        "requests_per_s": None if load is None else load.requests_per_s,
        "charged_so_far_usd": None if charged is None else _usd(money(unit, charged)),
        "charged_so_far_li_minutes": None if unit is Unit.USD else charged,
    }


def result_document(run: Run, left_out_because: str | None = None) -> dict[str, Any] | None:
    """What the load measured; of spot machines with the warning that belongs to them.

    Args:
        run: The run.
        left_out_because: Why it does not count in later estimates; None: it does.
    """
    if run.result is None:
        return None
    document = run.result.to_json()
    if run.order.spot:
        document["warnings"].append(SPOT_WARNING)
    counts = left_out_because is None
    return {**document, "evidence": {"counts": counts, "reason": left_out_because}}


def _usd(usd_micros: int | None) -> str | None:
    """The amount as dollars, if it is money."""
    return None if usd_micros is None else format_cents(usd_micros)
