"""Where all processors are wished to count alike, what that leaves out is told beside a choice."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from engine.planning.core_speeds import FasterMachine
from engine.planning.estimate import estimate
from engine.planning.next_best import explain
from engine.planning.places import equal_shares
from engine.scenario import MachineWishes, Protocol, Scenario
from engine.scenario.profile import closed
from loadmuster.documents.explained import explanation_part
from pricing.catalog import Catalog

CATALOG = Catalog.bundled()


def users(*families: str) -> Scenario:
    return Scenario(
        "users",
        Protocol.HTTP,
        closed([(0, 1_000), (600, 1_000)]),
        machines=MachineWishes(families=families, cores_alike=True),
        regions=equal_shares(["us-east-1"]),
    )


def faster(scenario: Scenario, provider: str = "aws") -> FasterMachine | None:
    (explained,) = explain(estimate(scenario, catalog=CATALOG, provider=provider), CATALOG)
    return explained.faster


def test_a_machine_that_does_more_for_its_price_is_told_beside_the_cheapest() -> None:
    found = faster(users("c6g", "c8g"))
    assert found is not None
    assert (found.chosen.machine.name, found.offering.machine.name) == ("c6g.xlarge", "c8g.xlarge")
    assert found.work_ratio == pytest.approx(4_254 / 3_345)
    assert found.price_ratio == pytest.approx(0.15952 / 0.136)
    assert found.work_ratio > found.price_ratio
    assert found.chosen.machine.vcpus == found.offering.machine.vcpus


def test_it_is_the_best_of_those_that_may_be_asked_for() -> None:
    best = faster(users())
    assert best is not None
    worth = best.work_ratio / best.price_ratio
    for each in CATALOG.offerings("aws", "us-east-1"):
        speed = CATALOG.core_speed("aws", each.machine.family)
        if speed is None or each.machine.vcpus != 4 or each.machine.burstable:
            continue
        ratio = speed.busy_vcpu / best.chosen_speed.busy_vcpu
        price = each.hourly_usd_micros / best.chosen.hourly_usd_micros
        assert ratio / price <= worth * (1 + 1e-9), each.machine.name


def test_nothing_is_claimed_where_nothing_is_known_or_nothing_is_better() -> None:
    assert faster(users("c8g")) is None
    assert faster(users("c6g", "c5")) is None
    azure = replace(users(), regions=equal_shares(["eastus"]))
    assert faster(azure, "azure") is None


def test_nothing_is_claimed_where_the_processor_is_not_what_binds() -> None:
    given = replace(users(), users_per_injector=500)
    assert faster(given) is None


def test_the_document_has_both_ratios_and_which_machines_were_measured() -> None:
    (explained,) = explain(estimate(users(), catalog=CATALOG, provider="aws"), CATALOG)
    part = explanation_part(explained)["faster"]
    assert part is not None
    assert part["work_ratio"] > part["price_ratio"] > 1
    assert part["measured_types"][0] == "c6g.xlarge"
    assert part["as_of"].startswith("2024-11")
