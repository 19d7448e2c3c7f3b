"""Cost curves: what a test would cost with fewer and with more users, and where the price steps.

Pure. A curve is computed at evenly spread numbers of users, and exactly on both sides of its steps.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import date
from decimal import Decimal
from fractions import Fraction
from functools import cache
from itertools import pairwise

from msgspec import Struct
from msgspec.structs import replace

from engine.clouds import CLOUDS
from engine.planning.compare import compare, price_on_plan, services
from engine.planning.compared_row import Kind, Row
from engine.planning.offers import at_service, on_plan
from engine.planning.places import ANY_PROVIDER, is_choice, places_on
from engine.planning.requirement import peak_users, require
from engine.scenario import Scenario
from engine.scenario.profile import ClosedProfile
from kernel.division import ceil_div
from kernel.errors import BadInputError
from kernel.near_names import meant
from pricing.catalog import Catalog
from pricing.money import MICROS_PER_USD
from pricing.plans.model import Plan
from pricing.plans.on_sale import BUNDLED_PLANS, estimated_plans, load_plans
from pricing.tariffs import (
    LEAST_RISE,
    OUT_OF_PROPORTION,
    USERS_MAX,
    ContractRate,
    Rates,
    rated_tariff,
    tariff_names,
)

POINTS = 120

VISIBLE = Fraction(3, 100)
"""Of a curve's highest amount, for a step to be looked for and marked."""

VISIBLE_OF_ITSELF = Fraction(1, 10)
"""Of the amount below it, for a step to be drawn: far apart amounts have a logarithmic axis."""

USD = "USD"

Amount = Callable[[int], Fraction]


class NotDrawnError(BadInputError):
    """What was asked for cannot be drawn; facts: ``name``."""

    code = "not_drawn"


class CostStep(Struct, frozen=True):
    """A cliff: ``low`` for ``users``, and ``high`` for one user more."""

    users: int
    low: Fraction
    high: Fraction


class CostCurve(Struct, frozen=True):
    """What one way to run the test costs, by the number of users.

    Attributes:
        name: The plan's, the tariff's, ``own-aws`` or ``own-azure``.
        title: For people.
        unit: ``USD``, or what the service counts where no price was found.
        points: Users, and US dollars or units, users rising.
        steps: Cliffs, largest first.
        contract_rate: The customer's own rate, which the amounts rest on; None: on what is
            published.
        as_of: How old the figures are.
        regions: Where the machines of an account of one's own are; empty: it names none.
    """

    name: str
    title: str
    unit: str
    points: tuple[tuple[int, Fraction], ...]
    steps: tuple[CostStep, ...]
    contract_rate: ContractRate | None = None
    as_of: date | None = None
    regions: tuple[str, ...] = ()


def cost_curves(  # noqa: PLR0913 - what curves rest on
    scenario: Scenario,
    names: Sequence[str] = (),
    *,
    users_most: int | None = None,
    provider: str = ANY_PROVIDER,
    catalog: Catalog | None = None,
    at: date | None = None,
    plans: Sequence[Plan] | None = None,
    rates: Rates | None = None,
    named_plans: Mapping[str, Plan] | None = None,
) -> tuple[CostCurve, ...]:
    """The curves of some ways to run a test, from one user on.

    Args:
        scenario: What is to be run; its load keeps its shape and length.
        names: Tariffs, plans, ``own-aws``, ``own-azure``; none: all that have a price.
        users_most: The largest number of users; None: twice the scenario's.
        provider: Whose machines an account of one's own would take.
        catalog: Machine types and prices; None: the bundled catalogue.
        at: The day whose tariffs count; None: the newest.
        plans: Those that are sold; None: the bundled ones that ``estimated_plans`` chooses.
        rates: Contract rates, which services are priced at in place of what they publish.
        named_plans: All that are sold, which ``names`` may ask for besides ``plans``; None: the
            bundled ones.

    Raises:
        NotDrawnError: No such name; one that cannot count this test; or names that have no price
            and count in different units, so that nothing can be compared.
    """
    users_most = users_most or 2 * peak_users(scenario)
    if not 1 < users_most <= USERS_MAX:
        raise NotDrawnError(
            f"a curve goes up to between 2 and {USERS_MAX:,} users, not {users_most:,}",
            name="users",
        )
    shown = estimated_plans(BUNDLED_PLANS) if plans is None else plans
    all_plans = load_plans(BUNDLED_PLANS) if named_plans is None else named_plans
    by_name = {**all_plans, **{plan.name: plan for plan in shown}}
    sold = (*shown, *(by_name[name] for name in _others(names, by_name, shown)))
    ours = (*(plan.name for plan in sold), *(each.own_tariff for each in CLOUDS.values()))
    known = tuple(dict.fromkeys((*ours, *by_name, *tariff_names())))
    for name in names:
        if name not in known:
            raise NotDrawnError(
                f"no plan or tariff {name!r}{meant(name, known)}; there are {', '.join(known)}",
                name=name,
            )
    wanted = [name for name in names if name not in ours] if names else services()
    catalog = catalog or Catalog.bundled()
    prices = _Prices(scenario, catalog, provider, at, tuple(wanted), sold, rates or {})
    drawn = _drawn(prices.rows(users_most), names)
    in_money = all(row.usd_micros is not None for row in drawn)
    return tuple(
        _curve(
            row,
            USD if in_money else row.unit,
            prices.amount(row, in_money=in_money),
            users_most,
            _regions(row, scenario, catalog),
        )
        for row in drawn
    )


