"""Plans of load-testing services that are sold by the month, with who says what they cost."""

# Annotations are values here: msgspec would compile each anew from its text at every start.

from functools import cache
from pathlib import Path
from typing import Annotated

from msgspec import Meta, Struct

from pricing.money import usd_micros
from pricing.strict_toml import Money, Positive, Text, read_toml
from pricing.tariffs.published import PublishedPrice

PLANS_FILE = Path(__file__).parent / "monthly-plans.toml"


class MonthlyPlan(Struct, frozen=True):
    """A plan of a service, at a price by the month and not by the run.

    Attributes:
        service: Its title.
        plan: The plan's name.
        usd_micros_per_month: What it costs.
        users_max: Users at once that it is sold for; None: not found.
        price_from: Who says so, and where.
    """

    service: str
    plan: str
    usd_micros_per_month: int
    users_max: int | None
    price_from: PublishedPrice

    def carries(self, users: int) -> bool:
        """Whether it is sold for so many users at once, as far as is known."""
        return self.users_max is None or users <= self.users_max


class _PlanTable(Struct, frozen=True, forbid_unknown_fields=True):
    service: Text
    plan: Text
    usd_per_month: Money
    price_from: PublishedPrice
    users_max: Positive | None = None


class _PlansFile(Struct, frozen=True, forbid_unknown_fields=True):
    plans: Annotated[tuple[_PlanTable, ...], Meta(min_length=1)]


@cache
def monthly_plans(path: Path = PLANS_FILE) -> tuple[MonthlyPlan, ...]:
    """All plans of the file, cheapest first, then by service and name.

    Raises:
        DataFileError: File, field, and what would be right.
    """
    plans = [
        MonthlyPlan(
            each.service,
            each.plan,
            usd_micros(each.usd_per_month),
            each.users_max,
            each.price_from,
        )
        for each in read_toml(path, _PlansFile).plans
    ]
    return tuple(sorted(plans, key=lambda each: (each.usd_micros_per_month, each.service)))
