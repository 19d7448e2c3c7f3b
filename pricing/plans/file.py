"""The file that plans are sold from, read strictly; and a plan as it is stored with a sale."""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path
from typing import Any

from msgspec import ValidationError, convert

from kernel.errors import InvariantBrokenError
from kernel.plain import plain
from pricing.plans.channels import Channel
from pricing.plans.model import Caps, CreditChoice, Plan, Sale
from pricing.strict_toml import Table, read_toml
from pricing.tariffs import CancellationPolicy, tariff_names, tariff_versions

TRIAL_DAYS_MAX = 366

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


@lru_cache(maxsize=8)
def _read(path: Path, changed_ns: int, size: int) -> tuple[Plan, ...]:
    """The file as it was at that change; every command asks for its plans several times."""
    del changed_ns, size
    file = read_toml(path)
    tables = file.tables("plans")
    file.finish()
    plans: list[Plan] = []
    for table in tables:
        plan = _read_plan(table)
        if any((plan.name, plan.version) == (other.name, other.version) for other in plans):
            raise table.wrong("name", f"{plan.name!r} is there twice with version {plan.version}")
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


def _read_plan(table: Table) -> Plan:
    choice = _read_choice(table)
    name = table.text("name")
    monthly_usd_micros = (
        table.money_usd_micros("monthly_usd")
        if choice is None
        else choice.minimum * choice.usd_micros
    )
    plan = Plan(
        name=name,
        monthly_usd_micros=monthly_usd_micros,
        li_minutes=table.integer("li_minutes", minimum=0) if choice is None else choice.minimum,
        rollover=table.flag("rollover"),
        tariff=table.text("tariff"),
        cancellation=table.choice("cancellation", CancellationPolicy),
        version=table.day("version"),
        purchase=_optional_sale(table, "purchase"),
        change_policy=_optional_sale(table, "change_policy"),
        boosts=table.flag("boosts", default=True),
        boost_usd_micros=table.optional_money_usd_micros("boost_usd"),
        trial_days=table.optional_integer("trial_days", minimum=1),
        credits=choice,
        caps=Caps(
            users=table.optional_integer("users_max", minimum=1),
            injectors=table.optional_integer("injectors_max", minimum=1),
            duration_s=table.optional_integer("duration_s_max", minimum=1),
            concurrent_runs=table.optional_integer("concurrent_runs_max", minimum=1),
        ),
        channels=_read_channels(table),
        examples=table.texts("examples", default=()),
    )
    table.finish()
    _check(table, plan)
    return plan


def _read_choice(table: Table) -> CreditChoice | None:
    """The four fields of a plan whose credits are chosen; all of them or none."""
    price = table.optional_money_usd_micros("credit_usd")
    if price is None:
        return None
    minimum = table.integer("credits_min", minimum=1)
    choice = CreditChoice(
        minimum=minimum,
        maximum=table.integer("credits_max", minimum=minimum),
        step=table.integer("credits_step", minimum=1),
        usd_micros=price,
    )
    if (choice.maximum - choice.minimum) % choice.step:
        raise table.wrong("credits_max", "must be whole steps above credits_min")
    return choice


def _read_channels(table: Table) -> tuple[Channel, ...]:
    names = table.texts("channels", default=tuple(Channel))
    for name in names:
        if name not in list(Channel):
            raise table.wrong("channels", f"may hold {', '.join(Channel)}, not {name!r}")
    if not names:
        raise table.wrong("channels", "must name at least one")
    return tuple(Channel(name) for name in names)


def _optional_sale(table: Table, key: str) -> Sale:
    return table.choice(key, Sale, default=Sale.SELF_SERVICE)


def _check(table: Table, plan: Plan) -> None:
    if not _NAME.fullmatch(plan.name):
        raise table.wrong("name", "must be lowercase words joined by dashes")
    if plan.monthly_usd_micros and not plan.is_subscription:
        raise table.wrong("li_minutes", "must be positive for a plan with a monthly price")
    if plan.trial_days is not None:
        if plan.trial_days > TRIAL_DAYS_MAX:
            raise table.wrong("trial_days", f"must be at most {TRIAL_DAYS_MAX}")
        if plan.monthly_usd_micros:
            raise table.wrong("monthly_usd", 'must be "0.00" for a trial')
        if not plan.is_subscription:
            raise table.wrong("li_minutes", "must be positive for a trial")
    _check_tariff(table, plan)


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
