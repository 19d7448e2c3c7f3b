"""A plan that is sold at other terms, or no longer, and those who have it (C49)."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest
from msgspec.structs import replace

from engine.api import Engine
from engine.readers import read_scenario
from kernel.clock import ManualClock
from kernel.errors import BadInputError
from pricing.accounts.notices import NoticeTooShortError
from pricing.accounts.plan_sales import SamePlanError
from pricing.ledger.allocations import AllocationAboveGrantError
from pricing.payments.gateway import DECLINES
from pricing.plans.model import Plan
from pricing.plans.on_sale import BUNDLED_PLANS, load_plans
from tests.command_line import here

CHECKOUT = read_scenario(Path(__file__).resolve().parents[3] / "examples" / "checkout.yaml")
NEWER = """
[[plans]]
name = "starter"
version = 2027-03-01
monthly_usd = "249.00"
li_minutes = 1000
rollover = true
tariff = "on-demand"
cancellation = "startup_then_used"
"""
MICROS = 1_000_000


def day(text: str) -> datetime:
    return datetime.fromisoformat(f"{text}T12:00+00:00").astimezone(UTC)


class World:
    """One account on Starter since 25 January 2027, and the file of plans."""

    def __init__(self, url: str, plans: Path) -> None:
        self.url, self.plans = url, plans
        self.clock = ManualClock(day("2027-01-25"))
        self.engine = Engine(url, clock=self.clock, environment={"LOADMUSTER_PLANS": str(plans)})
        self.engine.accounts.open("acme", plan="starter")

    def at(self, text: str) -> Engine:
        """The engine on a day."""
        self.clock.move_to(day(text))
        return self.engine

    def charged(self, until: str) -> list[int]:
        """Dollars of every period and purchase, once a day has come."""
        engine = self.at(until)
        engine.accounts.advance()
        entries = engine.reports.ledger("acme")
        return [
            posting.amount // MICROS
            for entry in entries
            for posting in entry.postings
            if posting.ledger_account == "receivable" and posting.amount > 0
        ]


@pytest.fixture
def world(migrated_file: Path, tmp_path: Path) -> World:
    plans = tmp_path / "plans.toml"
    plans.write_text(BUNDLED_PLANS.read_text(encoding="utf-8") + NEWER, encoding="utf-8")
    return World(f"sqlite:///{shutil.copy(migrated_file, tmp_path / 'books.db')}", plans)


def test_c49_without_a_notice_a_subscriber_keeps_what_was_bought(world: World) -> None:
    engine = world.at("2027-03-05")
    (current,) = [each for each in engine.accounts.offers("acme") if each.action == "current"]
    assert (current.plan.monthly_usd_micros, current.sold_for_usd_micros) == (
        199 * MICROS,
        249 * MICROS,
    )
    assert world.charged("2027-05-01") == [199, 199, 199, 199]
    engine.accounts.open("late", plan="starter")
    assert engine.accounts.show("late").charged_usd_micros == 249 * MICROS


def test_c49_an_upgrade_to_the_same_plan_says_what_it_is_sold_for(world: World) -> None:
    world.plans.write_text(
        world.plans.read_text().replace("li_minutes = 1000", "li_minutes = 1800")
    )
    with pytest.raises(SamePlanError, match=r"sold for 249.00 USD by now, and stays as it was"):
        world.at("2027-03-05").accounts.upgrade("acme", plan="starter")


def test_c49_a_notice_takes_effect_at_the_first_boundary_that_is_30_days_away(
    world: World,
) -> None:
    accounts = world.at("2027-03-05").accounts
    (told,) = accounts.notice("starter")
    assert (told.account_id, f"{told.at:%Y-%m-%d}", told.is_new) == ("acme", "2027-04-25", True)
    assert (told.usd_micros_before, told.usd_micros) == (199 * MICROS, 249 * MICROS)
    assert [each.is_new for each in accounts.notice("starter")] == [False]
    (noted,) = [each for each in accounts.log("acme") if each.command == "notice"]
    assert (noted.actor, noted.content) == ("owner", {"plan": "starter", "version": "2027-03-01"})

    waiting = accounts.show("acme")
    assert waiting.pending is not None
    assert (waiting.pending.change, waiting.pending.monthly_usd_micros) == (
        "new_terms",
        249 * MICROS,
    )
    assert waiting.account.status == "active"
    assert waiting.next_charge is not None
    assert waiting.next_charge.usd_micros == 199 * MICROS
    later = world.at("2027-03-26").accounts.show("acme")
    assert later.next_charge is not None
    assert later.next_charge.usd_micros == 249 * MICROS

    assert world.charged("2027-05-01") == [199, 199, 199, 249]
    shown = accounts.show("acme")
    assert (shown.pending, shown.balance_li_minutes) == (None, 3 * 1_800 + 1_000)
    assert accounts.notice("starter") == []
    # What the file says later does not matter.
    world.plans.write_text(BUNDLED_PLANS.read_text())
    assert world.charged("2027-06-01")[-1] == 249


def test_c49_a_notice_is_never_shorter_than_30_days(world: World) -> None:
    accounts = world.at("2027-03-05").accounts
    with pytest.raises(NoticeTooShortError, match="from 2027-04-04 on would be right"):
        accounts.notice("starter", first=day("2027-03-25"))
    with pytest.raises(BadInputError, match="has no months"):
        accounts.notice("on-demand")
    (told,) = accounts.notice("starter", first=day("2027-05-01"))
    assert f"{told.at:%Y-%m-%d}" == "2027-05-25"


LEAVING: dict[str, tuple[Callable[[Engine], object], list[int]]] = {
    "up": (
        lambda e: e.accounts.upgrade("acme", plan="professional"),
        [199, 199, 199, 500, 699, 699],
    ),
    "down": (lambda e: e.accounts.downgrade("acme", plan="basic"), [199, 199, 199, 89, 89]),
    "on demand": (lambda e: e.accounts.to_on_demand("acme"), [199, 199, 199]),
    "there and back": (
        lambda e: (e.accounts.to_on_demand("acme"), e.accounts.undo("acme")),
        [199, 199, 199, 249, 249],
    ),
    "away": (
        lambda e: (e.accounts.cancel("acme"), e.accounts.confirm_cancel("acme")),
        [199, 199, 199],
    ),
}


@pytest.mark.parametrize("how", LEAVING)
def test_c49_whoever_goes_before_is_not_concerned(world: World, how: str) -> None:
    go, charged = LEAVING[how]
    world.at("2027-03-05").accounts.notice("starter")
    go(world.at("2027-03-28"))
    assert world.charged("2027-06-01") == charged
    assert world.engine.accounts.show("acme").pending is None


def test_c49_an_unpaid_period_is_paid_for_at_the_price_that_it_began_with(world: World) -> None:
    accounts = world.at("2027-03-05").accounts
    accounts.notice("starter")
    accounts.set_card("acme", DECLINES)
    accounts = world.at("2027-04-26").accounts
    accounts.advance()
    owing = accounts.show("acme")
    assert owing.unpaid_usd_micros == 2 * 199 * MICROS
    accounts.set_card("acme", "tok_good")
    accounts.pay("acme")
    assert world.charged("2027-05-26") == [199, 199, 199, 199, 249]


def test_c49_without_rollover_what_was_not_paid_is_given_up_before_the_new_terms(
    world: World,
) -> None:
    newer = NEWER.replace("starter", "team").replace("rollover = true", "rollover = false")
    world.plans.write_text(world.plans.read_text() + newer)
    accounts = world.at("2027-02-01").accounts
    accounts.open("owes", plan="team")
    accounts = world.at("2027-03-05").accounts
    (told,) = accounts.notice("team")
    assert f"{told.at:%Y-%m-%d}" == "2027-05-01"
    accounts.set_card("owes", DECLINES)
    accounts = world.at("2027-05-02").accounts
    accounts.advance()
    assert accounts.show("owes").unpaid_usd_micros == 249 * MICROS
    accounts.set_card("owes", "tok_good")
    assert accounts.pay("owes").charged_usd_micros == (356 + 356 + 249) * MICROS


def test_c31_c49_a_notice_of_a_smaller_grant_tells_whose_shares_do_not_fit(world: World) -> None:
    engine = world.at("2027-03-05")
    engine.departments.add("acme", "lab")
    engine.departments.allocate("acme", "lab", 1_500)
    (told,) = engine.accounts.notice("starter")
    assert told.above_grant_li_minutes == 500
    with pytest.raises(AllocationAboveGrantError) as refused:
        engine.departments.allocate("acme", "lab", 1_600)
    assert refused.value.facts["grant"] == 1_000
    world.charged("2027-04-26")
    lab = engine.departments.show("acme", "lab")
    assert [lot.amount for lot in lab.lots] == [1_500, 1_500, 1_000]
    engine.departments.allocate("acme", "lab", 1_000)


def test_c49_chosen_credits_stay_as_many_or_the_next_that_are_sold() -> None:
    custom = load_plans(BUNDLED_PLANS)["custom"]
    assert custom.with_as_many_credits(custom.with_credits(1_200)).li_minutes == 1_200
    other = custom.with_credits(20_000)
    for bought, sold in ((450, 500), (501, 600), (20_000, 20_000)):
        found = custom.with_as_many_credits(_with(other, bought))
        assert (found.li_minutes, found.monthly_usd_micros) == (sold, sold * 800_000)


def _with(plan: Plan, li_minutes: int) -> Plan:
    return replace(plan, li_minutes=li_minutes)


STILL: dict[str, Callable[[Engine], object]] = {
    "show": lambda e: e.accounts.show("acme"),
    "offers": lambda e: e.accounts.offers("acme"),
    "history": lambda e: e.accounts.history("acme"),
    "usage": lambda e: e.reports.usage("acme"),
    "a run": lambda e: e.runs.accept(
        CHECKOUT, account="acme", users=9, provider="aws", dry_run=True
    ),
    "boost": lambda e: e.accounts.boost("acme"),
    "extra credits": lambda e: e.accounts.extra_credits("acme", 60),
    "on demand and back": lambda e: (e.accounts.to_on_demand("acme"), e.accounts.undo("acme")),
    "cancel and renew": lambda e: (e.accounts.cancel("acme"), e.accounts.renew("acme")),
}


def test_c49_a_plan_that_is_not_sold_any_more_is_still_had_by_who_has_it(world: World) -> None:
    tables = BUNDLED_PLANS.read_text().split("[[plans]]")
    kept = [each for each in tables if 'name = "starter"' not in each]
    world.plans.write_text("[[plans]]".join(kept))
    for name, do in STILL.items():
        assert do(world.at("2027-02-01")), name
    assert world.charged("2027-03-01") == [199, 199, 199]
    with pytest.raises(BadInputError, match="no plan 'starter'"):
        world.engine.accounts.notice("starter")


def test_the_command_line_tells_whom_it_concerns(
    world: World, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LOADMUSTER_PLANS", str(world.plans))
    call = here(capsys, "--db", world.url, "--now", "2027-03-05T12:00Z")
    told = call("account", "notice", "starter")
    assert told.code == 0
    assert "2027-04-25" in told.out
    document = call("--json", "account", "notice", "starter").json
    assert (document["plan"], document["version"], document["monthly_usd"]) == (
        "starter",
        "2027-03-01",
        "249.00",
    )
    assert [(each["id"], each["is_new"]) for each in document["accounts"]] == [("acme", False)]
    shown = " ".join(call("account", "show", "acme").out.replace("│", " ").split())
    said = "starter will be 249.00 USD a month for 1,000 LI-minutes from 2027-04-25 on"
    assert said in shown
    offers = " ".join(call("account", "offers", "acme").out.replace("│", " ").split())
    assert "sold for 249.00 USD by now" in offers
    late = call("--json", "account", "notice", "starter", "--from", "2027-03-25")
    assert (late.code, late.json["error"]["code"]) == (2, "notice_too_short")
