"""The reaper: which machines are orphans, that it reads the cloud first, and when it is overdue."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest
from msgspec.structs import replace
from sqlalchemy import select

from engine.commands.serving import SAFE_TO_RELEASE
from engine.database import reading
from engine.runs.clouds.registry import CloudRegistry
from engine.runs.model.states import Run
from engine.runs.model.tables import REAPS
from engine.runs.reaper import reaper
from engine.runs.reaper.heartbeats import KEPT, heartbeats, last_reaps, places_of, record
from engine.runs.reaper.orphans import Why, orphans_among
from engine.runs.reaper.reaper import ASKS_MAX, ReapedRegion
from engine.scenario import Scenario
from kernel.clock import ManualClock
from providers.contract import LaunchSpec, Machine, MachineState
from providers.errors import UnknownOutcomeError

if TYPE_CHECKING:
    from tests.engine.runs.conftest import Lab

NOW = datetime(2027, 1, 25, 12, 0, tzinfo=UTC)
GUARD_S = 600.0
AWS = ReapedRegion("aws", ("eu-west-1", "us-east-1"), endpoint="http://rehearsal")


def machine(run_id: str = "run-1", *, age_s: float = 3600.0, left_s: float = 3600.0) -> Machine:
    return Machine(
        machine_id=f"i-{run_id}-{age_s:.0f}",
        run_id=run_id,
        region="us-east-1",
        machine_type="c7i.large",
        state=MachineState.RUNNING,
        launched_at=NOW - timedelta(seconds=age_s),
        expires_at=NOW + timedelta(seconds=left_s),
    )


class Shown:
    """A cloud that shows what it is told to, and ends what it is asked to."""

    name = "aws"

    def __init__(self, *machines: Machine, stubborn: bool = False) -> None:
        self.machines = machines
        self.stubborn = stubborn
        self.asked: list[str] = []
        self.before_look: Callable[[], object] = lambda: None

    def observe_all(self, regions: Sequence[str]) -> tuple[Machine, ...]:
        self.before_look()
        return tuple(each for each in self.machines if each.region in regions)

    def observe(self, run_id: str, regions: Sequence[str]) -> tuple[Machine, ...]:
        return tuple(each for each in self.observe_all(regions) if each.run_id == run_id)

    def release(self, run_id: str, regions: Sequence[str]) -> None:
        self.asked.append(run_id)
        if len(self.asked) == 1:
            raise UnknownOutcomeError("no answer", regions=",".join(regions))
        if not self.stubborn:
            self.machines = tuple(each for each in self.machines if each.run_id != run_id)

    def check(self, spec: LaunchSpec) -> None:
        raise AssertionError(f"a reaper launches nothing: {spec}")

    def launch(self, spec: LaunchSpec) -> tuple[Machine, ...]:
        raise AssertionError(f"a reaper launches nothing: {spec}")


@pytest.mark.parametrize(
    ("ended", "left_s", "why"),
    [
        (True, 3600.0, Why.ENDED),
        (True, 0.0, Why.ENDED),
        (None, 0.001, Why.UNKNOWN),
        (None, 0.0, Why.EXPIRED),
        (False, 0.0, Why.EXPIRED),
        (False, 0.001, None),
    ],
)
def test_machines_whose_run_ended_is_unknown_or_out_of_time_are_orphans(
    ended: bool | None,
    left_s: float,
    why: Why | None,
) -> None:
    known = {} if ended is None else {"run-1": ended}
    found = orphans_among([machine(left_s=left_s)], known, NOW, GUARD_S)
    assert [each.why for each in found] == ([] if why is None else [why])


def test_machines_younger_than_the_guard_are_left_alone_and_so_are_their_siblings() -> None:
    assert orphans_among([machine(age_s=599.999)], {}, NOW, GUARD_S) == ()
    assert orphans_among([machine(age_s=3600), machine(age_s=599)], {}, NOW, GUARD_S) == ()
    old = (machine(age_s=600), machine(age_s=601))
    (found,) = orphans_among(old, {}, NOW, GUARD_S)
    assert found.machines == old


def test_of_an_open_run_nothing_is_an_orphan_while_one_machine_has_time_left() -> None:
    attempts = [machine(age_s=3600, left_s=-1), machine(age_s=1200, left_s=1)]
    assert orphans_among(attempts, {"run-1": False}, NOW, GUARD_S) == ()


def test_runs_are_judged_one_by_one_in_the_order_of_their_ids() -> None:
    machines = [machine("run-3"), machine("run-1"), machine("run-2")]
    found = orphans_among(machines, {"run-2": False}, NOW, GUARD_S)
    assert [each.run_id for each in found] == ["run-1", "run-3"]


def test_a_run_that_starts_between_the_two_looks_is_never_reaped(
    lab_on_both: Lab, checkout: Scenario
) -> None:
    """One begins before every look at the cloud; read before it, the store would not know it."""
    lab = lab_on_both
    looks = Shown()
    begun: list[Run] = []

    def begin() -> None:
        run = lab.accept(checkout)
        begun.append(run)
        with pytest.raises(InterruptedError):
            # Its intent is written and its machines exist; that they do is not on record yet.
            lab.drive(run, at_step={"launching/Launch/sent": interrupt})
        looks.machines += lab.provider.observe(run.id, run.regions)

    looks.before_look = begin
    round_ = reaper.survey(AWS, looks, lab.engine.reaper.ended_runs, lab.clock, 0.0)

    assert len(round_.machines) == 3
    assert round_.reaped == ()
    assert lab.drive(begun[0]).ended


def interrupt() -> None:
    raise InterruptedError


def test_a_run_that_ends_between_the_two_looks_is_no_orphan(lab: Lab, checkout: Scenario) -> None:
    run = lab.drive(lab.accept(checkout))
    cloud = Shown(machine(run.id))
    machines = iter([cloud.machines, ()])
    cloud.before_look = lambda: setattr(cloud, "machines", next(machines))
    assert reaper.survey(AWS, cloud, lab.engine.reaper.ended_runs, ManualClock(NOW)).reaped == ()


def test_orphans_are_released_until_they_are_proven_gone() -> None:
    clock = ManualClock(NOW)
    cloud = Shown(machine("run-1"), machine("run-2"))
    looked = reaper.survey(AWS, cloud, lambda _: {"run-2": False}, clock)
    done = reaper.release(looked, cloud, clock)

    (reaped,) = done.reaped
    assert (reaped.orphans.run_id, reaped.released, reaped.left) == ("run-1", True, ())
    assert cloud.asked == ["run-1", "run-1"], "the first answer was lost"
    assert [each.run_id for each in cloud.machines] == ["run-2"]
    assert done.unproven == ()


def test_machines_that_do_not_go_are_given_up_and_named() -> None:
    clock = ManualClock(NOW)
    cloud = Shown(machine(), stubborn=True)
    done = reaper.release(reaper.survey(AWS, cloud, lambda _: {}, clock), cloud, clock)
    assert len(cloud.asked) == ASKS_MAX
    assert done.unproven == (machine(),)


def test_what_is_unknown_here_is_released_only_when_that_is_asked_for() -> None:
    clock = ManualClock(NOW)
    cloud = Shown(machine("run-of-another-database"), machine("run-2"))
    looked = reaper.survey(AWS, cloud, lambda _: {"run-2": True}, clock)
    done = reaper.release(looked, cloud, clock, SAFE_TO_RELEASE)
    assert [(each.orphans.why, each.released) for each in done.reaped] == [
        (Why.ENDED, True),
        (Why.UNKNOWN, False),
    ]
    assert set(cloud.asked) == {"run-2"}


@pytest.mark.promise("killed-controller-is-succeeded", command="reap", provider="aws")
def test_machines_left_by_an_ended_run_are_found_in_the_cloud_and_proven_gone(
    lab_on_both: Lab, checkout: Scenario
) -> None:
    """As a lost launch that the cloud answers after the run has ended leaves them."""
    lab = lab_on_both
    run = lab.accept(checkout)
    lab.cancel_request(run)
    run = lab.drive(run)
    lab.provider.launch(
        LaunchSpec(
            run_id=run.id,
            attempt=1,
            token=run.id,
            region="us-east-1",
            machine_types=["c7i.large"],
            count=2,
            min_count=2,
            created_at=lab.clock.now(),
            expires_at=lab.clock.now() + timedelta(days=9000),
            owner="acme",
        )
    )
    place = ReapedRegion("aws", ("us-east-1",), lab.rehearsal.endpoint_url)
    # Machines of the rehearsal are born by the machine's clock.
    clock = ManualClock(datetime.now(UTC) + timedelta(minutes=11))
    ended = lab.engine.reaper.ended_runs

    looked = reaper.survey(place, lab.provider, ended, clock)
    mine = [each for each in looked.reaped if each.orphans.run_id == run.id]
    assert [(each.orphans.why, len(each.left)) for each in mine] == [(Why.ENDED, 2)]
    assert lab.machines(run) == 2, "to look changes nothing"

    done = reaper.release(replace(looked, reaped=tuple(mine)), lab.provider, clock)
    assert [each.left for each in done.reaped] == [()]
    assert lab.machines(run) == 0


@pytest.mark.parametrize("provider", ["aws", "azure"])
def test_a_rehearsed_cloud_that_ends_while_it_is_looked_at_has_no_machine(
    provider: str, lab: Lab
) -> None:
    nobody = ReapedRegion(provider, ("eastus",), "http://127.0.0.1:1")

    reaping = lab.engine.reaper.reap([nobody])

    assert (reaping.rounds, reaping.failures) == ([], [])


def test_every_look_leaves_a_heartbeat_and_old_ones_go(lab_on_both: Lab) -> None:
    db = lab_on_both.engine._context.db
    clock = ManualClock(NOW)
    aws = ReapedRegion("aws", ("eu-west-1", "us-east-1"))
    cloud = Shown(machine("run-1"), machine("run-2"))

    def look(place: ReapedRegion) -> None:
        looked = reaper.survey(place, cloud, lambda _: {"run-2": False}, clock)
        with lab_on_both.engine._context.transaction() as conn:
            record(conn, reaper.release(looked, cloud, clock))

    look(aws)
    look(aws)
    look(AWS)
    with reading(db) as conn:
        rows = [
            tuple(row) for row in conn.execute(select(REAPS).order_by(REAPS.c.at, REAPS.c.region))
        ]
        assert last_reaps(conn) == {
            ("aws", region): NOW + timedelta(seconds=2) for region in aws.regions
        }, "a rehearsal's heartbeat is not the cloud's"
    assert ("aws", False, "us-east-1", NOW, 2, 1, 1) in rows
    assert ("aws", False, "us-east-1", NOW + timedelta(seconds=2), 1, 0, 0) in rows
    assert ("aws", False, "eu-west-1", NOW, 0, 0, 0) in rows

    clock.sleep(KEPT.total_seconds() + 3)
    look(aws)
    with reading(db) as conn:
        assert {row.at for row in conn.execute(select(REAPS))} == {clock.now()}


@pytest.fixture
def on_aws(lab: Lab, checkout: Scenario) -> Run:
    """An open run on the real AWS, begun ten minutes before noon."""
    run = lab.accept(checkout)
    order = replace(run.order, rehearsal=False)
    return replace(run, order=order, intent_at=NOW - timedelta(minutes=10))


def test_a_reaper_that_has_not_looked_for_its_period_is_overdue(on_aws: Run) -> None:
    region = on_aws.regions[0]
    spot = ("aws", region)
    late, in_time = NOW - timedelta(seconds=601), NOW - timedelta(seconds=600)
    long_open = replace(on_aws, intent_at=NOW - timedelta(days=1))

    def overdue(run: Run, last: Mapping[tuple[str, str], datetime], now: datetime = NOW) -> bool:
        (beat,) = heartbeats([run], last)
        assert (beat.provider, beat.region, beat.last_at) == ("aws", region, last.get(spot))
        return beat.is_overdue(now, 600)

    assert overdue(long_open, {spot: late})
    assert not overdue(long_open, {spot: in_time})
    assert overdue(long_open, {("aws", "mars-east-1"): NOW})
    assert not overdue(on_aws, {}), "it had no period yet"
    assert overdue(on_aws, {}, NOW + timedelta(seconds=1)), "it never ran"
    assert heartbeats([long_open], {spot: late})[0].age_s(NOW) == 601
    assert heartbeats([on_aws, long_open], {})[0].age_s(NOW) == 86_400


def test_the_reaper_is_not_waited_for_where_no_machine_costs_anything(on_aws: Run) -> None:
    rehearsed = replace(on_aws, order=replace(on_aws.order, rehearsal=True))
    local = replace(on_aws, order=replace(on_aws.order, provider="local"))
    queued = replace(on_aws, intent_at=None)
    assert heartbeats([rehearsed, local, queued], {}) == []


def test_the_reaper_looks_wherever_runs_are_or_were(on_aws: Run) -> None:
    region = on_aws.regions[0]
    rehearsed = replace(on_aws, order=replace(on_aws.order, rehearsal=True), endpoint="http://x")
    unopened = replace(rehearsed, endpoint=None)
    elsewhere = replace(
        on_aws.order, placements=(replace(on_aws.order.placements[0], region="ap-east-1"),)
    )
    assert places_of([on_aws, rehearsed, unopened, replace(on_aws, order=elsewhere)]) == [
        ReapedRegion("aws", (region,), "http://x"),
        ReapedRegion("aws", tuple(sorted((region, "ap-east-1")))),
    ]
    assert places_of([]) == []


def test_machines_of_a_real_cloud_are_judged_by_no_test_clock(
    lab: Lab, checkout: Scenario, monkeypatch: pytest.MonkeyPatch
) -> None:
    run, now = lab.accept(checkout), datetime.now(UTC)
    hour = timedelta(hours=1)
    going_on = replace(machine(run.id), launched_at=now - hour, expires_at=now + hour)
    cloud = Shown(going_on)
    monkeypatch.setattr(CloudRegistry, "provider_at", lambda *_: cloud)
    assert lab.clock.now() > going_on.expires_at, "by the test clock its time is over"

    (looked,) = lab.engine.reaper.reap(
        [ReapedRegion("aws", ("us-east-1",))], release=tuple(Why)
    ).rounds

    assert looked.reaped == ()
    assert cloud.machines == (going_on,)
