"""The plans on sale: those of a file, each in the version that is sold on a day.

Which file that is, the caller says: nothing here reads the environment.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from pathlib import Path

from kernel.errors import BadInputError
from kernel.near_names import meant
from pricing.plans.file import read_plans
from pricing.plans.model import Plan, Sale

BUNDLED_PLANS = Path(__file__).parent / "plans.toml"
PLANS_VARIABLE = "LOADMUSTER_PLANS"


class UnknownPlanError(BadInputError):
    """No plan of that name."""

    code = "unknown_plan"


def plans_file(environment: Mapping[str, str]) -> Path:
    """The file that plans are sold from: the operator's, or the bundled one.

    Args:
        environment: Variables by name; ``LOADMUSTER_PLANS`` names the operator's file.
    """
    named = environment.get(PLANS_VARIABLE)
    return Path(named) if named else BUNDLED_PLANS


def load_plans(path: Path, *, at: date | None = None) -> Mapping[str, Plan]:
    """All plans by name, in the file's order, each in the version that is sold.

    Args:
        path: The file, as ``plans_file`` names it.
        at: The day of the sale; None: the newest versions count. Before its first version a plan
            is sold as in that.

    Raises:
        DataFileError: File, field, and what would be right.
    """
    versions = read_plans(path)
    sold: dict[str, Plan] = {}
    for plan in sorted(versions, key=lambda plan: plan.version):
        if plan.name not in sold or at is None or plan.version <= at:
            sold[plan.name] = plan
    return {plan.name: sold[plan.name] for plan in versions}


def estimated_plans(path: Path) -> tuple[Plan, ...]:
    """The plans of a file that an estimate quotes for somebody who has none yet.

    Those that the customer can buy alone and whose figures are not made up; no trials.
    """
    return tuple(
        plan
        for plan in load_plans(path).values()
        if plan.purchase is Sale.SELF_SERVICE
        and plan.change_policy is Sale.SELF_SERVICE
        and plan.trial_days is None
        and not plan.examples
    )


def find_plan(name: str, path: Path, *, at: date | None = None) -> Plan:
    """The plan of that name, as it is sold on the day ``at``; None: its newest version.

    Raises:
        UnknownPlanError: No such plan in the file; the message names those that there are.
    """
    plans = load_plans(path, at=at)
    if name not in plans:
        raise UnknownPlanError(
            f"no plan {name!r}{meant(name, plans)}; there are {', '.join(plans)}", plan=name
        )
    return plans[name]
