"""What is sold in these lives, as an operator would have it: figures, and no rule."""

from __future__ import annotations

from dataclasses import dataclass

USD = 1_000_000
LI_MINUTE_USD_MICROS = 150_000
"""What the bundled on-demand tariff asks for a LI-minute."""

USER_USD_MICROS = 2_000
"""And for each simulated user."""

CENT = 10_000
MINUTE_S = 60
FLOORS = ((100, 5), (500, 15))
"""Up to so many injectors, so many minutes at least."""

FLOOR_BEYOND = 30


@dataclass(frozen=True, kw_only=True)
class Plan:
    """What an account has agreed to.

    Attributes:
        usd: Whole dollars a cycle.
        credits: LI-minutes a cycle; 0: runs are paid one by one.
        rolls_over: Whether unused credits are kept (C21).
        cancelling: What a cancelled run costs (C5).
        boost_usd: The price of a boost, where it is another than the plan's (C14); None: that.
        boosts: Whether boosts are sold with it.
        trial_days: So many times 24 hours, once (R104); 0: no trial.
    """

    name: str
    usd: int
    credits: int
    rolls_over: bool = True
    cancelling: str = "startup_then_used"
    boost_usd: int | None = None
    boosts: bool = True
    trial_days: int = 0

    @property
    def price(self) -> int:
        """Micro-dollars a cycle."""
        return self.usd * USD

    @property
    def boost_price(self) -> int:
        """Micro-dollars of a boost (C14)."""
        return self.price if self.boost_usd is None else self.boost_usd * USD


ON_DEMAND = Plan(name="on-demand", usd=0, credits=0, rolls_over=False)
TRIAL = Plan(name="trial", usd=0, credits=120, rolls_over=False, boosts=False, trial_days=14)

PLANS = {
    plan.name: plan
    for plan in (
        ON_DEMAND,
        TRIAL,
        Plan(name="starter", usd=199, credits=1_800),
        Plan(name="professional", usd=699, credits=7_200, cancelling="full_quote"),
        Plan(name="advanced", usd=1_999, credits=24_000, cancelling="startup_only"),
        # It costs more than professional and grants less; its boosts are cheap.
        Plan(name="premium", usd=899, credits=3_000, boost_usd=400),
        # What is not used by the end of its cycle is gone.
        Plan(name="monthly", usd=89, credits=600, rolls_over=False),
        Plan(name="twin", usd=199, credits=2_000, rolls_over=False),
    )
}


def as_toml() -> str:
    """The file that a product is given to sell the same."""
    return "\n".join(_entry(plan) for plan in PLANS.values())


def _entry(plan: Plan) -> str:
    lines = [
        "[[plans]]",
        f'name = "{plan.name}"',
        "version = 2026-11-01",
        f'monthly_usd = "{plan.usd}.00"',
        f"li_minutes = {plan.credits}",
        f"rollover = {str(plan.rolls_over).lower()}",
        'tariff = "on-demand"',
        f'cancellation = "{plan.cancelling}"',
        f"boosts = {str(plan.boosts).lower()}",
    ]
    if plan.boost_usd is not None:
        lines.append(f'boost_usd = "{plan.boost_usd}.00"')
    if plan.trial_days:
        lines.append(f"trial_days = {plan.trial_days}")
    return "\n".join([*lines, ""])
