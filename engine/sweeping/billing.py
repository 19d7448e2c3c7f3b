"""Billing: what a plan or a service bills for many load tests.

Most plans bill LI-minutes and users at a rate, which the sweep's own loop does. All others are
here: a subscription's share of its month, and the general rule of ``pricing.tariffs``, in whole
numbers and rounded as the single price is. Where 64 bits might not do, Python's integers do it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import date
from typing import Any

import numpy as np
from msgspec import Struct

from engine.planning.listed_prices import at_listed_price
from engine.planning.requirement import HOUSE_TARIFF
from engine.sweeping.columns import Column, Mask
from kernel.division import ceil_div
from kernel.errors import BadInputError
from kernel.near_names import meant
from pricing.catalog import Catalog
from pricing.money import MICROS_PER_CENT
from pricing.plans.model import Plan
from pricing.tariffs import Counted, Rounding, Tariff, load_tariff, tariff_names

INJECTORS_MAX = 1_000_000
INT64_MAX = 2**63 - 1

HOUSE_RATE_MAX = 8_000_000
HOUSE_USER_RATE_MAX = 1_000_000_000
"""Up to these, micro-dollars of any load fit 64 bits in the sweep's own loop."""


class UnknownBillingError(BadInputError):
    """No plan or tariff of that name, or none that bills a what-if; facts: ``plan``."""

    code = "unknown_billing"


class Billing(Struct, frozen=True):
    """How a plan or a service bills the runs of a protocol.

    Attributes:
        tariff: Its rule.
        payload: Users on one of the service's injectors; None: the requirement's injectors count.
        protocol: Of the users.
        monthly_usd_micros: Of a subscription; 0: the run itself is paid.
        monthly_li_minutes: That the subscription grants.
        users_max: The largest run; None: any.
    """

    tariff: Tariff
    payload: int | None
    protocol: str
    monthly_usd_micros: int = 0
    monthly_li_minutes: int = 0
    users_max: int | None = None

    @property
    def is_plain(self) -> bool:
        """Whether it is the house's LI-minutes and the users at a rate each."""
        rate = self.tariff.usd_micros_per_unit
        return (
            self.tariff.name == HOUSE_TARIFF
            and not self.monthly_li_minutes
            and self.users_max is None
            and rate is not None
            and rate <= HOUSE_RATE_MAX
            and self.tariff.usd_micros_per_user <= HOUSE_USER_RATE_MAX
        )


def billing_of(
    name: str,
    protocol: str,
    plans: Iterable[Plan],
    *,
    is_fixed: bool,
    at: date | None,
    catalog: Catalog | None = None,
) -> Billing:
    """How the plan or tariff of that name bills.

    Args:
        name: Of a plan, else of a tariff.
        protocol: Of the users.
        plans: Those on sale.
        is_fixed: The load test fixes its payload or its injectors.
        at: The day whose version of the tariff counts; None: the newest.
        catalog: May have the price of a cloud's own service; None: the bundled one.

    Raises:
        UnknownBillingError: No such name; or nobody publishes what a run costs there.
    """
    sold = {plan.name: plan for plan in plans}
    if name in sold:
        return _on_plan(sold[name], protocol, at)
    if name not in tariff_names():
        known = dict.fromkeys((*sold, *tariff_names()))
        raise UnknownBillingError(
            f"no plan or tariff {name!r}{meant(name, known)}; there are {', '.join(known)}",
            plan=name,
        )
    tariff = at_listed_price(load_tariff(name, at), catalog or Catalog.bundled())
    if tariff.machines_of is not None:
        raise UnknownBillingError(
            f"{name} passes on what the machines cost; `loadmuster compare` prices it", plan=name
        )
    if tariff.usd_micros_per_unit is None:
        raise UnknownBillingError(f"{name}: {tariff.no_price}", plan=name)
    payload = tariff.users_per_injector.get(protocol)
    if tariff.counts is Counted.RESERVED_USERS:
        if payload is None:
            raise UnknownBillingError(
                f"{name} publishes no number of {protocol} users per injector", plan=name
            )
    elif is_fixed:
        payload = None
    return Billing(tariff, payload, protocol)


def _on_plan(plan: Plan, protocol: str, at: date | None) -> Billing:
    tariff = load_tariff(plan.tariff, at)
    if not plan.is_subscription:
        return Billing(tariff, None, protocol, users_max=plan.caps.users)
    return Billing(
        tariff,
        None,
        protocol,
        monthly_usd_micros=plan.monthly_usd_micros,
        monthly_li_minutes=plan.li_minutes,
        users_max=plan.caps.users,
    )


