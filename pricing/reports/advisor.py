"""Which plan fits: what a month of runs costs on each, and from how many runs one beats another.

Pure. On demand every run is charged by itself. A subscription costs its monthly price, and once
its LI-minutes are used up, a boost for each further grant of as many (R77): an account does not
fall back to paying by the run (C12). Runs are whole: what is left below one run's need is no run.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from msgspec import Struct
from msgspec.structs import asdict

from kernel.division import ceil_div
from kernel.errors import BadInputError
from kernel.words import counted
from pricing.money import to_cents_half_up
from pricing.plans.model import Plan, Sale
from pricing.plans.quotes import runs_within
from pricing.reports.break_even import RunRange, cheaper_ranges
from pricing.reports.usage import RunUse
from pricing.tariffs import Tariff

LI_MINUTES_MAX = 1_000_000_000
RUNS_MAX = 1_000_000


class NeedError(BadInputError):
    """The need says too little, or is impossible; facts: ``field``, ``value``."""

    code = "bad_need"


class Need(Struct, frozen=True):
    """What somebody runs in a month.

    Attributes:
        li_minutes: Of one run.
        runs: In a month.
        users: Of one run; they count on demand only.

    Raises:
        NeedError: A number is out of range.
    """

    li_minutes: int
    runs: int
    users: int = 0

    def __post_init__(self) -> None:
        """Refuse the impossible where it enters: a run that needs nothing is no run."""
        for name, value, least, most in (
            ("li_minutes", self.li_minutes, 1, LI_MINUTES_MAX),
            ("runs", self.runs, 1, RUNS_MAX),
            ("users", self.users, 0, LI_MINUTES_MAX),
        ):
            if not least <= value <= most:
                what = name.replace("_", "-").replace("li-", "LI-")
                raise NeedError(
                    f"{what} must be from {least} to {most}, not {value}", field=name, value=value
                )


class PlanCost(Struct, frozen=True):
    """What the need costs on one plan.

    Attributes:
        plan: The plan; where credits are chosen, with the fewest that are enough.
        usd_micros: A month of the need; None: it does not fit, for the reason in ``why_not``.
        boosts: Bought in it; 0 on demand.
        runs_included: Runs that one month's grant has room for; None on demand.
        cheaper_for: Numbers of runs a month for which it costs less than on demand, ascending;
            empty: it never does, or it is on demand itself.
        why_not: What the plan does not allow, for people.
    """

    plan: Plan
    usd_micros: int | None
    boosts: int = 0
    runs_included: int | None = None
    cheaper_for: tuple[RunRange, ...] = ()
    why_not: str | None = None

    @property
    def break_even_runs(self) -> int | None:
        """The least number of runs a month for which it costs less than on demand."""
        return self.cheaper_for[0].first if self.cheaper_for else None


class Advice(Struct, frozen=True):
    """The plans for a need, cheapest first.

    Attributes:
        need: What was asked.
        run_usd_micros: One such run on demand; None: no plan is paid by the run.
        costs: Cheapest first, those that the need does not fit last; at the same price the plan
            with the smaller monthly price first.
        runs_left: Runs that an account's credits have room for now; None: no account was asked
            about, or it is on demand.
    """

    need: Need
    run_usd_micros: int | None
    costs: tuple[PlanCost, ...]
    runs_left: int | None = None

    @property
    def cheapest(self) -> PlanCost | None:
        """Where the need costs least; None: it fits no plan."""
        best = self.costs[0]
        return None if best.usd_micros is None else best


def observed_need(runs: Sequence[RunUse]) -> Need | None:
    """The need that these runs of a month show: their number and their means, rounded up.

    None: there are no runs, or nothing was kept of their bills.
    """
    li_minutes = sum(run.li_minutes for run in runs)
    if not li_minutes:
        return None
    return Need(
        li_minutes=ceil_div(li_minutes, len(runs)),
        runs=len(runs),
        users=ceil_div(sum(run.users for run in runs), len(runs)),
    )


def complete_need(
    observed: Need | None, *, li_minutes: int | None, runs: int | None, users: int | None
) -> Need:
    """The need as it is given; what is not given is as observed.

    Raises:
        NeedError: If something is neither given nor observed.
    """
    seen = {} if observed is None else asdict(observed)
    given = {"li_minutes": li_minutes, "runs": runs, "users": users}
    need = {"users": 0, **seen, **{k: v for k, v in given.items() if v is not None}}
    for name in ("li_minutes", "runs"):
        if name not in need:
            raise NeedError(
                f"no runs to learn from, so {name} must be given, like --li-minutes 60 --runs 30",
                field=name,
                value=None,
            )
    return Need(**need)


def plans_to_compare(plans: Iterable[Plan]) -> Sequence[Plan]:
    """The plans that a customer can take by himself, for good: no trial, no negotiated contract."""
    return [
        plan for plan in plans if plan.purchase is Sale.SELF_SERVICE and plan.trial_days is None
    ]


def advise(
    need: Need, plans: Iterable[Plan], on_demand: Tariff | None, *, credits_left: int | None = None
) -> Advice:
    """What the need costs on each plan (R4, R6).

    Args:
        need: Runs of a month.
        plans: To compare; at least one.
        on_demand: The tariff of runs that are paid one by one; None: there is no such plan.
        credits_left: LI-minutes that an account has now.
    """
    run_usd_micros = None if on_demand is None else run_price(on_demand, need)
    costs = [_plan_cost(_with_enough(plan, need), need, run_usd_micros) for plan in plans]
    if not costs:
        raise NeedError("there is no plan to compare", field="plans", value=0)
    return Advice(
        need=need,
        run_usd_micros=run_usd_micros,
        costs=tuple(sorted(costs, key=_cheapest_first)),
        runs_left=None if credits_left is None else runs_within(credits_left, need.li_minutes),
    )


def run_price(tariff: Tariff, need: Need) -> int:
    """Micro-dollars of one run, in whole cents (C32: LI-minutes x rate + users x rate)."""
    assert tariff.usd_micros_per_unit is not None, f"{tariff.name} has no rate"
    return to_cents_half_up(
        need.li_minutes * tariff.usd_micros_per_unit + need.users * tariff.usd_micros_per_user
    )


def monthly_cost(plan: Plan, li_minutes: int, runs: int, run_usd_micros: int | None) -> int | None:
    """Micro-dollars of a month of runs; None: more than the plan grants, and it has no boosts."""
    if not plan.is_subscription:
        assert run_usd_micros is not None, f"{plan.name} is paid by the run, without a price"
        return runs * run_usd_micros
    boosts = _boosts(plan, li_minutes, runs)
    if boosts and not plan.boosts:
        return None
    return plan.monthly_usd_micros + boosts * plan.price_of_boost_usd_micros


def curve(
    advice: Advice, cost: PlanCost, runs_most: int, points_most: int = 400
) -> Sequence[tuple[int, int]]:
    """Numbers of runs up to ``runs_most`` that fit a plan, each with its cost of a month."""
    step = max(1, runs_most // points_most)
    points = (
        (runs, monthly_cost(cost.plan, advice.need.li_minutes, runs, advice.run_usd_micros))
        for runs in range(0, runs_most + 1, step)
    )
    return [(runs, usd_micros) for runs, usd_micros in points if usd_micros is not None]


def _plan_cost(plan: Plan, need: Need, run_usd_micros: int | None) -> PlanCost:
    users_max = plan.caps.users
    why_not = None
    if users_max is not None and need.users > users_max:
        why_not = f"at most {counted(users_max, 'user')} a run"
    usd_micros = monthly_cost(plan, need.li_minutes, need.runs, run_usd_micros)
    if usd_micros is None:
        why_not = f"{counted(plan.li_minutes, 'LI-minute')} a month, and no boosts"
    if not plan.is_subscription:
        return PlanCost(plan, None if why_not else usd_micros, why_not=why_not)
    return PlanCost(
        plan=plan,
        usd_micros=None if why_not else usd_micros,
        boosts=0 if why_not else _boosts(plan, need.li_minutes, need.runs),
        runs_included=runs_within(plan.li_minutes, need.li_minutes),
        cheaper_for=()
        if run_usd_micros is None
        else cheaper_ranges(plan, need.li_minutes, run_usd_micros),
        why_not=why_not,
    )


def _with_enough(plan: Plan, need: Need) -> Plan:
    """The plan with the fewest credits that are enough, where they are chosen (R115)."""
    choice = plan.credits
    if choice is None:
        return plan
    missing = max(need.li_minutes * need.runs - choice.minimum, 0)
    wanted = choice.minimum + ceil_div(missing, choice.step) * choice.step
    sold = range(choice.minimum, choice.maximum + 1, choice.step)
    return plan.with_credits(min(wanted, sold[-1]))


def _boosts(plan: Plan, li_minutes: int, runs: int) -> int:
    """Grants beyond the first that the runs take; a run may burn of two grants."""
    grants = ceil_div(li_minutes * runs, plan.li_minutes)
    return max(grants - 1, 0)


def _cheapest_first(cost: PlanCost) -> tuple[bool, int, int, str]:
    fits = cost.usd_micros is not None
    return not fits, cost.usd_micros or 0, cost.plan.monthly_usd_micros, cost.plan.name
