"""The worked examples, to the cent and to the LI-minute, on SQLite and on PostgreSQL."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest

from pricing.accounts.boosts import boost
from pricing.accounts.cancellations import NotRenewableError, cancel, confirm_cancel, renew
from pricing.accounts.on_demand import NothingToUndoError, to_on_demand, undo
from pricing.accounts.plan_changes import downgrade, upgrade
from pricing.plans.model import Plan

OpenSubscriber = Callable[..., Any]
Plans = dict[str, Plan]


def test_w1_25_january(open_subscriber_anywhere: OpenSubscriber) -> None:
    subscriber = open_subscriber_anywhere("starter", "2027-01-25 10:15")
    first = subscriber.view("2027-01-25 10:15").period
    assert (str(first.first_day), str(first.last_day)) == ("2027-01-25", "2027-02-24")
    renewed = subscriber.view("2027-02-25 00:00")
    assert str(renewed.period.last_day) == "2027-03-24"
    assert renewed.balance_li_minutes == 3_600
    assert subscriber.charges() == [("2027-01-25 10:15", 199), ("2027-02-25 00:00", 199)]


@pytest.mark.parametrize("upgraded_on", ["2027-02-24 23:59", "2027-01-26 00:00"])
def test_w2_r37_r38_r39_r40_r43_199_to_699_costs_500_wherever_in_the_period(
    open_subscriber_anywhere: OpenSubscriber, plans: Plans, upgraded_on: str
) -> None:
    professional = plans["professional"]
    subscriber = open_subscriber_anywhere("starter", "2027-01-25 10:15")
    upgraded = subscriber.do(upgrade, upgraded_on, professional)
    assert upgraded.balance_li_minutes == professional.li_minutes
    renewed = subscriber.view("2027-02-25 00:00")
    assert subscriber.charges()[1:] == [(upgraded_on, 500), ("2027-02-25 00:00", 699)]
    assert subscriber.invoiced() == [199, 500, 699]
    assert renewed.balance_li_minutes == 2 * professional.li_minutes


def test_w3_r41_r42_the_next_boundary_is_5_june_not_22_june(
    open_subscriber_anywhere: OpenSubscriber, plans: Plans
) -> None:
    subscriber = open_subscriber_anywhere("starter", "2027-05-05 09:00")
    upgraded = subscriber.do(upgrade, "2027-05-22 09:00", plans["professional"])
    assert upgraded.next_charge.at == subscriber.at("2027-06-05")
    subscriber.view("2027-07-01")
    assert subscriber.charges()[2:] == [("2027-06-05 00:00", 699)]


def test_w5_r77_r80_boost_upgrade_boost(
    open_subscriber_anywhere: OpenSubscriber, plans: Plans
) -> None:
    starter, professional = plans["starter"], plans["professional"]
    subscriber = open_subscriber_anywhere("starter", "2027-01-25 10:15")
    subscriber.run("r1", "2027-01-26", starter, injectors=100, minutes=18)
    assert subscriber.view("2027-02-13").balance_li_minutes == 0
    assert subscriber.do(boost, "2027-02-13").balance_li_minutes == 1_800
    upgraded = subscriber.do(upgrade, "2027-02-14", professional)
    assert upgraded.balance_li_minutes == professional.li_minutes
    boosted = subscriber.do(boost, "2027-02-15")
    assert boosted.balance_li_minutes == 2 * professional.li_minutes
    renewed = subscriber.view("2027-02-25")
    assert renewed.balance_li_minutes == 3 * professional.li_minutes
    assert [dollars for _, dollars in subscriber.charges()] == [199, 199, 500, 699, 699]


def test_w6_r44_r45_r46_r47_r48_downgrade_waits_voids_charges_and_grants(
    open_subscriber_anywhere: OpenSubscriber, plans: Plans
) -> None:
    professional = plans["professional"]
    subscriber = open_subscriber_anywhere("professional", "2027-01-25 10:15")
    subscriber.run("r1", "2027-01-26", professional, injectors=100, minutes=22)
    asked = subscriber.do(downgrade, "2027-02-03", plans["starter"])
    assert (asked.balance_li_minutes, asked.account.plan) == (5_000, "professional")
    assert asked.next_charge.usd_micros == 199_000_000
    assert (asked.pending.plan, asked.pending.at) == ("starter", subscriber.at("2027-02-25"))
    subscriber.run("r2", "2027-02-13", professional, injectors=100, minutes=5)
    assert subscriber.view("2027-02-24 23:59:59").balance_li_minutes == 4_500
    smaller = subscriber.view("2027-02-25")
    assert (smaller.balance_li_minutes, smaller.account.plan) == (1_800, "starter")
    assert smaller.pending is None
    assert subscriber.charges() == [("2027-01-25 10:15", 699), ("2027-02-25 00:00", 199)]


def test_w7_r50_r51_r53_r54_r55_on_demand_and_back(
    open_subscriber_anywhere: OpenSubscriber, plans: Plans
) -> None:
    subscriber = open_subscriber_anywhere("starter", "2027-01-25 10:15")
    subscriber.run("r1", "2027-01-26", plans["starter"], injectors=100, minutes=6)
    switched = subscriber.do(to_on_demand, "2027-02-03", plans["on-demand"])
    assert (switched.account.plan, switched.balance_li_minutes) == ("on-demand", 0)
    assert (switched.period, switched.next_charge) == (None, None)
    assert switched.pending.suspended_li_minutes == 1_200
    subscriber.run("r2", "2027-02-04", plans["on-demand"], injectors=1, minutes=5)
    back = subscriber.do(undo, "2027-02-08")
    assert (back.account.plan, back.balance_li_minutes, back.pending) == ("starter", 1_200, None)
    assert back.next_charge.at == subscriber.at("2027-02-25")
    assert subscriber.view("2027-02-25").balance_li_minutes == 3_000
    assert [dollars for _, dollars in subscriber.charges()][::2] == [199, 199]


def test_w7_without_an_undo_the_credits_are_void_and_nothing_is_charged(
    open_subscriber_anywhere: OpenSubscriber, plans: Plans
) -> None:
    subscriber = open_subscriber_anywhere("starter", "2027-01-25 10:15")
    subscriber.do(to_on_demand, "2027-02-03", plans["on-demand"])
    after = subscriber.view("2027-02-25")
    assert (after.balance_li_minutes, after.pending, after.account.plan) == (0, None, "on-demand")
    with pytest.raises(NothingToUndoError):
        subscriber.do(undo, "2027-02-25")
    subscriber.view("2028-02-25")
    assert subscriber.charges() == [("2027-01-25 10:15", 199)]


def test_w8_r58_r59_r60_cancellation(open_subscriber_anywhere: OpenSubscriber) -> None:
    subscriber = open_subscriber_anywhere("starter", "2027-01-25 10:15", administrators=["ann"])
    asked = subscriber.do(cancel, "2027-03-10", by="ann")
    assert asked.account.status == "cancellation_requested"
    assert asked.next_charge is not None
    confirmed = subscriber.do(confirm_cancel, "2027-03-12")
    assert (confirmed.account.status, confirmed.next_charge) == ("cancellation_pending", None)
    assert confirmed.pending.at == subscriber.at("2027-03-25")
    assert subscriber.view("2027-03-24 23:59:59").balance_li_minutes == 3_600
    ended = subscriber.view("2027-03-25")
    assert (ended.account.status, ended.balance_li_minutes) == ("cancelled", 0)
    assert (ended.period, ended.pending) == (None, None)
    assert [day for day, _ in subscriber.charges()] == ["2027-01-25 10:15", "2027-02-25 00:00"]


@pytest.mark.parametrize(("at", "renewable"), [("2027-04-24 23:59", True), ("2027-04-25", False)])
def test_w8_r63_renewal_is_allowed_for_a_month(
    open_subscriber_anywhere: OpenSubscriber, at: str, *, renewable: bool
) -> None:
    subscriber = open_subscriber_anywhere("starter", "2027-01-25 10:15")
    subscriber.do(cancel, "2027-03-10", by="ann")
    subscriber.do(confirm_cancel, "2027-03-12")
    if renewable:
        renewed = subscriber.do(renew, at)
        assert (renewed.account.status, renewed.balance_li_minutes) == ("active", 1_800)
        assert renewed.next_charge.at == subscriber.at("2027-05-24")
        assert subscriber.charges()[2:] == [(at, 199)]
    else:
        with pytest.raises(NotRenewableError) as refused:
            subscriber.do(renew, at)
        assert refused.value.facts["until"] == "2027-04-24T22:00:00+00:00"


def test_w8_c30_verified_after_the_boundary_the_boundary_is_charged(
    open_subscriber_anywhere: OpenSubscriber,
) -> None:
    subscriber = open_subscriber_anywhere("starter", "2027-01-25 10:15")
    subscriber.do(cancel, "2027-03-10", by="ann")
    confirmed = subscriber.do(confirm_cancel, "2027-03-26")
    assert confirmed.pending.at == subscriber.at("2027-04-25")
    assert subscriber.charges()[-1] == ("2027-03-25 00:00", 199)
    assert subscriber.view("2027-04-25").account.status == "cancelled"
    assert len(subscriber.charges()) == 3


@pytest.mark.parametrize(("activated", "day"), [("2021-10-11", "01"), ("2021-10-12", "12")])
def test_w9_r17_r18_r22_the_accounts_activation_decides_for_ever(
    open_subscriber_anywhere: OpenSubscriber, activated: str, day: str, plans: Plans
) -> None:
    """C10: a legacy account keeps calendar months, also in a subscription that begins anew."""
    subscriber = open_subscriber_anywhere(
        "starter", f"{activated} 08:00", activated=f"{activated} 08:00"
    )
    subscriber.do(cancel, f"{activated} 09:00", by="ann")
    subscriber.do(confirm_cancel, f"{activated} 09:00")
    subscriber.do(upgrade, "2021-12-20 12:00", plans["starter"])
    subscriber.view("2022-02-15")
    expected = [(f"{activated} 08:00", 199), ("2021-12-20 12:00", 199)]
    new_day = "01" if day == "01" else "20"
    expected.append((f"2022-01-{new_day} 00:00", 199))
    if new_day == "01":
        expected.append(("2022-02-01 00:00", 199))
    assert subscriber.charges() == expected


def test_w10_r104_a_trial_is_fourteen_times_24_hours(
    open_subscriber_anywhere: OpenSubscriber, plans: Plans
) -> None:
    subscriber = open_subscriber_anywhere("trial", "2027-03-10 09:30", zone="America/Los_Angeles")
    until = datetime(2027, 3, 24, 17, 30, tzinfo=UTC)
    opened = subscriber.view("2027-03-10 09:30")
    assert (
        opened.period.end == opened.lots[0].expires_at == until == subscriber.at("2027-03-24 10:30")
    )
    assert opened.balance_li_minutes == plans["trial"].li_minutes
    assert subscriber.view("2027-03-24 10:29:59").balance_li_minutes == 30
    over = subscriber.view("2027-03-24 10:30")
    assert (over.account.status, over.balance_li_minutes) == ("trial_over", 0)
    assert subscriber.charges() == []
