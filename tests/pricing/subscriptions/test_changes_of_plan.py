"""Up, down, on demand, boosted: the rules of changing plans."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from typing import Any

import pytest
from msgspec.structs import replace
from sqlalchemy import Engine

from engine.database import transaction
from pricing.accounts.account import plan_of
from pricing.accounts.advance import advance
from pricing.accounts.boosts import NoBoostError, boost
from pricing.accounts.cancellations import cancel, confirm_cancel
from pricing.accounts.command import CancellationPendingError, NotSubscribedError
from pricing.accounts.on_demand import NothingToUndoError, to_on_demand, undo
from pricing.accounts.plan_changes import (
    ContactUsError,
    SamePlanError,
    UndoFirstError,
    WrongDirectionError,
    downgrade,
    upgrade,
)
from pricing.ledger.idempotency import RequestConflictError
from pricing.ledger.ledger import balance, entries
from pricing.payments.collecting import ChannelCannotError, PaymentFailedError
from pricing.payments.gateway import DECLINES, DELAYS, REHEARSED_GATEWAY
from pricing.plans.model import CreditsNotSoldError, Plan
from pricing.plans.quotes import Unit

OpenLife = Callable[..., Any]
Plans = dict[str, Plan]
OPENED = "2027-01-25 10:15"


@pytest.mark.parametrize("day", ["2027-01-25 10:15", "2027-02-10", "2027-02-24 23:59:59"])
def test_r34_r35_r36_an_upgrade_at_any_moment_counts_at_once(
    open_life: OpenLife, plans: Plans, day: str
) -> None:
    life = open_life("starter", OPENED)
    before = life.view(day).balance_li_minutes
    after = life.do(upgrade, day, plans["professional"])
    assert after.account.plan == "professional"
    difference = plans["professional"].li_minutes - plans["starter"].li_minutes
    assert after.balance_li_minutes - before == difference


def test_i9_upgrades_in_one_period_cost_the_last_price_less_the_first(
    open_life: OpenLife, plans: Plans
) -> None:
    life = open_life("starter", OPENED)
    life.do(upgrade, "2027-02-01", plans["professional"])
    life.do(upgrade, "2027-02-02", plans["advanced"])
    charged = sum(dollars for _, dollars in life.charges()[1:])
    assert charged * 1_000_000 == (
        plans["advanced"].monthly_usd_micros - plans["starter"].monthly_usd_micros
    )


def test_r5_r52_on_demand_every_run_is_paid_in_money(open_life: OpenLife, plans: Plans) -> None:
    life = open_life("starter", OPENED)
    life.do(to_on_demand, "2027-02-01", plans["on-demand"])
    life.run("r1", "2027-02-02", plans["on-demand"], injectors=10, minutes=10)
    paid = life.charges()[-1]
    assert paid == ("2027-02-02 00:00", 17)
    assert life.view("2027-02-02").pending.suspended_li_minutes == 1_800


def test_r49_one_may_go_on_demand_at_any_moment(open_life: OpenLife, plans: Plans) -> None:
    for day in ("2027-01-25 10:15", "2027-02-24 23:59:59", "2027-02-25"):
        life = open_life("starter", OPENED, account_id=f"a{day[:10]}")
        assert life.do(to_on_demand, day, plans["on-demand"]).account.plan == "on-demand"


def test_c37_an_upgrade_withdraws_a_pending_downgrade(open_life: OpenLife, plans: Plans) -> None:
    life = open_life("professional", OPENED)
    life.do(downgrade, "2027-02-01", plans["starter"])
    upgraded = life.do(upgrade, "2027-02-02", plans["advanced"])
    assert upgraded.pending is None
    life.view("2027-02-25")
    assert [dollars for _, dollars in life.charges()] == [699, 1_300, 1_999]


def test_c37_of_two_downgrades_the_last_wins(open_life: OpenLife, plans: Plans) -> None:
    life = open_life("advanced", OPENED)
    life.do(downgrade, "2027-02-01", plans["starter"])
    life.do(downgrade, "2027-02-02", plans["professional"])
    assert life.view("2027-02-25").account.plan == "professional"


def test_a_pending_downgrade_can_be_undone_for_nothing(open_life: OpenLife, plans: Plans) -> None:
    life = open_life("professional", OPENED)
    life.do(downgrade, "2027-02-01", plans["starter"])
    assert life.do(undo, "2027-02-02").pending is None
    assert life.view("2027-02-25").balance_li_minutes == 2 * plans["professional"].li_minutes


def test_c38_another_plan_is_an_undo_and_then_an_upgrade(open_life: OpenLife, plans: Plans) -> None:
    life = open_life("starter", OPENED)
    life.do(to_on_demand, "2027-02-01", plans["on-demand"])
    for wanted in ("professional", "starter"):
        with pytest.raises(UndoFirstError) as refused:
            life.do(upgrade, "2027-02-02", plans[wanted])
        assert refused.value.facts["until"] == "2027-02-24T23:00:00+00:00"
    life.do(undo, "2027-02-02")
    assert life.do(upgrade, "2027-02-02", plans["professional"]).account.plan == "professional"


def test_r12_after_the_boundary_a_plan_is_activated_on_an_anchor_of_its_own(
    open_life: OpenLife, plans: Plans
) -> None:
    life = open_life("starter", OPENED)
    life.do(to_on_demand, "2027-02-01", plans["on-demand"])
    subscribed = life.do(upgrade, "2027-03-31 15:00", plans["starter"])
    assert subscribed.next_charge.at == life.at("2027-04-30")
    life.view("2027-05-31")
    assert [day for day, _ in life.charges()[1:]] == [
        "2027-03-31 15:00",
        "2027-04-30 00:00",
        "2027-05-31 00:00",
    ]


def test_r78_r79_a_boost_adds_credits_and_charges_both_or_neither(
    open_life: OpenLife, plans: Plans
) -> None:
    life = open_life("starter", OPENED, card="test:accepts")
    life.run("r1", "2027-01-26", plans["starter"], injectors=100, minutes=18)
    boosted = life.do(boost, "2027-01-27")
    assert (boosted.balance_li_minutes, boosted.charged_usd_micros) == (1_800, 398_000_000)
    for card in (DECLINES, DELAYS):
        other = open_life("starter", OPENED, account_id=f"no{card[5:]}", card=None)
        change_card(other, card)
        before = other.view("2027-01-27")
        with pytest.raises(PaymentFailedError) as refused:
            other.do(boost, "2027-01-27")
        assert refused.value.facts["usd"] == "199.00"
        assert other.view("2027-01-27") == before


def test_r79_an_upgrade_that_is_not_paid_changes_nothing(open_life: OpenLife, plans: Plans) -> None:
    life = open_life("starter", OPENED)
    change_card(life, DECLINES)
    before = life.view("2027-01-27")
    with pytest.raises(PaymentFailedError):
        life.do(upgrade, "2027-01-27", plans["professional"])
    assert life.view("2027-01-27") == before


def test_c15_a_boost_can_be_had_again_each_with_its_own_request(open_life: OpenLife) -> None:
    life = open_life("starter", OPENED)
    for _ in range(3):
        life.do(boost, "2027-01-27", request_id="b1")
    assert life.do(boost, "2027-01-27", request_id="b2").balance_li_minutes == 3 * 1_800


def test_r80_c16_while_a_downgrade_is_pending_a_boost_is_the_smaller_plans(
    open_life: OpenLife, plans: Plans
) -> None:
    life = open_life("professional", OPENED)
    life.do(downgrade, "2027-02-01", plans["starter"])
    boosted = life.do(boost, "2027-02-02")
    assert boosted.balance_li_minutes == plans["professional"].li_minutes + 1_800
    assert life.charges()[-1] == ("2027-02-02 00:00", 199)


def test_c14_an_operator_may_price_boosts_otherwise(open_life: OpenLife, plans: Plans) -> None:
    life = open_life(replace(plans["starter"], boost_usd_micros=150_000_000), OPENED)
    life.do(boost, "2027-02-02")
    assert life.charges()[-1] == ("2027-02-02 00:00", 150)


def test_boosts_are_not_for_on_demand_nor_for_plans_without(
    open_life: OpenLife, plans: Plans
) -> None:
    with pytest.raises(NotSubscribedError) as refused:
        open_life("on-demand", OPENED).do(boost, "2027-02-01")
    assert refused.value.facts == {"account": "acme", "plan": "on-demand"}
    with pytest.raises(NoBoostError):
        open_life("team", OPENED, account_id="team").do(boost, "2027-02-01")
    assert plans["starter"].boosts


def test_the_wrong_direction_and_the_same_plan_are_refused_with_the_prices(
    open_life: OpenLife, plans: Plans
) -> None:
    life = open_life("professional", OPENED)
    before = life.view("2027-02-01")
    for command in (upgrade, downgrade):
        with pytest.raises(SamePlanError):
            life.do(command, "2027-02-01", plans["professional"])
    with pytest.raises(WrongDirectionError) as refused:
        life.do(upgrade, "2027-02-01", plans["starter"])
    assert refused.value.facts["usd"] == "699.00"
    assert refused.value.facts["wanted_usd"] == "199.00"
    with pytest.raises(WrongDirectionError):
        life.do(downgrade, "2027-02-01", plans["advanced"])
    with pytest.raises(NotSubscribedError, match="to-on-demand"):
        life.do(downgrade, "2027-02-01", plans["on-demand"])
    with pytest.raises(NothingToUndoError):
        life.do(undo, "2027-02-01")
    assert life.view("2027-02-01") == before


def test_i7_a_request_sent_again_is_done_once_and_other_content_is_a_conflict(
    open_life: OpenLife, plans: Plans
) -> None:
    life = open_life("starter", OPENED)
    first = life.do(upgrade, "2027-02-01", plans["professional"], request_id="u")
    assert life.do(upgrade, "2027-02-01", plans["professional"], request_id="u") == first
    for command, content in ((upgrade, [plans["advanced"]]), (boost, [])):
        with pytest.raises(RequestConflictError) as refused:
            life.do(command, "2027-02-01", *content, request_id="u")
        assert refused.value.facts == {"request_id": "u", "command": "upgrade"}
    assert life.view("2027-02-01") == first


def test_a_plan_changed_later_never_re_prices_what_was_sold(
    open_life: OpenLife, plans: Plans
) -> None:
    starter = replace(
        plans["starter"],
        monthly_usd_micros=149_000_000,
        li_minutes=1_000,
        version=date(2025, 1, 1),
    )
    life = open_life(starter, OPENED)
    renewed = life.view("2027-02-25")
    assert renewed.balance_li_minutes == 2_000
    assert life.charges()[-1] == ("2027-02-25 00:00", 149)
    with life.books() as conn:
        assert plan_of(conn, "acme") == starter
    assert life.do(boost, "2027-02-26").balance_li_minutes == 3_000


def test_r115_credits_can_be_chosen_in_steps(open_life: OpenLife, plans: Plans) -> None:
    custom = plans["custom"]
    life = open_life(custom.with_credits(700), OPENED)
    assert life.view(OPENED).balance_li_minutes == 700
    assert life.charges() == [(OPENED, 560)]
    more = life.do(upgrade, "2027-02-01", custom.with_credits(1_000), agreed_with="rita")
    assert more.balance_li_minutes == 1_000
    for wanted in (400, 750, 20_100):
        with pytest.raises(CreditsNotSoldError):
            custom.with_credits(wanted)
    with pytest.raises(CreditsNotSoldError, match="cannot be chosen"):
        plans["starter"].with_credits(2_000)


def test_r116_r117_c22_some_plans_are_bought_alone_and_changed_through_contact(
    open_life: OpenLife, plans: Plans
) -> None:
    life = open_life("on-demand", OPENED)
    with pytest.raises(ContactUsError):
        life.do(upgrade, "2027-02-01", plans["custom"])
    assert life.do(upgrade, "2027-02-01", plans["basic"]).account.plan == "basic"
    with pytest.raises(ContactUsError) as refused:
        life.do(upgrade, "2027-02-02", plans["team"])
    assert (refused.value.facts["plan"], refused.value.facts["wanted"]) == ("basic", "team")
    for command in (downgrade, to_on_demand):
        with pytest.raises((ContactUsError, NotSubscribedError)):
            life.do(command, "2027-02-02", plans["on-demand"])
    agreed = life.do(upgrade, "2027-02-02", plans["team"], agreed_with="rita")
    assert agreed.balance_li_minutes == 300


def test_up_to_a_dearer_plan_with_fewer_credits_pays_the_difference_and_keeps_what_there_is(
    open_life: OpenLife, plans: Plans
) -> None:
    assert plans["team"].li_minutes < plans["starter"].li_minutes
    life = open_life("starter", OPENED)
    after = life.do(upgrade, "2027-02-01", plans["team"])
    assert (after.account.plan, after.balance_li_minutes) == ("team", 1_800)
    difference = plans["team"].monthly_usd_micros - plans["starter"].monthly_usd_micros
    assert life.charges()[-1][1] * 1_000_000 == difference


def test_c21_without_rollover_nothing_outlives_its_period(
    open_life: OpenLife, plans: Plans
) -> None:
    life = open_life("basic", OPENED)
    life.do(upgrade, "2027-02-01", plans["team"], agreed_with="rita")
    assert life.view("2027-02-24 23:59").balance_li_minutes == 300
    assert life.view("2027-02-25").balance_li_minutes == 300
    with life.books() as conn:
        assert balance(conn, "acme", "expired", Unit.LI_MINUTES) == 300


def test_r101_c23_a_marketplace_contract_changes_through_the_contract_only(
    open_life: OpenLife, plans: Plans
) -> None:
    life = open_life("starter", OPENED, channel="aws-marketplace")
    for command, content in ((upgrade, [plans["professional"]]), (boost, [])):
        with pytest.raises(ChannelCannotError) as refused:
            life.do(command, "2027-02-01", *content)
        assert refused.value.facts["channel"] == "aws-marketplace"
    with pytest.raises(ChannelCannotError):
        life.do(to_on_demand, "2027-02-01", plans["on-demand"])
    with pytest.raises(ChannelCannotError):
        open_life(plans["aws-contract"], OPENED, account_id="by-card")


def test_what_is_going_to_end_cannot_be_changed(open_life: OpenLife, plans: Plans) -> None:
    life = open_life("professional", OPENED)
    life.do(cancel, "2027-02-01", by="ann")
    life.do(confirm_cancel, "2027-02-01")
    before = life.view("2027-02-02")
    for command, content in (
        (upgrade, [plans["advanced"]]),
        (downgrade, [plans["starter"]]),
        (to_on_demand, [plans["on-demand"]]),
        (boost, []),
    ):
        with pytest.raises(CancellationPendingError):
            life.do(command, "2027-02-02", *content)
    assert life.view("2027-02-02") == before


def test_i10_nothing_is_ever_refunded(open_life: OpenLife, plans: Plans) -> None:
    life = open_life("professional", OPENED)
    life.do(downgrade, "2027-02-01", plans["starter"])
    life.do(to_on_demand, "2027-03-01", plans["on-demand"])
    life.view("2027-06-01")
    assert all(dollars > 0 for _, dollars in life.charges())
    assert all(dollars > 0 for dollars in life.invoiced())


def test_i8_i17_boundaries_crossed_at_once_are_crossed_one_by_one(
    sqlite_db: Engine, open_life: OpenLife, plans: Plans
) -> None:
    for name in ("steps", "once"):
        life = open_life("professional", OPENED, account_id=name)
        life.do(downgrade, "2027-02-01", plans["starter"])
    with transaction(sqlite_db) as conn:
        for day in range(1, 29):
            advance(conn, "steps", life.at(f"2027-03-{day:02d} 07:00"), payer=REHEARSED_GATEWAY)
        for name in ("steps", "once"):
            advance(conn, name, life.at("2030-01-01"), payer=REHEARSED_GATEWAY)
        steps, once = (
            [
                (each.effective_at, [(p.unit, p.amount) for p in each.postings])
                for each in entries(conn, name)
            ]
            for name in ("steps", "once")
        )
    assert steps == once


def change_card(life: Any, card: str) -> None:  # noqa: ANN401 - the fixture's account
    from pricing.accounts.overdue import set_card

    life.do(set_card, "2027-01-26", card)
