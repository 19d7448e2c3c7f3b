"""The file that plans are sold from, read strictly; and a plan as it is stored with a sale."""

# Annotations are values here: msgspec would compile each anew from its text at every start.

import re
from collections.abc import Mapping
from datetime import date
from functools import lru_cache
from pathlib import Path
from typing import Annotated, Any, TypeVar

from msgspec import Meta, Struct, ValidationError, convert

from kernel.errors import InvariantBrokenError
from kernel.near_names import meant
from kernel.plain import plain
from pricing.money import usd_micros
from pricing.plans.channels import Channel
from pricing.plans.dunning import Dunning
from pricing.plans.model import Caps, CreditChoice, Plan, Sale
from pricing.strict_toml import (
    Money,
    NotNegative,
    Positive,
    Text,
    numbered,
    optional_usd_micros,
    read_toml,
    wrong_field,
)
from pricing.tariffs import CancellationPolicy, tariff_names, tariff_versions

TRIAL_DAYS_MAX = 366
DUNNING_DAYS_MAX = 730
DUNNING_STEPS_MAX = 40

Given = TypeVar("Given")

_NAME = re.compile(r"[a-z0-9]+(-[a-z0-9]+)*")


class TermsUnreadableError(InvariantBrokenError):
    """A stored plan is not one of ours."""

    code = "terms_unreadable"


def read_plans(path: Path) -> tuple[Plan, ...]:
    """Every version of every plan, in the file's order.

    Raises:
        DataFileError: File, field, and what would be right.
    """
    try:
        status = path.stat()
    except OSError:
        return _read(path, 0, 0)
    return _read(path, status.st_mtime_ns, status.st_size)


class _DunningTable(Struct, frozen=True, forbid_unknown_fields=True):
    """What is done with who does not pay, by days after the due date; 0: that is left out."""

    reminded_days: tuple[Positive, ...] = Dunning().reminded_days
    asked_again_days: tuple[Positive, ...] = Dunning().asked_again_days
    suspended_day: NotNegative = Dunning().suspended_day or 0
    ended_day: NotNegative = Dunning().ended_day or 0


class _PlanTable(Struct, frozen=True, forbid_unknown_fields=True):
    """One version of a plan, as the file has it."""

    name: Text
    version: date
    rollover: bool
    tariff: Text
    cancellation: CancellationPolicy
    monthly_usd: Money | None = None
    li_minutes: NotNegative | None = None
    credit_usd: Money | None = None
    credits_min: Positive | None = None
    credits_max: Positive | None = None
    credits_step: Positive | None = None
    purchase: Sale = Sale.SELF_SERVICE
    change_policy: Sale = Sale.SELF_SERVICE
    boosts: bool = True
    boost_usd: Money | None = None
    trial_days: Positive | None = None
    users_max: Positive | None = None
    injectors_max: Positive | None = None
    duration_s_max: Positive | None = None
    concurrent_runs_max: Positive | None = None
    extra_credits_max: NotNegative | None = None
    channels: Annotated[tuple[Channel, ...], Meta(min_length=1)] = tuple(Channel)
    examples: tuple[str, ...] = ()
    dunning: _DunningTable = _DunningTable()


class _PlansFile(Struct, frozen=True, forbid_unknown_fields=True):
    plans: Annotated[tuple[_PlanTable, ...], Meta(min_length=1)]


@lru_cache(maxsize=8)
def _read(path: Path, changed_ns: int, size: int) -> tuple[Plan, ...]:
    """The file as it was at that change; every command asks for its plans several times."""
    del changed_ns, size
    plans: list[Plan] = []
    for number, table in enumerate(read_toml(path, _PlansFile).plans, 1):
        where = numbered(path, "plans", number)
        plan = _plan_of(table, where)
        if any((plan.name, plan.version) == (other.name, other.version) for other in plans):
            raise wrong_field(
                where, "name", f"{plan.name!r} is there twice with version {plan.version}"
            )
        plans.append(plan)
    return tuple(plans)


def plan_to_json(plan: Plan) -> dict[str, Any]:
    """The plan as it is stored with what was sold."""
    document: dict[str, Any] = plain(plan)
    return document


def plan_from_json(document: Mapping[str, Any]) -> Plan:
    """The plan that ``plan_to_json`` wrote; what is missing was not sold then and has its default.

    Raises:
        TermsUnreadableError: It is something else: a field is missing, unknown or of another kind.
    """
    try:
        return convert(document, Plan)
    except ValidationError as error:
        raise TermsUnreadableError(f"stored terms cannot be read: {error}") from error


