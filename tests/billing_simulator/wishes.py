"""What comes to a customer's mind: mostly what makes sense as things stand."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from random import Random

from msgspec.structs import replace

from pricing.payments.gateway import DECLINES, DELAYS
from pricing.plans.dunning import Dunning
from pricing.plans.model import Plan
from pricing.plans.on_sale import BUNDLED_PLANS, load_plans
from tests.billing_simulator.commands import Command, Desk
from tests.billing_simulator.model import GOOD, Account

NOT_DUNNED = Dunning((), (), suspended_day=None, ended_day=None)
"""Here who does not pay is left alone: the independent model has the schedule."""

PLANS = {
    name: replace(plan, dunning=NOT_DUNNED) for name, plan in load_plans(BUNDLED_PLANS).items()
}
ON_DEMAND = PLANS["on-demand"]
OTHER_PLANS = ("starter", "professional", "advanced", "team", "basic", "enterprise", "trial")
DEPARTMENTS = ("research", "sales")
DRAWS_MAX = 3
"""After so many draws the last one is asked for, whether it makes sense or not."""


@dataclass(frozen=True)
class Wish:
    """One kind of command.

    Attributes:
        weight: How often, against the others.
        makes_sense: Whether the account is in a state to ask for it.
        write: The command, with its content drawn.
    """

    weight: int
    makes_sense: Callable[[Account], bool]
    write: Callable[[Random, Desk, Account], Command]


def draw_wish(random: Random, desk: Desk, books: Account) -> Command | None:
    """A command of any kind; None: a run."""
    wish = None
    for _ in range(DRAWS_MAX):
        (kind,) = random.choices([*WISHES, RUN], [*(w.weight for w in WISHES.values()), RUN_WEIGHT])
        wish = WISHES.get(kind)
        if (not books.ended) if wish is None else wish.makes_sense(books):
            break
    return None if wish is None else wish.write(random, desk, books)


def plan_for(random: Random) -> Plan:
    """Any plan that is neither on demand nor sold by the number of credits."""
    return PLANS[random.choice(OTHER_PLANS)]


def _agreed(random: Random) -> str | None:
    return random.choice([None, "rita"])


def _department(random: Random, books: Account) -> str:
    return random.choice(sorted(books.departments))


def _allocate(random: Random, desk: Desk, books: Account) -> Command:
    if not books.departments:
        return desk.add_department(random.choice(DEPARTMENTS))
    share = random.choice([0, 30, 100, 600, 1_800])
    return desk.allocate(_department(random, books), share)


def _limit(random: Random, desk: Desk, books: Account) -> Command:
    if not books.departments:
        return desk.add_department(random.choice(DEPARTMENTS))
    dollars = random.choice([0, 50, 2_000])
    return desk.limit_wallet(_department(random, books), dollars * 1_000_000)


def _is_there(books: Account) -> bool:
    return not books.deleted


def _goes_on(books: Account) -> bool:
    return books.is_monthly and "cancellation" not in books.waiting


def _can_go_back(books: Account) -> bool:
    return bool(books.waiting.keys() & {"on_demand", "downgrade"})


def _is_cancelled(books: Account) -> bool:
    return "cancellation" in books.waiting


RUN, RUN_WEIGHT = "run", 30
WISHES = {
    "advance": Wish(4, _is_there, lambda _random, desk, _books: desk.wait()),
    "upgrade": Wish(8, _is_there, lambda r, desk, _: desk.upgrade(plan_for(r), _agreed(r))),
    "downgrade": Wish(6, _goes_on, lambda r, desk, _: desk.downgrade(plan_for(r), _agreed(r))),
    "to-on-demand": Wish(
        4,
        lambda books: not books.ended,
        lambda r, desk, _: desk.to_on_demand(ON_DEMAND, _agreed(r)),
    ),
    "undo": Wish(6, _can_go_back, lambda _r, desk, _: desk.undo()),
    "boost": Wish(6, _goes_on, lambda _r, desk, _: desk.boost()),
    "cancel": Wish(4, _goes_on, lambda r, desk, _: desk.cancel(r.choice(["ann", "bob", "eve"]))),
    "confirm": Wish(8, _is_cancelled, lambda _r, desk, _: desk.confirm()),
    "renew": Wish(
        6, lambda books: books.ended or _is_cancelled(books), lambda _r, desk, _: desk.renew()
    ),
    "delete": Wish(1, lambda books: books.ended, lambda _r, desk, _: desk.delete()),
    "card": Wish(
        6,
        _is_there,
        lambda r, desk, _: desk.set_card(r.choice([GOOD, GOOD, GOOD, DECLINES, DELAYS])),
    ),
    "pay": Wish(8, lambda books: books.is_overdue, lambda _r, desk, _: desk.pay()),
    "department": Wish(
        3,
        lambda books: _is_there(books) and len(books.departments) < len(DEPARTMENTS),
        lambda r, desk, _: desk.add_department(r.choice(DEPARTMENTS)),
    ),
    "allocate": Wish(5, lambda books: books.is_monthly and bool(books.departments), _allocate),
    "limit": Wish(4, lambda books: _is_there(books) and bool(books.departments), _limit),
    "extra": Wish(3, _goes_on, lambda r, desk, _: desk.limit_extra(r.choice([0, 60, 500]))),
}