def _others(
    names: Sequence[str], by_name: Mapping[str, Plan], shown: Sequence[Plan]
) -> Sequence[str]:
    """Plans that are asked for and not among those that are shown anyway."""
    own = {plan.name for plan in shown}
    return [name for name in dict.fromkeys(names) if name in by_name and name not in own]


def _regions(row: Row, scenario: Scenario, catalog: Catalog) -> tuple[str, ...]:
    """Where the machines of a row are, a pattern as it was given; empty: it names no machines."""
    cloud = next((name for name, each in CLOUDS.items() if each.own_tariff == row.name), None)
    if cloud is None:
        return ()
    named: list[str | None] = [each.region for each in scenario.regions]
    return tuple(
        str(region) if is_choice(region) else place.region
        for region in named or [None]
        for (place, *_) in places_on(cloud, [region], catalog, may_stand_in=True)
    )


class _Prices:
    """What the ways to run a test cost for any number of users, each number asked for once."""

    def __init__(
        self,
        scenario: Scenario,
        catalog: Catalog,
        provider: str,
        at: date | None,
        tariffs: Sequence[str],
        plans: Sequence[Plan],
        rates: Rates,
    ) -> None:
        self._scenario = scenario
        self._catalog = catalog
        self._provider = provider
        self._at = at
        self._tariffs = tariffs
        self._rates = rates
        self._plans = {plan.name: plan for plan in plans}
        self._on_machines_with = cache(self._on_machines)

    def rows(self, users: int) -> Sequence[Row]:
        """All ways at once."""
        return self._compared(users, self._tariffs)

    def amount(self, row: Row, *, in_money: bool) -> Amount:
        """One way, in US dollars or in its units."""

        def amount(users: int) -> Fraction:
            usd_micros, quantity = self._one(row, users)
            if in_money:
                assert usd_micros is not None, row.name
                return Fraction(usd_micros, MICROS_PER_USD)
            assert quantity is not None, row.name
            return Fraction(quantity)

        return cache(amount)

    def _one(self, row: Row, users: int) -> tuple[int | None, int | Decimal | None]:
        """Micro-dollars and units; machines are chosen only where they decide on the price."""
        if row.kind is Kind.OWN or self._is_on_machines(row.name):
            same = self._on_machines_with(users)[row.name]
            return same.usd_micros, same.quantity
        scenario = _with_users(self._scenario, users)
        requirement = require(scenario, at=self._at)
        if row.kind is Kind.PLAN:
            plan = self._plans[row.name]
            offer = on_plan(plan, scenario, requirement, self._at)
            return price_on_plan(plan, offer)[0], offer.quantity
        offer = at_service(rated_tariff(row.name, self._at, self._rates), scenario, requirement)
        return offer.usd_micros, offer.quantity

    def _on_machines(self, users: int) -> Mapping[str, Row]:
        tariffs = [name for name in self._tariffs if self._is_on_machines(name)]
        return {row.name: row for row in self._compared(users, tariffs)}

    def _compared(self, users: int, tariffs: Sequence[str]) -> Sequence[Row]:
        return compare(
            _with_users(self._scenario, users),
            catalog=self._catalog,
            provider=self._provider,
            at=self._at,
            plans=tuple(self._plans.values()),
            tariffs=tariffs,
            rates=self._rates,
        ).rows

    def _is_on_machines(self, name: str) -> bool:
        if name not in tariff_names():
            return False
        return rated_tariff(name, None, self._rates).machines_of is not None


