"""A run that may go to another cloud: when it does, and that nothing is forgotten in either."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest
from msgspec.structs import replace

from engine.load.rehearsed import RehearsedLoad
from engine.runs.clouds.cloud import Cloud
from engine.runs.controller import Controller
from engine.runs.launching.fallback import Detour, Fail, after_refusal
from engine.runs.launching.launches import launched_words, load_task
from engine.runs.model.codec import order_from_json, order_to_json
from engine.runs.model.errors import PriceCapError
from engine.runs.model.states import Outcome, Run
from engine.runs.reaper.heartbeats import heartbeats, places_of
from engine.runs.reaper.reaper import ReapedRegion
from engine.scenario import RegionShare, Scenario
from kernel.errors import BadInputError, ProviderFailedError, RequestConflictError
from providers.contract import LaunchSpec, Machine, MachineState
from providers.errors import (
    CapacityUnavailableError,
    ConfigurationRejectedError,
    QuotaExceededError,
    UnknownOutcomeError,
)
from providers.rehearsal.azure_arm import RehearsedArm
from providers.rehearsal.azure_session import azure_provider_in_process
from providers.rehearsal.azure_things import AzurePace
from providers.rehearsal.faults import Fault, FaultKind
from tests.engine.runs.conftest import LIMITS, Lab

if TYPE_CHECKING:
    from providers.azure import AzureProvider

CREATE = "VirtualMachineScaleSets.CreateOrUpdate"
NONE_LEFT = Fault(FaultKind.SHORT_CAPACITY)


@dataclass
class TwoClouds(Lab):
    """The lab with a rehearsed Azure beside its AWS, under the same clock."""

    def __init__(self, lab: Lab) -> None:
        super().__init__(lab.engine, lab.clock, lab.rehearsal, lab.provider)
        pace = AzurePace(boot_s=5.0, shutdown_s=1.0, visible_s=1.0, linger_s=1.0, group_s=1.0)
        self.arm = RehearsedArm(lambda: self.clock.now().timestamp(), pace)
        self.azure: AzureProvider = azure_provider_in_process(self.arm, self.clock)
        self.opened: list[str] = []

    def accept(self, scenario: Scenario, **options: Any) -> Run:  # noqa: ANN401 - passed through
        return super().accept(scenario, **{"or_on": ("azure",), **options})

    def controller(self) -> Controller:
        def open_azure(name: str) -> AzureProvider:
            self.opened.append(name)
            return self.azure

        controller = super().controller()
        controller.open_cloud = lambda _run: Cloud(
            self.provider, RehearsedLoad(), LIMITS, open_azure
        )
        return controller

    def left(self, run: Run) -> int:
        return len(self.controller().open_cloud(run).observe(run))

    def said(self, run: Run, name: str) -> list[str]:
        return [each.detail for each in self.engine.runs.show(run.id).timeline if each.name == name]


@pytest.fixture
def clouds(lab: Lab) -> TwoClouds:
    return TwoClouds(lab)


def tried_in(run: Run, option: int) -> Run:
    """The run with all options up to this one tried."""
    return replace(run, routes=(tuple(range(option + 1)),))


def gone_to_azure(run: Run) -> Run:
    """The run once every place in AWS has refused."""
    return tried_in(run, [each.provider for each in run.order.options].index("azure"))


def machine(run: Run, region: str, state: MachineState = MachineState.RUNNING) -> Machine:
    at = run.order.accepted_at
    return Machine(f"{region}-1", run.id, region, "c7i.large", state, at, at + timedelta(hours=1))


def test_a_run_whose_cloud_has_no_machines_anywhere_completes_on_the_other(
    clouds: TwoClouds, checkout: Scenario
) -> None:
    run = clouds.accept(checkout)
    clouds.rehearsal.inject(NONE_LEFT)

    ended = clouds.drive(run)

    assert ended.outcome is Outcome.COMPLETED
    assert {ended.provider_of(each.region) for each in ended.machines} == {"azure"}
    assert clouds.left(ended) == 0
    assert clouds.machines_ever(ended) == 0, "none on AWS"
    *_, last = clouds.said(ended, "refused")
    assert last.endswith("in eastus on azure")
    assert clouds.said(ended, "launched") == ["3 of 3 machines: 3 on azure"]
    books = clouds.books(ended)
    assert books.startup_charges == (ended.order.quote.startup,)
    assert books.kept == (ended.order.quote.startup, ended.order.quote.use)


def test_a_load_from_two_regions_comes_from_two_clouds_where_one_region_has_none(
    clouds: TwoClouds, checkout: Scenario
) -> None:
    shares = (RegionShare("us-east-1", 0.5), RegionShare("eu-west-1", 0.5))
    run = clouds.accept(replace(checkout, regions=shares))
    # Both tries of the client for the first region; the second region's call is answered.
    clouds.rehearsal.inject(
        Fault(FaultKind.REFUSAL, "CreateFleet", times=2, code="InsufficientInstanceCapacity")
    )

    ended = clouds.drive(run)

    assert ended.outcome is Outcome.COMPLETED
    assert {each.region for each in ended.machines} == {"eastus", "eu-west-1"}
    assert ended.places == {"aws": ("us-east-1", "eu-west-1"), "azure": ("eastus",)}
    assert clouds.left(ended) == 0


def test_the_other_cloud_is_not_touched_while_the_first_has_machines(
    clouds: TwoClouds, checkout: Scenario
) -> None:
    ended = clouds.drive(clouds.accept(checkout))
    assert ended.outcome is Outcome.COMPLETED
    assert clouds.opened == []
    assert ended.places == {"aws": ("us-east-1",)}


def test_without_being_asked_for_no_run_goes_to_another_cloud(
    clouds: TwoClouds, checkout: Scenario
) -> None:
    run = clouds.accept(checkout, or_on=())
    assert run.order.other_providers == ()
    clouds.rehearsal.inject(NONE_LEFT)
    assert clouds.drive(run).outcome is Outcome.FAILED
    assert clouds.opened == []


def test_a_cancel_on_the_other_cloud_leaves_nothing_in_either(
    clouds: TwoClouds, checkout: Scenario
) -> None:
    run = clouds.accept(checkout)
    clouds.rehearsal.inject(NONE_LEFT)
    ended = clouds.drive(run, cancel_after_s=60)
    assert ended.outcome is Outcome.CANCELLED
    assert clouds.opened
    assert clouds.left(ended) == 0


def test_whoever_takes_over_goes_on_in_the_cloud_where_the_last_one_went(
    clouds: TwoClouds, checkout: Scenario
) -> None:
    run = clouds.accept(checkout)
    clouds.rehearsal.inject(NONE_LEFT)

    def die() -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        clouds.drive(run, at_step={"launching/Launch/sent": die})
    assert clouds.left(clouds.engine.runs.store.load(run.id)) == 3

    ended = clouds.drive(run)

    assert ended.outcome is Outcome.COMPLETED
    assert len(ended.machines) == 3
    assert clouds.left(ended) == 0


def test_all_places_of_the_first_cloud_come_before_those_of_the_other(
    clouds: TwoClouds, checkout: Scenario
) -> None:
    (placement,) = clouds.accept(checkout).order.placements
    assert [(each.provider, each.region) for each in placement.options] == [
        ("aws", "us-east-1"),
        ("aws", "us-east-2"),
        ("aws", "us-west-2"),
        ("azure", "eastus"),
        ("azure", "eastus2"),
        ("azure", "westus2"),
    ]
    assert {each.users for each in placement.options} == {placement.users}


def test_for_a_region_that_was_chosen_the_nearest_of_the_other_cloud_stands_in(
    clouds: TwoClouds, checkout: Scenario
) -> None:
    order = clouds.accept(replace(checkout, regions=(RegionShare("eu-west-1"),))).order
    assert [each.region for each in order.options] == ["eu-west-1", "northeurope"]
    # Nothing of AWS is near to this one.
    in_norway = replace(checkout, regions=(RegionShare("norwayeast"),))
    with pytest.raises(BadInputError, match="aws"):
        clouds.accept(in_norway, provider="azure", or_on=("aws",))


def test_places_that_refused_come_last_of_their_own_cloud(
    clouds: TwoClouds, checkout: Scenario
) -> None:
    run = clouds.accept(checkout)
    clouds.rehearsal.inject(NONE_LEFT)
    clouds.arm.world.add(Fault(FaultKind.LATE_FAILURE, CREATE, code="AllocationFailed"))
    ended = clouds.drive(run)
    assert {each.region for each in ended.machines} == {"eastus2"}

    options = clouds.accept(checkout).order.options

    assert [each.provider for each in options] == ["aws"] * 3 + ["azure"] * 3
    assert [each.region for each in options][3:] == ["eastus2", "westus2", "eastus"]


@pytest.mark.parametrize("error", [CapacityUnavailableError("none"), QuotaExceededError("32")])
def test_only_after_its_last_place_a_cloud_is_left_and_after_the_last_of_all_the_run_fails(
    error: ProviderFailedError, clouds: TwoClouds, checkout: Scenario
) -> None:
    run = clouds.accept(checkout)
    steps = [after_refusal(tried_in(run, option), 0, error) for option in range(6)]
    taken = [step for step in steps if isinstance(step, Detour)]
    assert [run.order.options[step.option].provider for step in taken] == ["aws"] * 2 + [
        "azure"
    ] * 3
    assert ["azure" in step.reason.partition("trying")[2] for step in taken] == [
        False,
        False,
        True,
        False,
        False,
    ]
    assert isinstance(steps[-1], Fail)
    assert isinstance(after_refusal(run, 0, ConfigurationRejectedError("no such type")), Fail)


def test_what_was_put_on_record_is_read_again_and_orders_from_before_have_one_cloud(
    clouds: TwoClouds, checkout: Scenario
) -> None:
    order = clouds.accept(checkout).order
    document = json.loads(json.dumps(order_to_json(order)))
    assert order_from_json(document) == order
    (placement,) = document["placements"]
    placement["elsewhere"] = placement["elsewhere"][:2]
    for each in (placement, *placement["elsewhere"]):
        del each["provider"]
    old = order_from_json(document)
    assert old.placements == (
        replace(order.placements[0], elsewhere=order.placements[0].elsewhere[:2]),
    )
    assert old.other_providers == ()


def test_the_reaper_looks_in_every_cloud_that_a_run_went_to(
    clouds: TwoClouds, checkout: Scenario
) -> None:
    run = gone_to_azure(clouds.accept(checkout))
    on_aws = ("us-east-1", "us-east-2", "us-west-2")
    both = replace(run, endpoint="http://a", other_endpoints={"azure": "http://b"})
    assert places_of([both]) == [
        ReapedRegion("aws", on_aws, "http://a"),
        ReapedRegion("azure", ("eastus",), "http://b"),
    ]
    assert places_of([replace(run, endpoint="http://a")]) == [
        ReapedRegion("aws", on_aws, "http://a")
    ]
    real = replace(run, order=replace(run.order, rehearsal=False), endpoint="s3://bucket")
    assert places_of([real]) == [ReapedRegion("aws", on_aws), ReapedRegion("azure", ("eastus",))]
    begun = run.order.accepted_at
    beats = heartbeats([replace(real, intent_at=begun)], {("azure", "eastus"): begun})
    assert [(each.provider, each.region, each.last_at) for each in beats] == [
        *(("aws", region, None) for region in on_aws),
        ("azure", "eastus", begun),
    ]


def test_how_many_came_is_said_by_cloud_once_a_run_has_left_its_first(
    clouds: TwoClouds, checkout: Scenario
) -> None:
    run = gone_to_azure(clouds.accept(checkout))
    some = [machine(run, "us-east-1"), machine(run, "eastus"), machine(run, "eastus")]
    assert launched_words(run, some[:1]) == "1 of 3 machines"
    assert launched_words(run, some) == "3 of 3 machines: 1 on aws, 2 on azure"


def test_what_is_left_where_a_launch_was_refused_does_not_keep_the_load_waiting(
    clouds: TwoClouds, checkout: Scenario
) -> None:
    now = clouds.clock.now()
    run = gone_to_azure(clouds.accept(checkout))
    machines = [replace(machine(run, "eastus"), machine_id=f"m-{number}") for number in range(3)]
    left = machine(run, "us-east-1", MachineState.LEFTOVER)
    folder = clouds.engine.runs.folder
    assert load_task(run, [*machines, left], LIMITS, folder, now).started_at == now
    assert load_task(run, [*machines[:2], left], LIMITS, folder, now).started_at is None


@dataclass
class Kept:
    """A cloud that answers, or does not, and keeps what it was asked."""

    name: str
    silent: bool = False
    asked: list[tuple[str, ...]] = field(default_factory=list)

    def check(self, spec: LaunchSpec) -> None:
        raise AssertionError(spec)

    def launch(self, spec: LaunchSpec) -> tuple[Machine, ...]:
        raise AssertionError(spec)

    def observe_all(self, regions: Sequence[str]) -> tuple[Machine, ...]:
        raise AssertionError(regions)

    def observe(self, run_id: str, regions: Sequence[str]) -> tuple[Machine, ...]:
        return self._answer(run_id, *regions)

    def release(self, run_id: str, regions: Sequence[str]) -> None:
        self._answer(run_id, *regions)

    def _answer(self, *asked: str) -> tuple[Machine, ...]:
        self.asked.append(asked)
        if self.silent:
            raise UnknownOutcomeError(f"no answer from {self.name}")
        return ()


def test_a_cloud_that_does_not_answer_keeps_no_other_from_being_asked_for_the_release(
    clouds: TwoClouds, checkout: Scenario
) -> None:
    run = gone_to_azure(clouds.accept(checkout))
    aws, azure = Kept("aws", silent=True), Kept("azure")
    cloud = Cloud(aws, RehearsedLoad(), LIMITS, lambda _: azure)
    with pytest.raises(UnknownOutcomeError, match="aws"):
        cloud.release(run)
    assert azure.asked == [(run.id, "eastus")]
    with pytest.raises(UnknownOutcomeError, match="aws"):
        cloud.observe(run)


def test_a_release_is_asked_for_although_another_cloud_cannot_be_seen(
    clouds: TwoClouds, checkout: Scenario
) -> None:
    run = clouds.accept(checkout)
    clouds.rehearsal.inject(NONE_LEFT)
    blind = Kept("aws", silent=True)

    def lose_sight() -> None:
        clouds.cancel_request(run)
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        clouds.drive(run, at_step={"releasing/Release/before": lose_sight})
    assert clouds.left(clouds.engine.runs.store.load(run.id)) == 3
    controller = clouds.controller()
    controller.open_cloud = lambda _run: Cloud(
        blind, RehearsedLoad(), LIMITS, lambda _name: clouds.azure
    )
    with pytest.raises(UnknownOutcomeError):
        controller.drive(run.id)
    clouds.clock.sleep(60)

    assert clouds.left(clouds.engine.runs.store.load(run.id)) == 0
    assert clouds.drive(run).ended


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"provider": "local", "dry_run": False}, "two clouds"),
        ({"or_on": ("aws",)}, "another cloud"),
        ({"or_on": ("azure", "azure")}, "another cloud"),
        ({"or_on": ("local",)}, "two clouds"),
        ({"or_on": ("gcp",)}, "gcp"),
        ({"spot": True}, "azure"),
    ],
)
def test_another_cloud_that_makes_no_sense_is_refused_before_anything_is_on_record(
    options: dict[str, Any], said: str, clouds: TwoClouds, checkout: Scenario
) -> None:
    with pytest.raises(BadInputError, match=said):
        clouds.accept(checkout, **options)
    assert clouds.engine.runs.list() == []


def test_what_the_other_cloud_needs_is_looked_for_before_the_run_is_on_record(
    clouds: TwoClouds, checkout: Scenario, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda name: name == "moto" or None)
    with pytest.raises(BadInputError, match=r"loadmuster\[azure\]"):
        clouds.accept(checkout)
    assert clouds.engine.runs.list() == []
    assert clouds.accept(checkout, or_on=()).order.other_providers == ()


def test_a_request_that_names_another_cloud_is_another_request(
    clouds: TwoClouds, checkout: Scenario
) -> None:
    once = clouds.accept(checkout, request_id="build-7")
    assert clouds.accept(checkout, request_id="build-7").id == once.id
    with pytest.raises(RequestConflictError):
        clouds.accept(checkout, request_id="build-7", or_on=())


def test_a_cap_holds_for_the_dearest_of_the_clouds_that_a_run_may_go_to(
    clouds: TwoClouds, checkout: Scenario
) -> None:
    engine = clouds.engine
    engine.accounts.open("globex", plan="starter")
    costs = {
        fleet.provider: fleet.own_high_usd_micros
        for fleet in engine.estimate(checkout, provider="aws", or_on=("azure",)).clouds
    }
    cheap, dear = sorted(costs, key=costs.__getitem__)
    wish = {"account": "globex", "provider": cheap, "max_usd_micros": costs[dear] - 1}
    assert clouds.accept(checkout, **wish, or_on=()).order.provider == cheap
    with pytest.raises(PriceCapError):
        clouds.accept(checkout, **wish, or_on=(dear,))
