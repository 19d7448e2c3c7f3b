"""The largest run that a plan allows, and how many at once."""

from __future__ import annotations

from sqlalchemy import Connection

from kernel.errors import RefusedError
from pricing.ledger.reservations import runs_at_once
from pricing.plans.model import Plan
from pricing.plans.quotes import Quote


class PlanCapError(RefusedError):
    """The plan does not allow a run that large, or one more at once.

    Facts: ``account``, ``plan``, ``cap`` (which), ``wanted``, ``allowed``.
    """

    code = "plan_cap"


def check_caps(conn: Connection, account_id: str, plan: Plan, quote: Quote) -> None:
    """Whether a plan allows a run; those that were accepted and have not ended are at once.

    The account's books are locked, so of two runs for the last place one gets it.

    Raises:
        PlanCapError: If it does not, with both numbers.
    """
    caps = plan.caps
    limits = [
        ("users", quote.users, caps.users),
        ("injectors", quote.injectors, caps.injectors),
        ("seconds", quote.duration_s, caps.duration_s),
    ]
    if caps.concurrent_runs is not None:
        at_once = len(runs_at_once(conn, account_id)) + 1
        limits.append(("runs at once", at_once, caps.concurrent_runs))
    for what, wanted, allowed in limits:
        if allowed is not None and wanted > allowed:
            raise PlanCapError(
                f"account {account_id}: the run would be {wanted:,} {what}; plan {plan.name} allows"
                f" {allowed:,}",
                account=account_id,
                plan=plan.name,
                cap=what,
                wanted=wanted,
                allowed=allowed,
            )
