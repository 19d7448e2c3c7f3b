"""Quotes: what one run costs on one plan, frozen before it starts.

A quote has two lines, start-up and use. The start-up line pays for obtaining the injectors and is
kept whatever happens once they were requested (R10, R11); the use line is the rest. Both are in
the quote's unit: micro-dollars in whole cents, or LI-minutes. They add up to the total, which was
rounded once.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from datetime import date
from enum import StrEnum
from typing import Any

from msgspec import Struct, convert

from kernel.errors import BadInputError, InvariantBrokenError
from kernel.plain import plain
from pricing.currencies import MICROS, currency_of_unit
from pricing.money import (
    MICROS_PER_CENT,
    SECONDS_PER_MINUTE,
    divide_half_up,
    format_cents,
    usd_micros,
)
from pricing.plans.model import Plan
from pricing.tariffs import CancellationPolicy, LoadSize, UsageError, li_minutes, load_tariff, price

_LINES = ("startup", "use")


class Unit(StrEnum):
    """What amounts in the books are in: LI-minutes, or millionths of a currency.

    What a plan's runs are paid in is one of the two that are named here. Another currency's unit
    is there as soon as the currency is, in ``currencies.toml``.
    """

    USD = "usd_micros"
    LI_MINUTES = "li_minutes"

    @classmethod
    def _missing_(cls, value: object) -> Unit:
        """The unit of another currency; the same one each time.

        Raises:
            UnsupportedCurrencyError: The books are not kept in it.
        """
        currency = currency_of_unit(str(value))
        member = str.__new__(cls, currency.unit)
        member._name_ = currency.code
        member._value_ = currency.unit
        cls._value2member_map_[currency.unit] = member
        return member

    @property
    def currency(self) -> str | None:
        """The code of the currency that it is a millionth of; None: it is no money."""
        code = self.value.removesuffix(MICROS)
        return None if code == self.value else code.upper()


def money(unit: Unit, amount: int) -> int | None:
    """The amount, if it is money."""
    return amount if unit is Unit.USD else None


class QuoteUnreadableError(InvariantBrokenError):
    """A stored quote is not one of ours."""

    code = "quote_unreadable"


class TwoLines(Struct, frozen=True):
    """The start-up and the use line of a run, as it is quoted or as it is billed.

    Attributes:
        unit: What both are in: micro-dollars, or LI-minutes of a subscription.
        startup: The start-up line.
        use: The use line.
    """

    unit: Unit
    startup: int
    use: int

    @property
    def total(self) -> int:
        """Both lines, in their unit."""
        return self.startup + self.use

    @property
    def usd_micros(self) -> int | None:
        """Both lines in money; None: they are in LI-minutes. In documents it is ``usd``."""
        return money(self.unit, self.total)

    @property
    def startup_usd_micros(self) -> int | None:
        """The start-up line in money, likewise."""
        return money(self.unit, self.startup)

    @property
    def use_usd_micros(self) -> int | None:
        """The use line in money, likewise."""
        return money(self.unit, self.use)


class Quote(TwoLines, frozen=True):
    """The price of one run on one plan.

    Attributes:
        plan: Its name.
        tariff: The tariff that the plan names.
        tariff_version: The version that was in force; the run's bill carries it.
        policy: What stays charged after a cancel.
        injectors: Standard injectors.
        users: Virtual users at most at once.
        duration_s: Planned length.
        li_minutes: LI-minutes in all, whatever the unit.
        startup_li_minutes: Those of the floor.
    """

    plan: str
    tariff: str
    tariff_version: date
    policy: CancellationPolicy
    injectors: int
    users: int
    duration_s: int
    li_minutes: int
    startup_li_minutes: int


def quote_run(plan: Plan, usage: LoadSize, at: date | None = None) -> Quote:
    """Quote a run on a plan.

    Args:
        plan: Decides the unit: money, or on a subscription LI-minutes and never money (R5).
        usage: The size of the test. The number of users must be given.
        at: The day whose tariff version counts; None: the newest.

    Raises:
        UsageError: The usage says too little, or is impossible.
    """
    if usage.users is None:
        raise UsageError("a quote needs the number of users")
    tariff = load_tariff(plan.tariff, at)
    charge = price(tariff, usage)
    assert charge.injectors is not None, "a plan's tariff counts injectors"
    startup_li_minutes, total_li_minutes = li_minutes(tariff, charge.injectors, usage.duration_s)
    if plan.is_subscription:
        unit, startup, total = Unit.LI_MINUTES, startup_li_minutes, total_li_minutes
    else:
        assert charge.usd_micros is not None, "a plan that is paid in money has a tariff with rates"
        assert charge.startup_usd_micros is not None, "likewise"
        unit, startup, total = Unit.USD, charge.startup_usd_micros, charge.usd_micros
    return Quote(
        plan=plan.name,
        tariff=tariff.name,
        tariff_version=tariff.version,
        policy=plan.cancellation,
        unit=unit,
        injectors=charge.injectors,
        users=usage.users,
        duration_s=usage.duration_s,
        li_minutes=total_li_minutes,
        startup_li_minutes=startup_li_minutes,
        startup=startup,
        use=total - startup,
    )


def kept_use_after_cancel(quote: Quote, load_s: float) -> int:
    """How much of the use line stays charged when a run is cancelled.

    Under ``startup_then_used`` the LI-minutes started beyond the floor are valued pro rata of the
    use line, half up; within the floor nothing of it is kept.

    Args:
        quote: The run's.
        load_s: Seconds for which load flowed; 0 if it never did.

    Returns:
        In the quote's unit, from 0 to the whole use line, never falling as ``load_s`` rises.
    """
    assert math.isfinite(load_s), load_s
    if quote.policy is CancellationPolicy.STARTUP_ONLY:
        return 0
    if quote.policy is CancellationPolicy.FULL_QUOTE or load_s >= quote.duration_s:
        return quote.use
    started = quote.injectors * math.ceil(max(load_s, 0.0) / SECONDS_PER_MINUTE)
    used = min(started, quote.li_minutes) - quote.startup_li_minutes
    if used <= 0:
        return 0
    step = MICROS_PER_CENT if quote.unit is Unit.USD else 1
    beyond_the_floor = quote.li_minutes - quote.startup_li_minutes
    return divide_half_up(quote.use // step * used, beyond_the_floor) * step


def runs_within(balance_li_minutes: int, required_li_minutes: int) -> int:
    """How many runs a balance of LI-minutes allows (R30): 1,800 / 60 = 30 (R32).

    Raises:
        BadInputError: A run that needs nothing is no run.
    """
    if required_li_minutes < 1:
        raise BadInputError(
            f"a run needs at least one LI-minute, not {required_li_minutes}",
            required_li_minutes=required_li_minutes,
        )
    return max(balance_li_minutes, 0) // required_li_minutes


def quote_to_json(quote: Quote) -> dict[str, Any]:
    """The quote as a JSON document: dollars as decimal text, LI-minutes as numbers."""
    document: dict[str, Any] = plain(quote)
    amounts = {"startup": quote.startup, "use": quote.use, "total": quote.total}
    if quote.unit is Unit.USD:
        return document | {name: format_cents(amount) for name, amount in amounts.items()}
    return document | amounts


def quote_from_json(document: Mapping[str, Any]) -> Quote:
    """The quote that ``quote_to_json`` wrote; its total is the sum of its lines.

    Raises:
        QuoteUnreadableError: It is something else.
    """
    try:
        amounts = {}
        if document["unit"] == Unit.USD:
            amounts = {name: usd_micros(convert(document[name], str)) for name in _LINES}
        return convert({**document, **amounts}, Quote)
    except (KeyError, TypeError, ValueError, BadInputError) as error:
        raise QuoteUnreadableError(f"a stored quote cannot be read: {error}") from error