def _plan_of(table: _PlanTable, where: str) -> Plan:
    choice = _choice_of(table, where)
    if choice is None:
        monthly_usd_micros = usd_micros(_given(table.monthly_usd, "monthly_usd", where))
        li_minutes = _given(table.li_minutes, "li_minutes", where)
    else:
        monthly_usd_micros = choice.minimum * choice.usd_micros
        li_minutes = choice.minimum
    plan = Plan(
        name=table.name,
        monthly_usd_micros=monthly_usd_micros,
        li_minutes=li_minutes,
        rollover=table.rollover,
        tariff=table.tariff,
        cancellation=table.cancellation,
        version=table.version,
        purchase=table.purchase,
        change_policy=table.change_policy,
        boosts=table.boosts,
        boost_usd_micros=optional_usd_micros(table.boost_usd),
        trial_days=table.trial_days,
        credits=choice,
        caps=Caps(
            users=table.users_max,
            injectors=table.injectors_max,
            duration_s=table.duration_s_max,
            concurrent_runs=table.concurrent_runs_max,
        ),
        extra_credits_max=table.extra_credits_max,
        channels=table.channels,
        examples=table.examples,
        dunning=_dunning_of(table.dunning, where),
    )
    _check(plan, where)
    return plan


def _dunning_of(table: _DunningTable, where: str) -> Dunning:
    """The schedule: who is ended was suspended before, and told, if anybody is suspended."""
    days = (*table.reminded_days, *table.asked_again_days, table.suspended_day, table.ended_day)
    if max(days) > DUNNING_DAYS_MAX:
        raise wrong_field(where, "dunning", f"must name days of at most {DUNNING_DAYS_MAX}")
    if len(days) > DUNNING_STEPS_MAX:
        raise wrong_field(where, "dunning", f"must name at most {DUNNING_STEPS_MAX} days")
    if table.ended_day and table.ended_day <= table.suspended_day:
        raise wrong_field(where, "dunning.ended_day", "must come after suspended_day")
    return Dunning(
        table.reminded_days,
        table.asked_again_days,
        table.suspended_day or None,
        table.ended_day or None,
    )


def _choice_of(table: _PlanTable, where: str) -> CreditChoice | None:
    """The four fields of a plan whose credits are chosen; all of them or none."""
    if table.credit_usd is None:
        for key in ("credits_min", "credits_max", "credits_step"):
            if getattr(table, key) is not None:
                raise wrong_field(where, key, "needs credit_usd beside it")
        return None
    choice = CreditChoice(
        minimum=_given(table.credits_min, "credits_min", where),
        maximum=_given(table.credits_max, "credits_max", where),
        step=_given(table.credits_step, "credits_step", where),
        usd_micros=usd_micros(table.credit_usd),
    )
    if choice.maximum < choice.minimum:
        raise wrong_field(
            where, "credits_max", f"must be a whole number of at least {choice.minimum}"
        )
    if (choice.maximum - choice.minimum) % choice.step:
        raise wrong_field(where, "credits_max", "must be whole steps above credits_min")
    for key in ("monthly_usd", "li_minutes"):
        if getattr(table, key) is not None:
            raise wrong_field(where, key, "must be left out beside credit_usd")
    return choice


def _given(value: Given | None, key: str, where: str) -> Given:
    if value is None:
        raise wrong_field(where, key, "is missing")
    return value


def _check(plan: Plan, where: str) -> None:
    if not _NAME.fullmatch(plan.name):
        raise wrong_field(where, "name", "must be lowercase words joined by dashes")
    if plan.monthly_usd_micros and not plan.is_subscription:
        raise wrong_field(where, "li_minutes", "must be positive for a plan with a monthly price")
    if plan.trial_days is not None:
        if plan.trial_days > TRIAL_DAYS_MAX:
            raise wrong_field(where, "trial_days", f"must be at most {TRIAL_DAYS_MAX}")
        if plan.monthly_usd_micros:
            raise wrong_field(where, "monthly_usd", 'must be "0.00" for a trial')
        if not plan.is_subscription:
            raise wrong_field(where, "li_minutes", "must be positive for a trial")
    _check_tariff(plan, where)


def _check_tariff(plan: Plan, where: str) -> None:
    """A plan needs a rule for LI-minutes, and rates if its runs are paid in money."""
    if plan.tariff not in tariff_names():
        raise wrong_field(
            where,
            "tariff",
            f"{plan.tariff!r} is unknown{meant(plan.tariff, tariff_names())}; there are "
            f"{', '.join(tariff_names())}",
        )
    versions = tariff_versions(plan.tariff)
    if not all(version.counts_li_minutes for version in versions):
        raise wrong_field(where, "tariff", f"{plan.tariff!r} does not count in LI-minutes")
    if not plan.is_subscription and any(v.usd_micros_per_unit is None for v in versions):
        raise wrong_field(
            where, "tariff", f"{plan.tariff!r} has no rate, and the plan is paid in money"
        )
