"""Up, down, on demand, boosted: the rules of changing plans."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from typing import Any

import pytest
from msgspec.structs import replace
from sqlalchemy import Engine

from engine.database import transaction
from kernel.errors import RequestConflictError
from pricing.accounts.account import plan_of
from pricing.accounts.advance import advance
from pricing.accounts.boosts import NoBoostError, boost
from pricing.accounts.cancellations import cancel, confirm_cancel
from pricing.accounts.command import CancellationPendingError, NotSubscribedError
from pricing.accounts.on_demand import NothingToUndoError, to_on_demand, undo
from pricing.accounts.plan_changes import downgrade, upgrade
from pricing.accounts.plan_sales import (
    ContactUsError,
    SamePlanError,
    UndoFirstError,
    WrongDirectionError,
)
from pricing.ledger.ledger import balance, entries
from pricing.payments.collecting import ChannelCannotError, PaymentFailedError
from pricing.payments.gateway import DECLINES, DELAYS, REHEARSED_GATEWAY
from pricing.plans.model import CreditsNotSoldError, Plan
from pricing.plans.quotes import Unit

OpenSubscriber = Callable[..., Any]
Plans = dict[str, Plan]
OPENED = "2027-01-25 10:15"


@pytest.mark.parametrize("day", ["2027-01-25 10:15", "2027-02-10", "2027-02-24 23:59:59"])
def test_r34_r35_r36_an_upgrade_at_any_moment_counts_at_once(
    open_subscriber: OpenSubscriber, plans: Plans, day: str
) -> None:
    subscriber = open_subscriber("starter", OPENED)
    before = subscriber.view(day).balance_li_minutes
    after = subscriber.do(upgrade, day, plans["professional"])
    assert after.account.plan == "professional"
    difference = plans["professional"].li_minutes - plans["starter"].li_minutes
    assert after.balance_li_minutes - before == difference


def test_i9_upgrades_in_one_period_cost_the_last_price_less_the_first(
    open_subscriber: OpenSubscriber, plans: Plans
) -> None:
    subscriber = open_subscriber("starter", OPENED)
    subscriber.do(upgrade, "2027-02-01", plans["professional"])
    subscriber.do(upgrade, "2027-02-02", plans["advanced"])
    charged = sum(dollars for _, dollars in subscriber.charges()[1:])
    assert charged * 1_000_000 == (
        plans["advanced"].monthly_usd_micros - plans["starter"].monthly_usd_micros
    )


def test_r5_r52_on_demand_every_run_is_paid_in_money(
    open_subscriber: OpenSubscriber, plans: Plans
) -> None:
    subscriber = open_subscriber("starter", OPENED)
    subscriber.do(to_on_demand, "2027-02-01", plans["on-demand"])
    subscriber.run("r1", "2027-02-02", plans["on-demand"], injectors=10, minutes=10)
    paid = subscriber.charges()[-1]
    assert paid == ("2027-02-02 00:00", 17)
    assert subscriber.view("2027-02-02").pending.suspended_li_minutes == 1_800


def test_r49_one_may_go_on_demand_at_any_moment(
    open_subscriber: OpenSubscriber, plans: Plans
) -> None:
    for day in ("2027-01-25 10:15", "2027-02-24 23:59:59", "2027-02-25"):
        subscriber = open_subscriber("starter", OPENED, account_id=f"a{day[:10]}")
        assert subscriber.do(to_on_demand, day, plans["on-demand"]).account.plan == "on-demand"


def test_c37_an_upgrade_withdraws_a_pending_downgrade(
    open_subscriber: OpenSubscriber, plans: Plans
) -> None:
    subscriber = open_subscriber("professional", OPENED)
    subscriber.do(downgrade, "2027-02-01", plans["starter"])
    upgraded = subscriber.do(upgrade, "2027-02-02", plans["advanced"])
    assert upgraded.pending is None
    subscriber.view("2027-02-25")
    assert [dollars for _, dollars in subscriber.charges()] == [699, 1_300, 1_999]


def test_c37_of_two_downgrades_the_last_wins(open_subscriber: OpenSubscriber, plans: Plans) -> None:
    subscriber = open_subscriber("advanced", OPENED)
    subscriber.do(downgrade, "2027-02-01", plans["starter"])
    subscriber.do(downgrade, "2027-02-02", plans["professional"])
    assert subscriber.view("2027-02-25").account.plan == "professional"


def test_a_pending_downgrade_can_be_undone_for_nothing(
    open_subscriber: OpenSubscriber, plans: Plans
) -> None:
    subscriber = open_subscriber("professional", OPENED)
    subscriber.do(downgrade, "2027-02-01", plans["starter"])
    assert subscriber.do(undo, "2027-02-02").pending is None
    assert subscriber.view("2027-02-25").balance_li_minutes == 2 * plans["professional"].li_minutes


def test_c38_another_plan_is_an_undo_and_then_an_upgrade(
    open_subscriber: OpenSubscriber, plans: Plans
) -> None:
    subscriber = open_subscriber("starter", OPENED)
    subscriber.do(to_on_demand, "2027-02-01", plans["on-demand"])
    for wanted in ("professional", "starter"):
        with pytest.raises(UndoFirstError) as refused:
            subscriber.do(upgrade, "2027-02-02", plans[wanted])
        assert refused.value.facts["until"] == "2027-02-24T23:00:00+00:00"
    subscriber.do(undo, "2027-02-02")
    assert (
        subscriber.do(upgrade, "2027-02-02", plans["professional"]).account.plan == "professional"
    )


def test_r12_after_the_boundary_a_plan_is_activated_on_an_anchor_of_its_own(
    open_subscriber: OpenSubscriber, plans: Plans
) -> None:
    subscriber = open_subscriber("starter", OPENED)
    subscriber.do(to_on_demand, "2027-02-01", plans["on-demand"])
    subscribed = subscriber.do(upgrade, "2027-03-31 15:00", plans["starter"])
    assert subscribed.next_charge.at == subscriber.at("2027-04-30")
    subscriber.view("2027-05-31")
    assert [day for day, _ in subscriber.charges()[1:]] == [
        "2027-03-31 15:00",
        "2027-04-30 00:00",
        "2027-05-31 00:00",
    ]


def test_r78_r79_a_boost_adds_credits_and_charges_both_or_neither(
    open_subscriber: OpenSubscriber, plans: Plans
) -> None:
    subscriber = open_subscriber("starter", OPENED, card="tok_good")
    subscriber.run("r1", "2027-01-26", plans["starter"], injectors=100, minutes=18)
    boosted = subscriber.do(boost, "2027-01-27")
    assert (boosted.balance_li_minutes, boosted.charged_usd_micros) == (1_800, 398_000_000)
    for card in (DECLINES, DELAYS):
        other = open_subscriber("starter", OPENED, account_id=f"no{card[5:]}", card=None)
        change_card(other, card)
        before = other.view("2027-01-27")
        with pytest.raises(PaymentFailedError) as refused:
            other.do(boost, "2027-01-27")
        assert refused.value.facts["usd"] == "199.00"
        assert other.view("2027-01-27") == before


def test_r79_an_upgrade_that_is_not_paid_changes_nothing(
    open_subscriber: OpenSubscriber, plans: Plans
) -> None:
    subscriber = open_subscriber("starter", OPENED)
    change_card(subscriber, DECLINES)
    before = subscriber.view("2027-01-27")
    with pytest.raises(PaymentFailedError):
        subscriber.do(upgrade, "2027-01-27", plans["professional"])
    assert subscriber.view("2027-01-27") == before


def test_c15_a_boost_can_be_had_again_each_with_its_own_request(
    open_subscriber: OpenSubscriber,
) -> None:
    subscriber = open_subscriber("starter", OPENED)
    for _ in range(3):
        subscriber.do(boost, "2027-01-27", request_id="b1")
    assert subscriber.do(boost, "2027-01-27", request_id="b2").balance_li_minutes == 3 * 1_800


def test_r80_c16_while_a_downgrade_is_pending_a_boost_is_the_smaller_plans(
    open_subscriber: OpenSubscriber, plans: Plans
) -> None:
    subscriber = open_subscriber("professional", OPENED)
    subscriber.do(downgrade, "2027-02-01", plans["starter"])
    boosted = subscriber.do(boost, "2027-02-02")
    assert boosted.balance_li_minutes == plans["professional"].li_minutes + 1_800
    assert subscriber.charges()[-1] == ("2027-02-02 00:00", 199)


def test_c14_an_operator_may_price_boosts_otherwise(
    open_subscriber: OpenSubscriber, plans: Plans
) -> None:
    subscriber = open_subscriber(replace(plans["starter"], boost_usd_micros=150_000_000), OPENED)
    subscriber.do(boost, "2027-02-02")
    assert subscriber.charges()[-1] == ("2027-02-02 00:00", 150)


def test_boosts_are_not_for_on_demand_nor_for_plans_without(
    open_subscriber: OpenSubscriber, plans: Plans
) -> None:
    with pytest.raises(NotSubscribedError) as refused:
        open_subscriber("on-demand", OPENED).do(boost, "2027-02-01")
    assert refused.value.facts == {"account": "acme", "plan": "on-demand"}
    with pytest.raises(NoBoostError):
        open_subscriber("team", OPENED, account_id="team").do(boost, "2027-02-01")
    assert plans["starter"].boosts


def test_the_wrong_direction_and_the_same_plan_are_refused_with_the_prices(
    open_subscriber: OpenSubscriber, plans: Plans
) -> None:
    subscriber = open_subscriber("professional", OPENED)
    before = subscriber.view("2027-02-01")
    for command in (upgrade, downgrade):
        with pytest.raises(SamePlanError):
            subscriber.do(command, "2027-02-01", plans["professional"])
    with pytest.raises(WrongDirectionError) as refused:
        subscriber.do(upgrade, "2027-02-01", plans["starter"])
    assert refused.value.facts["usd"] == "699.00"
    assert refused.value.facts["wanted_usd"] == "199.00"
    with pytest.raises(WrongDirectionError):
        subscriber.do(downgrade, "2027-02-01", plans["advanced"])
    with pytest.raises(NotSubscribedError, match="to-on-demand"):
        subscriber.do(downgrade, "2027-02-01", plans["on-demand"])
    with pytest.raises(NothingToUndoError):
        subscriber.do(undo, "2027-02-01")
    assert subscriber.view("2027-02-01") == before


def test_i7_a_request_sent_again_is_done_once_and_other_content_is_a_conflict(
    open_subscriber: OpenSubscriber, plans: Plans
) -> None:
    subscriber = open_subscriber("starter", OPENED)
    first = subscriber.do(upgrade, "2027-02-01", plans["professional"], request_id="u")
    assert subscriber.do(upgrade, "2027-02-01", plans["professional"], request_id="u") == first
    for command, content in ((upgrade, [plans["advanced"]]), (boost, [])):
        with pytest.raises(RequestConflictError) as refused:
            subscriber.do(command, "2027-02-01", *content, request_id="u")
        assert refused.value.facts == {"request_id": "u", "command": "upgrade"}
    assert subscriber.view("2027-02-01") == first


def test_a_plan_changed_later_never_re_prices_what_was_sold(
    open_subscriber: OpenSubscriber, plans: Plans
) -> None:
    starter = replace(
        plans["starter"],
        monthly_usd_micros=149_000_000,
        li_minutes=1_000,
        version=date(2025, 1, 1),
    )
    subscriber = open_subscriber(starter, OPENED)
    renewed = subscriber.view("2027-02-25")
    assert renewed.balance_li_minutes == 2_000
    assert subscriber.charges()[-1] == ("2027-02-25 00:00", 149)
    with subscriber.books() as conn:
        assert plan_of(conn, "acme") == starter
    assert subscriber.do(boost, "2027-02-26").balance_li_minutes == 3_000


def test_r115_credits_can_be_chosen_in_steps(open_subscriber: OpenSubscriber, plans: Plans) -> None:
    custom = plans["custom"]
    subscriber = open_subscriber(custom.with_credits(700), OPENED)
    assert subscriber.view(OPENED).balance_li_minutes == 700
    assert subscriber.charges() == [(OPENED, 560)]
    more = subscriber.do(upgrade, "2027-02-01", custom.with_credits(1_000), agreed_with="rita")
    assert more.balance_li_minutes == 1_000
    for wanted in (400, 750, 20_100):
        with pytest.raises(CreditsNotSoldError):
            custom.with_credits(wanted)
    with pytest.raises(CreditsNotSoldError, match="cannot be chosen"):
        plans["starter"].with_credits(2_000)


def test_r116_r117_c22_some_plans_are_bought_alone_and_changed_through_contact(
    open_subscriber: OpenSubscriber, plans: Plans
) -> None:
    subscriber = open_subscriber("on-demand", OPENED)
    with pytest.raises(ContactUsError):
        subscriber.do(upgrade, "2027-02-01", plans["custom"])
    assert subscriber.do(upgrade, "2027-02-01", plans["basic"]).account.plan == "basic"
    with pytest.raises(ContactUsError) as refused:
        subscriber.do(upgrade, "2027-02-02", plans["team"])
    assert (refused.value.facts["plan"], refused.value.facts["wanted"]) == ("basic", "team")
    for command in (downgrade, to_on_demand):
        with pytest.raises((ContactUsError, NotSubscribedError)):
            subscriber.do(command, "2027-02-02", plans["on-demand"])
    agreed = subscriber.do(upgrade, "2027-02-02", plans["team"], agreed_with="rita")
    assert agreed.balance_li_minutes == 300


def test_up_to_a_dearer_plan_with_fewer_credits_pays_the_difference_and_keeps_what_there_is(
    open_subscriber: OpenSubscriber, plans: Plans
) -> None:
    assert plans["team"].li_minutes < plans["starter"].li_minutes
    subscriber = open_subscriber("starter", OPENED)
    after = subscriber.do(upgrade, "2027-02-01", plans["team"])
    assert (after.account.plan, after.balance_li_minutes) == ("team", 1_800)
    difference = plans["team"].monthly_usd_micros - plans["starter"].monthly_usd_micros
    assert subscriber.charges()[-1][1] * 1_000_000 == difference


def test_c21_without_rollover_nothing_outlives_its_period(
    open_subscriber: OpenSubscriber, plans: Plans
) -> None:
    subscriber = open_subscriber("basic", OPENED)
    subscriber.do(upgrade, "2027-02-01", plans["team"], agreed_with="rita")
    assert subscriber.view("2027-02-24 23:59").balance_li_minutes == 300
    assert subscriber.view("2027-02-25").balance_li_minutes == 300
    with subscriber.books() as conn:
        assert balance(conn, "acme", "expired", Unit.LI_MINUTES) == 300


def test_r101_c23_a_marketplace_contract_changes_through_the_contract_only(
    open_subscriber: OpenSubscriber, plans: Plans
) -> None:
    subscriber = open_subscriber("starter", OPENED, channel="aws-marketplace")
    for command, content in ((upgrade, [plans["professional"]]), (boost, [])):
        with pytest.raises(ChannelCannotError) as refused:
            subscriber.do(command, "2027-02-01", *content)
        assert refused.value.facts["channel"] == "aws-marketplace"
    with pytest.raises(ChannelCannotError):
        subscriber.do(to_on_demand, "2027-02-01", plans["on-demand"])
    with pytest.raises(ChannelCannotError):
        open_subscriber(plans["aws-contract"], OPENED, account_id="by-card")


def test_what_is_going_to_end_cannot_be_changed(
    open_subscriber: OpenSubscriber, plans: Plans
) -> None:
    subscriber = open_subscriber("professional", OPENED)
    subscriber.do(cancel, "2027-02-01", by="ann")
    subscriber.do(confirm_cancel, "2027-02-01")
    before = subscriber.view("2027-02-02")
    for command, content in (
        (upgrade, [plans["advanced"]]),
        (downgrade, [plans["starter"]]),
        (to_on_demand, [plans["on-demand"]]),
        (boost, []),
    ):
        with pytest.raises(CancellationPendingError):
            subscriber.do(command, "2027-02-02", *content)
    assert subscriber.view("2027-02-02") == before


def test_i10_nothing_is_ever_refunded(open_subscriber: OpenSubscriber, plans: Plans) -> None:
    subscriber = open_subscriber("professional", OPENED)
    subscriber.do(downgrade, "2027-02-01", plans["starter"])
    subscriber.do(to_on_demand, "2027-03-01", plans["on-demand"])
    subscriber.view("2027-06-01")
    assert all(dollars > 0 for _, dollars in subscriber.charges())
    assert all(dollars > 0 for dollars in subscriber.invoiced())


def test_i8_i17_boundaries_crossed_at_once_are_crossed_one_by_one(
    sqlite_db: Engine, open_subscriber: OpenSubscriber, plans: Plans
) -> None:
    for name in ("steps", "once"):
        subscriber = open_subscriber("professional", OPENED, account_id=name)
        subscriber.do(downgrade, "2027-02-01", plans["starter"])
    with transaction(sqlite_db) as conn:
        for day in range(1, 29):
            advance(
                conn, "steps", subscriber.at(f"2027-03-{day:02d} 07:00"), gateway=REHEARSED_GATEWAY
            )
        for name in ("steps", "once"):
            advance(conn, name, subscriber.at("2030-01-01"), gateway=REHEARSED_GATEWAY)
        steps, once = (
            [
                (each.effective_at, [(p.unit, p.amount) for p in each.postings])
                for each in entries(conn, name)
            ]
            for name in ("steps", "once")
        )
    assert steps == once


def change_card(subscriber: Any, card: str) -> None:  # noqa: ANN401 - the fixture's account
    from pricing.accounts.overdue import set_card

    subscriber.do(set_card, "2027-01-26", card)
