"""What is offered or recommended can be done as things stand, at the price that is told."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path

import pytest
from sqlalchemy import Connection
from sqlalchemy import Engine as Database

from engine.api import Engine
from engine.database import undone
from kernel.clock import ManualClock
from kernel.errors import RefusedError
from pricing.accounts.boosts import boost
from pricing.accounts.cancellations import renew
from pricing.accounts.on_demand import to_on_demand
from pricing.accounts.overdue import pay
from pricing.accounts.plan_changes import downgrade, upgrade
from pricing.accounts.plan_offers import Action, PlanOffer, offers_of
from pricing.accounts.view import charged_usd_micros
from pricing.departments.commands import allocate
from pricing.departments.extra_credits import limit_extra_credits
from pricing.ledger.allocations import account_lots
from pricing.ledger.departments import find_department
from pricing.payments.gateway import DECLINES, REHEARSED_GATEWAY
from pricing.plans.channels import Channel
from pricing.plans.on_sale import BUNDLED_PLANS, load_plans
from pricing.plans.quotes import quote_run
from pricing.run_charges.caps import PlanCapError
from pricing.run_charges.charges import reserve
from pricing.run_charges.funding import InsufficientCreditsError, WalletExceededError
from pricing.run_charges.remedies import Help, Need, Remedy, remedies_of
from pricing.subscriptions.subscriptions import latest
from pricing.tariffs import LoadSize

OPENED = datetime(2027, 1, 25, 9, tzinfo=UTC)
PLANS = load_plans(BUNDLED_PLANS)
Prepare = Callable[[Engine, ManualClock], None]


def on(plan: str, channel: str = "card", credits_wanted: int | None = None) -> Prepare:
    """An account that has just been opened on a plan."""

    def prepare(engine: Engine, _clock: ManualClock) -> None:
        engine.accounts.open(
            "acme",
            plan=plan,
            channel=Channel(channel),
            credits_wanted=credits_wanted,
            agreed_with="rita",
        )

    return prepare


def after(first: Prepare, *commands: Callable[[Engine, ManualClock], object]) -> Prepare:
    """The same, and what it did then."""

    def prepare(engine: Engine, clock: ManualClock) -> None:
        first(engine, clock)
        for each in commands:
            each(engine, clock)

    return prepare


def a_month_later(_engine: Engine, clock: ManualClock) -> None:
    clock.move_to(clock.now() + timedelta(days=31))


SITUATIONS: dict[str, Prepare] = {
    "on demand": on("on-demand"),
    "trial": on("trial"),
    "basic": on("basic"),
    "team": on("team"),
    "starter": on("starter"),
    "starter by invoice": on("starter", "invoice"),
    "starter at aws": on("starter", "aws-marketplace"),
    "contract at aws": on("aws-contract", "aws-marketplace"),
    "custom": on("custom", credits_wanted=600),
    "advanced": on("advanced"),
    "smaller next month": after(
        on("professional"), lambda e, _: e.accounts.downgrade("acme", plan="starter")
    ),
    "ends next month": after(
        on("starter"),
        lambda e, _: e.accounts.cancel("acme"),
        lambda e, _: e.accounts.confirm_cancel("acme", representative="rita"),
    ),
    "overdue": after(
        on("starter"),
        lambda e, _: e.accounts.set_card("acme", DECLINES),
        a_month_later,
        lambda e, _: e.accounts.advance(),
        lambda e, _: e.accounts.set_card("acme", "tok_good"),
    ),
    "just gone on demand": after(on("starter"), lambda e, _: e.accounts.to_on_demand("acme")),
    "ended": after(
        on("starter"),
        lambda e, _: e.accounts.cancel("acme"),
        lambda e, _: e.accounts.confirm_cancel("acme", representative="rita"),
        a_month_later,
        lambda e, _: e.accounts.advance(),
    ),
    "shared out": after(
        on("starter"),
        lambda e, _: e.departments.add("acme", "lab"),
        lambda e, _: e.departments.allocate("acme", "lab", 1_000),
    ),
}


@pytest.fixture
def engine(migrated_file: Path, tmp_path: Path) -> Engine:
    url = f"sqlite:///{shutil.copy(migrated_file, tmp_path / 'books.db')}"
    return Engine(url, clock=ManualClock(OPENED), environment={})


def prepared(engine: Engine, situation: str) -> datetime:
    """The instant at which the account is in that situation."""
    clock = engine.clock
    assert isinstance(clock, ManualClock)
    SITUATIONS[situation](engine, clock)
    return clock.now()


@pytest.mark.parametrize("situation", SITUATIONS)
def test_r114_an_offer_is_done_at_its_price_or_says_why_not(engine: Engine, situation: str) -> None:
    with engine:
        now = prepared(engine, situation)
        db = engine._context.db
        with undone(db) as conn:
            offered = offers_of(conn, "acme", PLANS.values(), at=now)
        assert {each.plan.name for each in offered} >= {"starter"} or "contract" in situation
        for offer in offered:
            if offer.action is Action.CURRENT:
                continue
            with undone(db) as conn:
                before = charged_usd_micros(conn, "acme")
                assert _refusal_of(conn, offer, now) == offer.why_not
                at_once = 0 if offer.at_once is None else offer.at_once.usd_micros
                assert charged_usd_micros(conn, "acme") - before == at_once


def _refusal_of(conn: Connection, offer: PlanOffer, now: datetime) -> str | None:
    """What the command that leads to the offered plan is refused with; None: it was done."""
    subscription = latest(conn, "acme")
    command: Callable[..., None] = upgrade
    if not offer.plan.is_subscription:
        command = to_on_demand
    elif (
        subscription.has_periods
        and offer.plan.monthly_usd_micros <= subscription.plan.monthly_usd_micros
    ):
        command = downgrade
    try:
        command(conn, "acme", offer.plan, now=now, request_id="offer", gateway=REHEARSED_GATEWAY)
    except RefusedError as error:
        return error.message
    return None


SUBSCRIBED = [
    name
    for name in SITUATIONS
    if name not in {"on demand", "just gone on demand", "ended", "basic"}
]
SIZES_MINUTES = (61, 500, 2_500, 9_000, 30_000)


@pytest.mark.parametrize("situation", SUBSCRIBED)
def test_r78_r106_what_a_refusal_recommends_makes_the_run_possible(
    engine: Engine, situation: str
) -> None:
    with engine:
        now = prepared(engine, situation)
        db = engine._context.db
        seen = set()
        for minutes in SIZES_MINUTES:
            with undone(db) as conn:
                remedies = _remedies(conn, now, minutes)
            for remedy in remedies:
                seen.add(remedy.help)
                with undone(db) as conn:
                    _follow(conn, remedy, now, minutes)
        assert seen == RECOMMENDED[situation]


RECOMMENDED = {
    "trial": {Help.UPGRADE, Help.EXTRA_CREDITS},
    "team": {Help.CONTACT_US, Help.EXTRA_CREDITS},
    "starter": {Help.BOOST, Help.UPGRADE, Help.EXTRA_CREDITS},
    "starter by invoice": {Help.BOOST, Help.UPGRADE},
    "starter at aws": {Help.CONTACT_US, Help.WAIT},
    "contract at aws": {Help.CONTACT_US},
    "custom": {Help.CONTACT_US, Help.EXTRA_CREDITS},
    "advanced": {Help.BOOST, Help.EXTRA_CREDITS},
    "smaller next month": {Help.BOOST, Help.UPGRADE, Help.EXTRA_CREDITS},
    "ends next month": {Help.RENEW, Help.EXTRA_CREDITS},
    "overdue": {Help.PAY},
    "shared out": {Help.BOOST, Help.UPGRADE, Help.EXTRA_CREDITS},
}


def _remedies(conn: Connection, now: datetime, minutes: int) -> tuple[Remedy, ...]:
    """What would help a run of so many minutes on one injector; none, where it can be paid."""
    plan = latest(conn, "acme").plan
    quote = quote_run(plan, LoadSize(injectors=1, users=10, duration_s=60 * minutes))
    refused = _refused(conn, now, minutes)
    if refused is None:
        return ()
    own = sum(lot.available for lot in account_lots(conn, "acme", now))
    need = Need(quote, quote.total - own, now, tuple(PLANS.values()))
    found = remedies_of(conn, "acme", need)
    assert refused.facts["remedies"] == ", ".join(each.help for each in found)
    assert all(each.words in refused.message for each in found)
    return found


def _refused(conn: Connection, now: datetime, minutes: int) -> InsufficientCreditsError | None:
    """The refusal for too few credits; None: the run can be paid, or is too large for the plan."""
    try:
        _reserve(conn, now, minutes)
    except InsufficientCreditsError as error:
        return error
    except PlanCapError:
        return None
    return None


def _reserve(conn: Connection, now: datetime, minutes: int, department: str | None = None) -> None:
    plan = latest(conn, "acme").plan
    usage = LoadSize(injectors=1, users=10, duration_s=60 * minutes)
    reserve(
        conn,
        "acme",
        "run-1",
        quote_run(plan, usage),
        on_demand=quote_run(PLANS["on-demand"], usage) if department else None,
        department=department,
        on_sale=PLANS.values(),
        now=now,
        gateway=REHEARSED_GATEWAY,
    )


def _follow(
    conn: Connection, remedy: Remedy, now: datetime, minutes: int, department: str | None = None
) -> None:
    """Do what is recommended; the run is accepted then, and it cost what was told."""
    before = charged_usd_micros(conn, "acme")
    if remedy.help is Help.WAIT:
        now += timedelta(days=31)
    for number in range(remedy.times):
        _do(conn, remedy, now, f"r{number}")
    if remedy.help in {Help.PAY, Help.RENEW, Help.CONTACT_US}:
        return
    spent = charged_usd_micros(conn, "acme") - before
    if remedy.help in {Help.BOOST, Help.UPGRADE}:
        assert spent == remedy.usd_micros
    if department is None or remedy.help is not Help.UPGRADE:
        _reserve(conn, now, minutes, department)
        return
    # What an upgrade grants is the account's, to be allocated.
    share = find_department(conn, "acme", "lab").allocation_li_minutes
    allocate(conn, "acme", "lab", share + remedy.li_minutes, now=now, gateway=REHEARSED_GATEWAY)
    _reserve(conn, now, minutes, department)


def _do(conn: Connection, remedy: Remedy, now: datetime, key: str) -> None:
    commands: dict[Help, Callable[..., object]] = {
        Help.BOOST: partial(boost, request_id=key),
        Help.UPGRADE: partial(upgrade, wanted=PLANS[remedy.plan or "starter"], request_id=key),
        Help.EXTRA_CREDITS: partial(limit_extra_credits, limit_li_minutes=remedy.li_minutes),
        Help.ALLOCATE: partial(allocate, name="lab", li_minutes=remedy.li_minutes),
        Help.PAY: partial(pay, request_id=key),
        Help.RENEW: partial(renew, request_id=key),
    }
    command = commands.get(remedy.help)
    if command is not None:
        command(conn, "acme", now=now, gateway=REHEARSED_GATEWAY)


DEPARTMENTS: dict[str, tuple[Prepare, int, str]] = {
    "some of the grant is left": (
        on("starter"),
        500,
        "allocate, upgrade, limit",
    ),
    "all of the grant is shared out": (
        after(
            on("starter"),
            lambda e, _: e.departments.add("acme", "ops"),
            lambda e, _: e.departments.allocate("acme", "ops", 1_800),
        ),
        500,
        "upgrade, limit",
    ),
    "on demand": (on("on-demand"), 500, "upgrade, limit"),
    "at aws": (on("starter", "aws-marketplace"), 500, "allocate, contact-us"),
}


@pytest.mark.parametrize("situation", DEPARTMENTS)
def test_r73_what_is_recommended_to_a_department_makes_its_run_possible(
    engine: Engine, situation: str
) -> None:
    prepare, minutes, recommended = DEPARTMENTS[situation]
    with engine:
        assert isinstance(engine.clock, ManualClock)
        prepare(engine, engine.clock)
        engine.departments.add("acme", "lab")
        now = engine.clock.now()
        db = engine._context.db
        with (
            undone(db) as conn,
            pytest.raises((InsufficientCreditsError, WalletExceededError)) as refused,
        ):
            _reserve(conn, now, minutes, "lab")
        assert refused.value.facts["remedies"] == recommended
        for remedy in _of_department(db, now, minutes):
            assert remedy.words in refused.value.message
            with undone(db) as conn:
                _follow(conn, remedy, now, minutes, "lab")


def _of_department(db: Database, now: datetime, minutes: int) -> tuple[Remedy, ...]:
    with undone(db) as conn:
        plan = latest(conn, "acme").plan
        usage = LoadSize(injectors=1, users=10, duration_s=60 * minutes)
        need = Need(
            quote_run(plan, usage),
            minutes,
            now,
            tuple(PLANS.values()),
            find_department(conn, "acme", "lab"),
        )
        return remedies_of(conn, "acme", need)