def _drawn(rows: Sequence[Row], names: Sequence[str]) -> list[Row]:
    """The rows to draw, in the order asked for; all with a price, or all in one unit."""
    if not names:
        return [row for row in rows if row.usd_micros is not None]
    by_name = {row.name: row for row in rows}
    drawn = []
    for name in dict.fromkeys(names):
        row = by_name.get(name)
        if row is None or row.quantity is None:
            reason = "there are no machines for it" if row is None else row.reason
            raise NotDrawnError(f"{name} cannot be drawn: {reason}", name=name)
        drawn.append(row)
    unpriced = [row for row in drawn if row.usd_micros is None]
    if unpriced and len({row.unit for row in drawn}) > 1:
        raise NotDrawnError(
            f"{unpriced[0].name} has no price that was found, and counts in {unpriced[0].unit}; "
            "draw it alone, or beside what counts in the same unit",
            name=unpriced[0].name,
        )
    return drawn


def _with_users(scenario: Scenario, users: int) -> Scenario:
    """The same load with another peak: its shape, its length and the payload stay."""
    if scenario.injectors is not None:
        payload = ceil_div(peak_users(scenario), scenario.injectors)
        scenario = replace(scenario, injectors=None, users_per_injector=payload)
    profile = scenario.profile
    if isinstance(profile, ClosedProfile):
        return replace(scenario, profile=ClosedProfile(profile.users.stretched(peak=users)))
    scale = users / peak_users(scenario)
    arrivals = profile.arrivals_per_s
    return replace(
        scenario,
        profile=replace(
            profile,
            arrivals_per_s=arrivals.stretched(peak=arrivals.peak * scale),
            max_users=users,
        ),
    )


def _curve(
    row: Row, unit: str, amount: Amount, users_most: int, regions: tuple[str, ...]
) -> CostCurve:
    grid = sorted({1 + (users_most - 1) * index // POINTS for index in range(POINTS + 1)})
    visible = VISIBLE * amount(users_most)
    steps = [
        step
        for left, right in pairwise(grid)
        if (step := _step(amount, left, right, visible)) is not None
    ]
    edges = (users for step in steps for users in (step.users, step.users + 1))
    marked = () if row.kind is Kind.OWN else steps
    return CostCurve(
        name=row.name,
        title=row.title,
        unit=unit,
        points=tuple((users, amount(users)) for users in sorted({*grid, *edges})),
        steps=tuple(
            sorted(
                (step for step in marked if _is_cliff(step) and step.high - step.low >= visible),
                key=lambda step: step.low - step.high,
            )
        ),
        contract_rate=row.contract_rate,
        as_of=row.as_of,
        regions=regions,
    )


def _step(amount: Amount, left: int, right: int, visible: Fraction) -> CostStep | None:
    """The largest step between two numbers of users, if it can be seen."""

    def is_seen(low: int, high: int) -> bool:
        rise = amount(high) - amount(low)
        return rise >= visible or rise >= VISIBLE_OF_ITSELF * amount(low) > 0

    if not is_seen(left, right):
        return None
    while right - left > 1:
        middle = (left + right) // 2
        if amount(middle) - amount(left) >= amount(right) - amount(middle):
            right = middle
        else:
            left = middle
    return CostStep(left, amount(left), amount(right)) if is_seen(left, right) else None


def _is_cliff(step: CostStep) -> bool:
    rise = step.high - step.low
    return rise >= LEAST_RISE * step.low and rise * step.users >= OUT_OF_PROPORTION * step.low
