"""The plans that an account can be on: what they cost, grant, and how their runs are counted."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from pathlib import Path

from kernel.errors import BadInputError
from pricing.strict_toml import Table, read_toml
from pricing.tariffs import CancellationPolicy, tariff_names, tariff_versions

BUNDLED_PLANS = Path(__file__).parent / "plans.toml"
PLANS_VARIABLE = "LOADMUSTER_PLANS"

_NAME = re.compile(r"[a-z0-9]+(-[a-z0-9]+)*")


class UnknownPlanError(BadInputError):
    """No plan of that name."""

    code = "unknown_plan"


@dataclass(frozen=True, slots=True)
class Plan:
    """What an account has agreed to.

    Attributes:
        name: Lowercase words joined by dashes.
        monthly_usd_micros: Price of each cycle; 0 for a plan that is paid run by run.
        li_minutes: Granted at the start of each cycle (R19); 0 for a plan that is paid run by run.
        rollover: Whether unused LI-minutes are kept at the end of a cycle (R21).
        tariff: How a run's LI-minutes, and on a plan without a grant its money, are computed.
        cancellation: What stays charged of a cancelled run.
        version: The day from which the plan is sold like this.
    """

    name: str
    monthly_usd_micros: int
    li_minutes: int
    rollover: bool
    tariff: str
    cancellation: CancellationPolicy
    version: date

    @property
    def is_subscription(self) -> bool:
        """Whether runs are debited in LI-minutes and never in money (R5)."""
        return self.li_minutes > 0


def load_plans(path: Path | None = None) -> Mapping[str, Plan]:
    """All plans by name, in the file's order.

    Args:
        path: The operator's file; None: the one that ``LOADMUSTER_PLANS`` names, else the bundled.

    Raises:
        DataFileError: File, field, and what would be right.
    """
    if path is None:
        named = os.environ.get(PLANS_VARIABLE)
        path = Path(named) if named else BUNDLED_PLANS
    file = read_toml(path)
    tables = file.tables("plans")
    file.finish()
    plans: dict[str, Plan] = {}
    for table in tables:
        plan = _read_plan(table)
        if plan.name in plans:
            raise table.wrong("name", f"{plan.name!r} is there twice")
        plans[plan.name] = plan
    return plans


def find_plan(name: str) -> Plan:
    """The plan of that name.

    Raises:
        UnknownPlanError: No such plan; the message names those that there are.
    """
    plans = load_plans()
    if name not in plans:
        raise UnknownPlanError(f"no plan {name!r}; there are {', '.join(plans)}", plan=name)
    return plans[name]


def _read_plan(table: Table) -> Plan:
    plan = Plan(
        name=table.text("name"),
        monthly_usd_micros=table.money_usd_micros("monthly_usd"),
        li_minutes=table.integer("li_minutes", minimum=0),
        rollover=table.flag("rollover"),
        tariff=table.text("tariff"),
        cancellation=table.choice("cancellation", CancellationPolicy),
        version=table.day("version"),
    )
    table.finish()
    if not _NAME.fullmatch(plan.name):
        raise table.wrong("name", "must be lowercase words joined by dashes")
    if plan.monthly_usd_micros and not plan.is_subscription:
        raise table.wrong("li_minutes", "must be positive for a plan with a monthly price")
    _check_tariff(table, plan)
    return plan


def _check_tariff(table: Table, plan: Plan) -> None:
    """A plan needs a rule for LI-minutes, and rates if its runs are paid in money."""
    if plan.tariff not in tariff_names():
        raise table.wrong(
            "tariff", f"{plan.tariff!r} is unknown; there are {', '.join(tariff_names())}"
        )
    versions = tariff_versions(plan.tariff)
    if not all(version.counts_li_minutes for version in versions):
        raise table.wrong("tariff", f"{plan.tariff!r} does not count in LI-minutes")
    if not plan.is_subscription and any(v.usd_micros_per_unit is None for v in versions):
        raise table.wrong("tariff", f"{plan.tariff!r} has no rate, and the plan is paid in money")
