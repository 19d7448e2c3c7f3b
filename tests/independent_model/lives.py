"""Random lives: twenty zones, anchors at the end of months, leap days and changes of clocks."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, timedelta
from random import Random

from tests.independent_model.model.catalogue import PLANS, USD
from tests.independent_model.model.months import day_start
from tests.independent_model.model.story import Opening, Step, Story

ZONES = (
    "UTC",
    "Europe/Paris",
    "Europe/London",
    "Europe/Lisbon",
    "America/Los_Angeles",
    "America/New_York",
    "America/Sao_Paulo",
    "America/Santiago",
    "America/Havana",
    "America/St_Johns",
    "Africa/Cairo",
    "Africa/Casablanca",
    "Asia/Kolkata",
    "Asia/Kathmandu",
    "Asia/Tokyo",
    "Asia/Beirut",
    "Australia/Lord_Howe",
    "Pacific/Auckland",
    "Pacific/Apia",
    "Pacific/Kiritimati",
)
SUBSCRIPTIONS = tuple(name for name, plan in PLANS.items() if plan.credits and not plan.trial_days)
HOUR_S = 3_600
DAY_S = 86_400
DEPARTMENTS = ("qa", "web")

WEIGHTS = {
    "run": 24,
    "start": 22,
    "end": 20,
    "upgrade": 9,
    "downgrade": 7,
    "to-on-demand": 6,
    "undo": 7,
    "boost": 7,
    "cancel": 5,
    "confirm-cancel": 5,
    "renew": 6,
    "pay": 8,
    "card": 9,
    "extra-credits": 5,
    "add-department": 6,
    "allocate": 9,
    "limit": 6,
    "wait": 8,
    "advance": 3,
}


def life(seed: int, number: int, steps: int) -> Story:
    """The life of that number under a seed; the same again, whatever other lives there are."""
    chance = Random(f"{seed}/{number}")
    opening = _opening(chance)
    # Drawn apart: what it draws changes nothing else of the life.
    payment_days = Random(f"{seed}/{number}/seller").choice([None, 0, 14, 30])
    return Story(
        replace(opening, payment_days=payment_days), tuple(_step(chance) for _ in range(steps))
    )


def _opening(chance: Random) -> Opening:
    zone = chance.choice(ZONES)
    year, month = chance.choice([(2027, 1), (2027, 3), (2027, 10), (2028, 1), (2028, 2)])
    first = date(year, month, 1) + timedelta(days=chance.choice([0, 10, 23, 26, 27, 28, 29, 30]))
    # Around midnight there, too: what day it is depends on the zone.
    offset_s = chance.choice([0, 1, 5_400, 12 * HOUR_S, DAY_S - 1, DAY_S - 600])
    at = (day_start(first, zone) + timedelta(seconds=offset_s)).astimezone(UTC)
    activated = chance.choice(
        [None] * 6 + [date(2021, 10, 11), date(2021, 10, 12), date(2020, 2, 29)]
    )
    return Opening(
        at=at,
        timezone=zone,
        plan=chance.choice([*SUBSCRIPTIONS, "starter", "monthly", "trial", "trial", "on-demand"]),
        activated=activated,
        card=chance.choices(["pays", "declines", "delays"], [30, 1, 1])[0],
    )


def _step(chance: Random) -> Step:
    (do,) = chance.choices(list(WEIGHTS), list(WEIGHTS.values()))
    step = {
        "run": _run,
        "start": _start,
        "end": _end,
        "upgrade": _to_plan,
        "downgrade": _to_plan,
        "card": _card,
        "extra-credits": _amount,
        "add-department": _department,
        "allocate": _share,
        "limit": _wallet,
    }.get(do, _plain)(chance, do)
    return _after(chance, step)


def _after(chance: Random, step: Step) -> Step:
    """When: at once, later, or around what happens by itself."""
    fields = {name: getattr(step, name) for name in step.__dataclass_fields__}
    kind = chance.random()
    if kind < 0.35:
        fields["wait_s"] = 0
    elif kind < 0.7:
        fields["wait_s"] = chance.choice(
            [1, 59, 61, 299, 400, HOUR_S, 7 * HOUR_S, DAY_S, 3 * DAY_S]
        )
    elif kind < 0.9:
        fields["until"], fields["wait_s"] = "boundary", chance.choice([-DAY_S, -1, 0, 0, 1, HOUR_S])
    else:
        fields["wait_s"] = chance.choice([10, 31, 45, 95]) * DAY_S + chance.randrange(DAY_S)
    return Step(**fields)


def _plain(_: Random, do: str) -> Step:
    return Step(do=do)


def _run(chance: Random, do: str) -> Step:
    injectors = chance.choice([1, 1, 2, 3, 10, 40, 100, 101, 150])
    return Step(
        do=do,
        injectors=injectors,
        users=injectors * chance.choice([1, 7, 100]) + chance.randrange(3),
        duration_s=chance.choice([30, 300, 301, 600, 1_200, 3_600, 7_260]),
        department=chance.choice(["", "", *DEPARTMENTS]),
    )


def _start(chance: Random, do: str) -> Step:
    how = chance.choices(["", "charged", "no-machines"], [5, 2, 1])[0]
    return Step(do=do, run=chance.randrange(3), how=how)


def _end(chance: Random, do: str) -> Step:
    return Step(do=do, run=chance.randrange(3), how=chance.choice(["cancel", "cancel", "complete"]))


def _to_plan(chance: Random, do: str) -> Step:
    return Step(do=do, plan=chance.choice([*SUBSCRIPTIONS, *SUBSCRIPTIONS, "trial"]))


def _card(chance: Random, do: str) -> Step:
    return Step(do=do, how=chance.choices(["pays", "declines", "delays"], [6, 3, 2])[0])


def _amount(chance: Random, do: str) -> Step:
    return Step(do=do, amount=chance.choice([0, 10, 200, 5_000]))


def _department(chance: Random, do: str) -> Step:
    return Step(do=do, department=chance.choice(DEPARTMENTS))


def _share(chance: Random, do: str) -> Step:
    amount = chance.choice([0, 10, 60, 300, 600, 1_000, 1_801, 5_000])
    return Step(do=do, department=chance.choice(DEPARTMENTS), amount=amount)


def _wallet(chance: Random, do: str) -> Step:
    amount = chance.choice([0, 1, 5, 20, 100, 1_000]) * USD
    return Step(do=do, department=chance.choice(DEPARTMENTS), amount=amount)