def billed_usd_micros(
    billing: Billing, users: Column, duration_s: Column, injectors: Column
) -> tuple[Column, Mask]:
    """What each load test is billed in micro-dollars, and which ones are not sold.

    Args:
        billing: By what rule.
        users: Most users at once.
        duration_s: Planned lengths.
        injectors: Of the requirement.
    """
    counted_on = injectors
    if billing.payload is not None:
        counted_on = ceil_div(users, billing.payload)
    refused = counted_on > INJECTORS_MAX
    if billing.users_max is not None:
        refused |= users > billing.users_max
    if _most(billing, users, duration_s, counted_on) <= INT64_MAX:
        return _usd_micros(billing, users, duration_s, counted_on), refused
    exact = _usd_micros(
        billing, users.astype(object), duration_s.astype(object), counted_on.astype(object)
    )
    return np.where(refused, 0, exact).astype(np.int64), refused


def _usd_micros(billing: Billing, users: Any, duration_s: Any, injectors: Any) -> Any:  # noqa: ANN401 - of int64, or of Python's integers
    """Whole cents in micro-dollars; see ``pricing.tariffs.interpreter`` and ``compare``."""
    tariff = billing.tariff
    units = _scaled_units(billing, users, duration_s, injectors)
    if billing.monthly_li_minutes:
        li_minutes = units // tariff.unit_s
        share = _half_up(billing.monthly_usd_micros * li_minutes, billing.monthly_li_minutes)
        return _half_up(share, MICROS_PER_CENT) * MICROS_PER_CENT
    rate = tariff.usd_micros_per_unit or 0
    exact = units * rate
    for tier in tariff.unit_tiers:
        beyond = np.maximum(units - tier.from_units * tariff.unit_s, 0)
        exact = exact + beyond * (tier.usd_micros - rate)
        rate = tier.usd_micros
    exact = exact + users * (tariff.usd_micros_per_user * tariff.unit_s)
    return _half_up(exact, MICROS_PER_CENT * tariff.unit_s) * MICROS_PER_CENT


def _scaled_units(billing: Billing, users: Any, duration_s: Any, injectors: Any) -> Any:  # noqa: ANN401 - likewise
    """Units times the seconds of one; see ``pricing.tariffs.measure``."""
    tariff = billing.tariff
    counted, by_floor = _counted(billing, users, injectors)
    quantum_s = tariff.quantum_s
    if tariff.rounding is Rounding.NEAREST:
        steps = np.maximum((2 * duration_s + quantum_s) // (2 * quantum_s), 1)
    else:
        steps = ceil_div(duration_s, quantum_s)
    billed_s = steps * quantum_s
    least_s = np.maximum(billed_s, _minimum_s(tariff, injectors))
    multiplier = tariff.multipliers.get(billing.protocol, 1)
    return np.maximum(counted * billed_s, by_floor * least_s) * multiplier


def _counted(billing: Billing, users: Any, injectors: Any) -> tuple[Any, Any]:  # noqa: ANN401 - likewise
    """What is multiplied by time, and what the floor multiplies."""
    tariff = billing.tariff
    if tariff.counts is Counted.USERS:
        counted = users
    elif tariff.counts is Counted.RESERVED_USERS:
        counted = injectors * (billing.payload or 0)
    else:
        counted = injectors + tariff.extra_injectors
    if tariff.floor_users_per_injector is None:
        return counted, counted
    return counted, injectors * tariff.floor_users_per_injector


def _minimum_s(tariff: Tariff, injectors: Any) -> Any:  # noqa: ANN401 - likewise
    """The least time of each injector, by the size of its fleet."""
    minimum_s: Any = 0
    for floor in reversed(tariff.floors):
        if floor.up_to_injectors is None:
            minimum_s = floor.minimum_s
        else:
            minimum_s = np.where(injectors > floor.up_to_injectors, minimum_s, floor.minimum_s)
    return minimum_s


def _most(billing: Billing, users: Column, duration_s: Column, injectors: Column) -> int:
    """No number on the way to any of the bills is larger."""
    if not len(users):
        return 0
    largest: Callable[[Column], Any] = lambda column: np.array([int(column.max())], object)  # noqa: E731 - short for three
    tariff = billing.tariff
    longest_s = max(
        int(duration_s.max()) + tariff.quantum_s,
        *(floor.minimum_s for floor in tariff.floors),
        0,
    )
    units = _scaled_units(
        billing, largest(users), np.array([longest_s], object), largest(injectors)
    )[0] * max(1, tariff.floor_users_per_injector or 1)
    dearest = max((each.usd_micros for each in tariff.unit_tiers), default=0)
    rate = max(tariff.usd_micros_per_unit or 0, dearest, billing.monthly_usd_micros)
    beside = int(users.max()) * tariff.usd_micros_per_user * tariff.unit_s
    return 2 * int(units * max(1, rate) + beside) + 2 * MICROS_PER_CENT * tariff.unit_s


def _half_up(numerator: Any, denominator: int) -> Any:  # noqa: ANN401 - of int64, or of Python's integers
    """The quotient of whole numbers from 0 on, rounded half up."""
    return (numerator + denominator // 2) // denominator
