"""A government changes its clocks, and what waits for a boundary goes with the boundary.

The database of time zones is replaced while a change is pending, as an update of the operating
system does: the same day then begins an hour earlier, or an hour later.
"""

from __future__ import annotations

import shutil
import zoneinfo
from collections.abc import Callable, Iterator
from importlib.resources import as_file, files
from pathlib import Path
from typing import Any

import pytest

from pricing.accounts.cancellations import cancel, confirm_cancel, kept_until, renew
from pricing.accounts.on_demand import NothingToUndoError, to_on_demand, undo
from pricing.accounts.plan_changes import downgrade
from pricing.plans.model import Plan
from pricing.subscriptions.subscriptions import latest

OpenSubscriber = Callable[..., Any]
Plans = dict[str, Plan]
PutRules = Callable[[str], None]
ZONE = "Asia/Beirut"
OPENED = "2027-01-25 10:15"
BEFORE = "GMT-2"
"""The rules at first: two hours ahead of UTC, in the sign that POSIX gives to that."""


@pytest.fixture
def put_rules(tmp_path: Path) -> Iterator[PutRules]:
    """Put the rules of a fixed offset in the zone's place."""
    file = tmp_path / "zoneinfo" / ZONE
    file.parent.mkdir(parents=True)

    def put(offset: str) -> None:
        with as_file(files("tzdata") / "zoneinfo" / "Etc" / offset) as rules:
            shutil.copy(rules, file)
        zoneinfo.ZoneInfo.clear_cache()

    put(BEFORE)
    zoneinfo.reset_tzpath([tmp_path / "zoneinfo"])
    yield put
    zoneinfo.reset_tzpath()
    zoneinfo.ZoneInfo.clear_cache()


class Beirut:
    """An account there, asked for things around its next boundary."""

    def __init__(self, subscriber: Any) -> None:  # noqa: ANN401 - the fixture's account
        self.subscriber = subscriber

    def wait(self, at: str) -> Any:  # noqa: ANN401 - a view
        """The account at an instant by the rules of now."""
        self.subscriber.zone = zoneinfo.ZoneInfo(ZONE)
        return self.subscriber.view(at)

    def dollars(self) -> list[int]:
        return [dollars for _, dollars in self.subscriber.charges()]


@pytest.fixture
def beirut(put_rules: PutRules, open_subscriber: OpenSubscriber) -> Beirut:  # noqa: ARG001
    return Beirut(open_subscriber("advanced", OPENED, zone=ZONE))


@pytest.mark.parametrize("after", ["GMT-1", "GMT-3"])
def test_a_confirmed_cancellation_takes_effect_at_the_boundary_as_it_is_now(
    beirut: Beirut, put_rules: PutRules, after: str
) -> None:
    beirut.subscriber.do(cancel, "2027-02-01", by="ann")
    beirut.subscriber.do(confirm_cancel, "2027-02-01")
    put_rules(after)
    waiting = beirut.wait("2027-02-24 23:59:59")
    assert waiting.account.status == "cancellation_pending"
    assert waiting.pending.at == beirut.subscriber.at("2027-02-25")
    assert beirut.wait("2027-02-25").account.status == "cancelled"
    beirut.wait("2027-03-26")
    assert beirut.dollars() == [1_999]


@pytest.mark.parametrize("after", ["GMT-1", "GMT-3"])
def test_a_pending_downgrade_takes_effect_at_the_boundary_as_it_is_now(
    beirut: Beirut, plans: Plans, put_rules: PutRules, after: str
) -> None:
    beirut.subscriber.do(downgrade, "2027-02-01", plans["starter"])
    put_rules(after)
    assert beirut.wait("2027-02-24 23:59:59").account.plan == "advanced"
    assert beirut.wait("2027-02-25").account.plan == "starter"
    assert beirut.dollars() == [1_999, 199]


@pytest.mark.parametrize("after", ["GMT-1", "GMT-3"])
def test_going_on_demand_can_be_undone_until_the_boundary_as_it_is_now(
    beirut: Beirut, plans: Plans, put_rules: PutRules, after: str
) -> None:
    beirut.subscriber.do(to_on_demand, "2027-02-01", plans["on-demand"])
    put_rules(after)
    waiting = beirut.wait("2027-02-24 23:59:59")
    assert waiting.pending.at == beirut.subscriber.at("2027-02-25")
    assert beirut.wait("2027-02-25").pending is None
    with pytest.raises(NothingToUndoError):
        beirut.subscriber.do(undo, "2027-02-25")


@pytest.mark.parametrize("after", ["GMT-1", "GMT-3"])
def test_c25_a_renewal_is_possible_for_a_month_whatever_the_rules_were_at_the_end(
    beirut: Beirut, put_rules: PutRules, after: str
) -> None:
    beirut.subscriber.do(cancel, "2027-02-01", by="ann")
    beirut.subscriber.do(confirm_cancel, "2027-02-01")
    beirut.wait("2027-02-25 12:00")
    put_rules(after)
    beirut.subscriber.zone = zoneinfo.ZoneInfo(ZONE)
    with beirut.subscriber.books() as conn:
        until = kept_until(conn, latest(conn, "acme"))
    assert until == beirut.subscriber.at("2027-03-25")
    assert beirut.subscriber.do(renew, "2027-03-24 23:59").account.status == "active"
