"""What an administrator sets for departments."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest
from sqlalchemy import Engine

from engine.database import transaction
from kernel.errors import BadInputError, RequestConflictError
from pricing.accounts.view import account_view
from pricing.departments.commands import (
    AllocationAboveGrantError,
    AllocationRefusedError,
    BadDepartmentNameError,
    DepartmentExistsError,
    UnknownDepartmentError,
    add_department,
    allocate,
    department_view,
    department_views,
    limit_wallet,
)
from pricing.ledger.allocations import account_lots
from pricing.ledger.ledger import entries
from pricing.payments.gateway import REHEARSED_GATEWAY

MONTH = timedelta(days=31)


def test_r68_an_allocation_is_given_at_once_and_at_each_grant(
    db: Engine, acme: str, research: str, now: datetime
) -> None:
    with transaction(db) as conn:
        assert (
            allocate(
                conn, acme, research, 600, now=now, gateway=REHEARSED_GATEWAY
            ).balance_li_minutes
            == 600
        )
        assert sum(lot.available for lot in account_lots(conn, acme, now)) == 1_200
        later = now + MONTH
        assert (
            department_view(
                conn, acme, research, later, gateway=REHEARSED_GATEWAY
            ).balance_li_minutes
            == 1_200
        )
        assert sum(lot.available for lot in account_lots(conn, acme, later)) == 2_400
        assert (
            account_view(conn, acme, later, gateway=REHEARSED_GATEWAY).balance_li_minutes == 3_600
        )


def test_c31_a_share_of_many_grants_at_once_is_the_share_of_each(
    db: Engine, acme: str, research: str, now: datetime
) -> None:
    with transaction(db) as conn:
        allocate(conn, acme, research, 100, now=now, gateway=REHEARSED_GATEWAY)
        year = now + timedelta(days=365)
        assert (
            department_view(
                conn, acme, research, year, gateway=REHEARSED_GATEWAY
            ).balance_li_minutes
            == 1_300
        )
        assert (
            account_view(conn, acme, year, gateway=REHEARSED_GATEWAY).balance_li_minutes
            == 13 * 1_800
        )


def test_a_raise_gives_the_difference_and_a_cut_takes_nothing_back(
    db: Engine, acme: str, research: str, now: datetime
) -> None:
    with transaction(db) as conn:
        assert (
            allocate(
                conn, acme, research, 600, now=now, gateway=REHEARSED_GATEWAY
            ).balance_li_minutes
            == 600
        )
        assert (
            allocate(
                conn, acme, research, 800, now=now, gateway=REHEARSED_GATEWAY
            ).balance_li_minutes
            == 800
        )
        assert (
            allocate(
                conn, acme, research, 100, now=now, gateway=REHEARSED_GATEWAY
            ).balance_li_minutes
            == 800
        )
        assert (
            allocate(
                conn, acme, research, 800, now=now, gateway=REHEARSED_GATEWAY
            ).balance_li_minutes
            == 800
        )
        assert (
            allocate(
                conn, acme, research, 100, now=now, gateway=REHEARSED_GATEWAY
            ).balance_li_minutes
            == 800
        )
        view = department_view(conn, acme, research, now + MONTH, gateway=REHEARSED_GATEWAY)
        assert view.balance_li_minutes == 900


def test_a_raise_gives_no_more_than_the_account_has_left_of_this_grant(
    db: Engine, acme: str, research: str, now: datetime
) -> None:
    with transaction(db) as conn:
        add_department(conn, acme, "sales", now=now, gateway=REHEARSED_GATEWAY)
        allocate(conn, acme, "sales", 1_500, now=now, gateway=REHEARSED_GATEWAY)
        allocate(conn, acme, "sales", 0, now=now, gateway=REHEARSED_GATEWAY)
        assert (
            allocate(
                conn, acme, research, 600, now=now, gateway=REHEARSED_GATEWAY
            ).balance_li_minutes
            == 300
        )
        view = department_view(conn, acme, research, now + MONTH, gateway=REHEARSED_GATEWAY)
        assert view.balance_li_minutes == 900


def test_c31_the_allocations_may_add_up_to_the_grant_and_not_to_more(
    db: Engine, acme: str, research: str, now: datetime
) -> None:
    with transaction(db) as conn:
        add_department(conn, acme, "sales", now=now, gateway=REHEARSED_GATEWAY)
        allocate(conn, acme, "sales", 1_000, now=now, gateway=REHEARSED_GATEWAY)
        assert (
            allocate(
                conn, acme, research, 800, now=now, gateway=REHEARSED_GATEWAY
            ).balance_li_minutes
            == 800
        )
    before = books(db, acme)
    with pytest.raises(AllocationAboveGrantError) as refused, transaction(db) as conn:
        allocate(conn, acme, research, 801, now=now, request_id="a-1", gateway=REHEARSED_GATEWAY)
    assert refused.value.facts == {
        "account": acme,
        "allocated": 1_801,
        "grant": 1_800,
        "plan": "starter",
    }
    assert books(db, acme) == before
    with transaction(db) as conn:
        assert allocate(
            conn, acme, research, 700, now=now, request_id="a-1", gateway=REHEARSED_GATEWAY
        )


def test_r69_a_wallet_limit_is_per_department(
    db: Engine, acme: str, research: str, now: datetime
) -> None:
    with transaction(db) as conn:
        add_department(conn, acme, "sales", now=now, gateway=REHEARSED_GATEWAY)
        limit_wallet(conn, acme, research, 50_000_000, now=now, gateway=REHEARSED_GATEWAY)
        views = department_views(conn, acme, now, gateway=REHEARSED_GATEWAY)
    assert [(v.department.name, v.wallet.limit_usd_micros) for v in views] == [
        ("research", 50_000_000),
        ("sales", 0),
    ]


def test_c8_the_wallets_month_is_the_billing_cycle_or_the_calendar_month(
    db: Engine, acme: str, research: str, globex: str, now: datetime
) -> None:
    with transaction(db) as conn:
        wallet = department_view(conn, acme, research, now, gateway=REHEARSED_GATEWAY).wallet
        assert (str(wallet.period.first_day), str(wallet.period.last_day)) == (
            "2027-01-25",
            "2027-02-24",
        )
        wallet = add_department(conn, globex, "sales", now=now, gateway=REHEARSED_GATEWAY).wallet
        assert (str(wallet.period.first_day), str(wallet.period.last_day)) == (
            "2027-01-01",
            "2027-01-31",
        )


def test_r75_on_demand_only_a_limit_may_be_set(db: Engine, globex: str, now: datetime) -> None:
    with transaction(db) as conn:
        add_department(conn, globex, "sales", now=now, gateway=REHEARSED_GATEWAY)
    with (
        pytest.raises(AllocationRefusedError, match="department limit globex sales") as refused,
        transaction(db) as conn,
    ):
        allocate(conn, globex, "sales", 10, now=now, gateway=REHEARSED_GATEWAY)
    assert refused.value.facts["plan"] == "on-demand"
    with transaction(db) as conn:
        assert (
            limit_wallet(conn, globex, "sales", 10_000_000, now=now, gateway=REHEARSED_GATEWAY).lots
            == ()
        )


def test_the_same_request_does_nothing_twice(db: Engine, acme: str, now: datetime) -> None:
    with transaction(db) as conn:
        added = add_department(
            conn, acme, "research", now=now, request_id="d-1", gateway=REHEARSED_GATEWAY
        )
        assert (
            add_department(
                conn, acme, "research", now=now, request_id="d-1", gateway=REHEARSED_GATEWAY
            )
            == added
        )
        given = allocate(
            conn, acme, "research", 600, now=now, request_id="d-2", gateway=REHEARSED_GATEWAY
        )
        assert (
            allocate(
                conn, acme, "research", 600, now=now, request_id="d-2", gateway=REHEARSED_GATEWAY
            )
            == given
        )
        limited = limit_wallet(
            conn, acme, "research", 10_000, now=now, request_id="d-3", gateway=REHEARSED_GATEWAY
        )
        assert (
            limit_wallet(
                conn, acme, "research", 10_000, now=now, request_id="d-3", gateway=REHEARSED_GATEWAY
            )
            == limited
        )
    for reused in ("d-1", "d-2"):
        with pytest.raises(RequestConflictError), transaction(db) as conn:
            allocate(
                conn, acme, "research", 601, now=now, request_id=reused, gateway=REHEARSED_GATEWAY
            )


def test_a_department_is_called_by_its_name_in_any_case(
    db: Engine, acme: str, now: datetime
) -> None:
    with transaction(db) as conn:
        add_department(conn, acme, " Straße 7 ", now=now, gateway=REHEARSED_GATEWAY)
        assert (
            department_view(conn, acme, "STRASSE 7", now, gateway=REHEARSED_GATEWAY).department.name
            == "Straße 7"
        )
    with pytest.raises(DepartmentExistsError, match="'Straße 7' already"), transaction(db) as conn:
        add_department(conn, acme, "strasse 7", now=now, gateway=REHEARSED_GATEWAY)
    with pytest.raises(UnknownDepartmentError, match="there are Straße 7"), transaction(db) as conn:
        department_view(conn, acme, "sales", now, gateway=REHEARSED_GATEWAY)


@pytest.mark.parametrize("name", ["", "  ", "-x", "a/b", "x" * 65, "a\nb"])
def test_a_name_that_will_not_do_is_refused(
    db: Engine, acme: str, now: datetime, name: str
) -> None:
    with pytest.raises(BadDepartmentNameError), transaction(db) as conn:
        add_department(conn, acme, name, now=now, gateway=REHEARSED_GATEWAY)


@pytest.mark.parametrize("usd_micros", [-1, -10_000, 1, 10_000_000_000_000_000_000])
def test_a_limit_that_is_no_amount_is_refused(
    db: Engine, acme: str, research: str, now: datetime, usd_micros: int
) -> None:
    with pytest.raises(BadInputError, match="whole cents"), transaction(db) as conn:
        limit_wallet(conn, acme, research, usd_micros, now=now, gateway=REHEARSED_GATEWAY)


def test_a_negative_allocation_is_refused(
    db: Engine, acme: str, research: str, now: datetime
) -> None:
    with pytest.raises(BadInputError, match="an allocation of -1"), transaction(db) as conn:
        allocate(conn, acme, research, -1, now=now, gateway=REHEARSED_GATEWAY)


def books(db: Engine, account_id: str) -> object:
    with db.connect() as conn:
        return entries(conn, account_id)
