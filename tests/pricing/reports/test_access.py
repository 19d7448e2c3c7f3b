"""Who sees usage and billing, and what there is to see."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import Engine

from engine.database import transaction
from pricing.accounts.administrators import (
    Asker,
    NotAdministratorError,
    check_administrator,
)
from pricing.accounts.billing_settings import billing_settings
from pricing.accounts.opening import open_account
from pricing.accounts.owner import OWNER
from pricing.accounts.plan_history import PlanStatus, plan_history
from pricing.ledger.invoices import list_invoices
from pricing.payments.gateway import REHEARSED_GATEWAY
from pricing.plans.channels import Channel
from pricing.plans.model import Plan
from pricing.plans.on_sale import BUNDLED_PLANS, load_plans
from pricing.reports.usage_access import check_may_see
from pricing.reports.usage_records import usage_of_cycle
from pricing.tables import ADMINISTRATORS

Charge = Callable[..., int]


@pytest.fixture
def run_by_ada(db: Engine, starter: Plan, now: datetime) -> str:
    """An account that names its administrator."""
    with transaction(db) as conn:
        account = open_account(
            conn,
            "ada-co",
            starter,
            timezone="UTC",
            administrators=["ada"],
            now=now,
            gateway=REHEARSED_GATEWAY,
        )
    return account.id


@pytest.mark.parametrize("command", ["usage", "invoices"])
def test_r94_r96_usage_and_billing_are_for_administrators(
    run_by_ada: str, now: datetime, run: Callable[..., Any], command: str
) -> None:
    at = ("--now", now.isoformat())
    assert run(command, run_by_ada, "--by", "ada", *at)[0] == 0
    code, _, said = run(command, run_by_ada, "--by", "bob", *at)
    assert (code, "bob is no administrator" in said, said.count("\n")) == (3, True, 1)
    page = ("invoices", run_by_ada, "--html", "ada-co-00001", *at)
    assert run(*page, "--by", "ada")[0] == 0
    assert run(*page, "--by", "bob")[0] == 3


def test_r94_the_owner_sees_all_and_vouches_where_no_other_is_named(
    db: Engine, run_by_ada: str, acme: str
) -> None:
    with db.connect() as conn:
        check_may_see(conn, run_by_ada, Asker(OWNER))
        check_may_see(conn, acme, Asker(OWNER, "anybody"))
        with pytest.raises(NotAdministratorError) as refused:
            check_may_see(conn, run_by_ada, Asker(OWNER, "bob"))
    assert refused.value.facts["administrators"] == "ada"


@pytest.mark.parametrize(
    "asker", [Asker("bob"), Asker("bob", "ada"), Asker("bob", OWNER), Asker("ada", "bob")]
)
def test_r94_whoever_is_not_the_owner_asks_in_the_own_name_alone(
    db: Engine, run_by_ada: str, acme: str, asker: Asker
) -> None:
    with db.connect() as conn:
        check_may_see(conn, run_by_ada, Asker("ada"))
        for account in (run_by_ada, acme):
            with pytest.raises(NotAdministratorError):
                check_may_see(conn, account, asker)


def test_r94_an_account_that_names_nobody_is_closed(db: Engine, acme: str) -> None:
    with transaction(db) as conn:
        conn.execute(ADMINISTRATORS.delete())
    with db.connect() as conn:
        check_may_see(conn, acme, Asker(OWNER))
        for asker in (Asker("ada"), Asker("ada", OWNER), Asker(OWNER, "ada")):
            with pytest.raises(NotAdministratorError, match="for those: nobody"):
                check_may_see(conn, acme, asker)
        with pytest.raises(NotAdministratorError):
            check_administrator(conn, acme, Asker(OWNER), otherwise="")


def test_r97_billing_is_settings_consumption_and_history(
    db: Engine, acme: str, starter: Plan, now: datetime, charge: Charge
) -> None:
    with transaction(db) as conn:
        charge(conn, acme, "r1", starter, now)
        settings = billing_settings(conn, acme)
        used = usage_of_cycle(conn, acme, now, gateway=REHEARSED_GATEWAY)
        (row,) = plan_history(conn, acme)
    assert settings is not None
    assert settings.portal == "stripe"
    assert (used.total.credits_li_minutes, used.remaining_li_minutes) == (60, 1_740)
    assert (row.plan, row.status, row.monthly_li_minutes) == ("starter", PlanStatus.ACTIVE, 1_800)


def test_r98_there_are_no_billing_settings_before_a_paid_plan(db: Engine, globex: str) -> None:
    with db.connect() as conn:
        assert billing_settings(conn, globex) is None


def test_r99_r100_r101_the_portal_is_stripes_or_that_of_aws(
    db: Engine, starter: Plan, now: datetime
) -> None:
    found = {}
    with transaction(db) as conn:
        for channel in Channel:
            open_account(
                conn,
                channel,
                starter,
                timezone="UTC",
                channel=channel,
                now=now,
                gateway=REHEARSED_GATEWAY,
            )
            settings = billing_settings(conn, channel)
            assert settings is not None
            found[settings.channel] = settings.portal
            assert len(list_invoices(conn, channel)) == 1
    assert found == {
        Channel.CARD: "stripe",
        Channel.AWS_MARKETPLACE: "aws-marketplace",
        Channel.INVOICE: None,
    }


def test_r102_r104_a_trials_credits_are_counted_over_its_fourteen_days(
    db: Engine, now: datetime, charge: Charge
) -> None:
    trial = load_plans(BUNDLED_PLANS)["trial"]
    with transaction(db) as conn:
        open_account(
            conn,
            "curious",
            trial,
            timezone="America/Los_Angeles",
            now=now,
            gateway=REHEARSED_GATEWAY,
        )
        charge(conn, "curious", "r1", trial, now, injectors=1, minutes=10)
        used = usage_of_cycle(
            conn,
            "curious",
            now + timedelta(days=14) - timedelta.resolution,
            gateway=REHEARSED_GATEWAY,
        )
        after = usage_of_cycle(conn, "curious", now + timedelta(days=14), gateway=REHEARSED_GATEWAY)
    assert (used.total.credits_li_minutes, used.remaining_li_minutes) == (10, 20)
    assert used.cycle.end == now + timedelta(days=14)
    assert after.remaining_li_minutes == 0
