"""The plans that an account can be on: what they cost, grant and allow, each dated.

The same plan may be there more than once, each time with the day from which it is sold like that.
What an account has bought is stored with its subscription (``pricing.subscriptions.terms``): a
plan that changes later never re-prices what was sold.
"""

from __future__ import annotations

from datetime import date
from enum import StrEnum

from msgspec import Struct
from msgspec.structs import replace

from kernel.division import ceil_div
from kernel.errors import BadInputError
from kernel.words import counted
from pricing.plans.channels import Channel
from pricing.plans.dunning import Dunning
from pricing.tariffs import CancellationPolicy


class CreditsNotSoldError(BadInputError):
    """Not a number of credits that the plan is sold with; facts: ``plan``, ``credits``."""

    code = "credits_not_sold"


class Sale(StrEnum):
    """Who may conclude a sale: the customer, or a representative who was asked (C22)."""

    SELF_SERVICE = "self_service"
    CONTACT = "contact"


class Caps(Struct, frozen=True, forbid_unknown_fields=True):
    """The largest run that a plan allows, and how many at once; None: no limit."""

    users: int | None = None
    injectors: int | None = None
    duration_s: int | None = None
    concurrent_runs: int | None = None


class CreditChoice(Struct, frozen=True, forbid_unknown_fields=True):
    """The numbers of monthly credits that the customer chooses from (R115).

    Attributes:
        minimum: The fewest; what the plan has if nobody chooses.
        maximum: The most.
        step: Between two numbers that are sold.
        usd_micros: Price of one credit a month.
    """

    minimum: int
    maximum: int
    step: int
    usd_micros: int


class Plan(Struct, frozen=True, forbid_unknown_fields=True):
    """What an account has agreed to.

    Attributes:
        name: Lowercase words joined by dashes.
        monthly_usd_micros: Price of each cycle; 0 for a plan that is paid run by run.
        li_minutes: Granted at the start of each cycle (R19); 0 for a plan that is paid run by run.
        rollover: Whether unused LI-minutes are kept at the end of a cycle (R21).
        tariff: How a run's LI-minutes, and on a plan without a grant its money, are computed.
        cancellation: What stays charged of a cancelled run.
        version: The day from which the plan is sold like this.
        purchase: Who concludes the first sale.
        change_policy: Who changes it into another plan (R117).
        boosts: Whether boosts are sold with it.
        boost_usd_micros: Price of a boost; None: the monthly price (C14).
        trial_days: Granted once and usable for so many times 24 hours (R104); None: no trial.
        credits: What the customer chooses its LI-minutes from; None: they are fixed.
        caps: The largest run.
        channels: How it can be paid.
        extra_credits_max: Extra credits that may be bought in a cycle (C19); None: the customer's
            limit alone bounds them; 0: it is sold without.
        examples: Names of the fields whose figures are made up, for the operator to set.
        dunning: What is done, and when, with who does not pay (C69).
    """

    name: str
    monthly_usd_micros: int
    li_minutes: int
    rollover: bool
    tariff: str
    cancellation: CancellationPolicy
    version: date
    purchase: Sale = Sale.SELF_SERVICE
    change_policy: Sale = Sale.SELF_SERVICE
    boosts: bool = True
    boost_usd_micros: int | None = None
    trial_days: int | None = None
    credits: CreditChoice | None = None
    caps: Caps = Caps()
    channels: tuple[Channel, ...] = tuple(Channel)
    examples: tuple[str, ...] = ()
    extra_credits_max: int | None = None
    dunning: Dunning = Dunning()

    @property
    def is_subscription(self) -> bool:
        """Whether runs are debited in LI-minutes and never in money (R5)."""
        return self.li_minutes > 0

    @property
    def has_periods(self) -> bool:
        """Whether it is charged and granted month by month."""
        return self.is_subscription and self.trial_days is None

    @property
    def price_of_boost_usd_micros(self) -> int:
        """What a boost costs: its own price, or the plan's (C14)."""
        return self.monthly_usd_micros if self.boost_usd_micros is None else self.boost_usd_micros

    def with_as_many_credits(self, bought: Plan) -> Plan:
        """This version of a plan with the credits that somebody chose of another one (R115).

        As many, or where those are not sold the next larger number, or the most.
        """
        choice = self.credits
        if choice is None:
            return self
        steps = ceil_div(max(bought.li_minutes - choice.minimum, 0), choice.step)
        return self.with_credits(min(choice.minimum + steps * choice.step, choice.maximum))

    def with_credits(self, wanted: int | None) -> Plan:
        """The plan with the number of monthly credits that the customer chose (R115).

        Raises:
            CreditsNotSoldError: If the plan is not sold with that number.
        """
        if wanted is None:
            return self
        choice = self.credits
        if choice is None:
            raise CreditsNotSoldError(
                f"plan {self.name} grants {counted(self.li_minutes, 'LI-minute')} a month; the"
                " number cannot be chosen",
                plan=self.name,
                credits=wanted,
            )
        if wanted not in range(choice.minimum, choice.maximum + 1, choice.step):
            raise CreditsNotSoldError(
                f"plan {self.name} is sold with {choice.minimum:,} to {choice.maximum:,} credits a"
                f" month in steps of {choice.step:,}, not with {wanted:,}",
                plan=self.name,
                credits=wanted,
            )
        return replace(self, li_minutes=wanted, monthly_usd_micros=wanted * choice.usd_micros)
