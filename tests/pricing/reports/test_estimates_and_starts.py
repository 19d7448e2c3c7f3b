"""What money and runs promise before anything is charged: R7 to R9, R24 to R26."""

from __future__ import annotations

from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path

import pytest
from msgspec.structs import replace
from sqlalchemy import Engine

from engine.database import transaction
from engine.planning.estimate import estimate
from engine.readers import read_scenario
from engine.runs.decide import Launch, Observed, RecordIntent, decide
from engine.runs.launching.placements import placements_of
from engine.runs.model.states import Limits, Run, RunOrder, RunState
from engine.scenario import Protocol, Scenario
from engine.scenario.profile import closed
from kernel.errors import BadInputError
from pricing.catalog import Catalog
from pricing.ledger.invoices import list_invoices
from pricing.payments.gateway import REHEARSED_GATEWAY
from pricing.plans.model import Plan
from pricing.plans.on_sale import BUNDLED_PLANS, load_plans
from pricing.plans.quotes import Unit, quote_run, quote_to_json
from pricing.reports.usage_focus import focus_records
from pricing.reports.usage_records import usage_of_cycle
from pricing.tariffs import LoadSize
from providers.contract import Machine

START = datetime(2027, 1, 25, 10, tzinfo=UTC)
TODAY = date(2026, 11, 21)


@pytest.fixture(scope="module")
def checkout() -> Scenario:
    return Scenario("checkout", Protocol.HTTP, closed([(0, 0), (60, 1_000), (600, 1_000)]))


def test_r7_every_amount_of_money_is_in_us_dollars(db: Engine, acme: str, now: datetime) -> None:
    with transaction(db) as conn:
        (invoice,) = list_invoices(conn, acme)
        records = focus_records(usage_of_cycle(conn, acme, now, gateway=REHEARSED_GATEWAY))
    assert invoice.usd_micros == 199_000_000
    assert {record["BillingCurrency"] for record in records} == {"USD"}
    assert {unit.value for unit in Unit} == {"usd_micros", "li_minutes"}


@pytest.mark.parametrize("provider", ["aws", "azure"])
def test_r8_a_run_takes_its_injectors_from_aws_or_azure(checkout: Scenario, provider: str) -> None:
    planned = estimate(checkout, provider=provider, at=TODAY)
    placements = placements_of(planned, provider, Catalog.bundled())
    assert planned.fleet.provider == provider
    room = sum(group.count * group.users_per_machine for group in planned.fleet.groups)
    assert room >= 1_000
    assert sum(each.count for each in placements) == sum(g.count for g in planned.fleet.groups)


@pytest.mark.parametrize("users", [1, 20, 100, 300, 1_000, 20_000])
def test_r8_the_machine_types_of_one_launch_on_azure_boot_the_same_image(users: int) -> None:
    catalog = Catalog.bundled()
    small = Scenario("small", Protocol.HTTP, closed([(0, users), (60, users)]))
    placements = placements_of(estimate(small, provider="azure", at=TODAY), "azure", catalog)
    for place in (*placements, *(other for each in placements for other in each.elsewhere)):
        assert len(place.machine_types) > 1, "others stand in"
        machines = {
            each.machine.architecture
            for each in catalog.offerings("azure", place.region)
            if each.machine.name in place.machine_types
        }
        assert len(machines) == 1, place


def a_run(scenario: Scenario, state: RunState, **reached: datetime | int) -> Run:
    planned = estimate(scenario, provider="aws", at=TODAY)
    quote = quote_run(
        load_plans(BUNDLED_PLANS)["on-demand"], LoadSize(injectors=2, users=1_000, duration_s=600)
    )
    order = RunOrder(
        run_id="run-1",
        account_id="acme",
        scenario=scenario,
        quote=quote,
        provider="aws",
        placements=placements_of(planned, "aws", Catalog.bundled()),
        rehearsal=True,
        time_scale=1.0,
        accepted_at=START,
    )
    return replace(Run(order, state), **reached)


def test_r9_injectors_are_launched_right_after_the_start_and_not_before(checkout: Scenario) -> None:
    nothing: tuple[Machine, ...] = ()
    accepted = a_run(checkout, RunState.ACCEPTED)
    assert decide(accepted, Observed(nothing), START, Limits()) == RecordIntent()
    started = a_run(checkout, RunState.LAUNCHING, intent_at=START, attempt=1)
    assert decide(started, Observed(nothing), START, Limits()) == Launch()


@pytest.mark.parametrize(
    "text", ["", "name: empty\n", "name: no load\nprotocol: http\n", "profile: {}\n"]
)
def test_r24_without_a_scenario_that_is_set_up_there_is_no_estimate(
    tmp_path: Path, text: str
) -> None:
    file = tmp_path / "test.yaml"
    file.write_text(text, encoding="utf-8")
    with pytest.raises(BadInputError):
        estimate(read_scenario(file), at=TODAY)


def test_r25_cost_and_resources_are_computed_with_the_scenario_and_shown_together(
    checkout: Scenario,
) -> None:
    planned = estimate(checkout, at=TODAY)
    assert planned.scenario == checkout
    assert (planned.requirement.injectors, planned.requirement.li_minutes) == (2, 20)
    assert {fleet.provider for fleet in planned.clouds} == {"aws", "azure"}
    assert all(fleet.usd_micros > 0 for fleet in planned.clouds)
    assert planned.quotes


def test_r26_the_cost_follows_from_machines_duration_and_users(on_demand: Plan) -> None:
    def total(injectors: int, users: int, minutes: int) -> Decimal:
        usage = LoadSize(injectors=injectors, users=users, duration_s=60 * minutes)
        return Decimal(quote_to_json(quote_run(on_demand, usage))["total"])

    assert total(10, 1_000, 10) == Decimal("17.00")
    assert total(11, 1_000, 10) == Decimal("18.50")
    assert total(10, 2_000, 10) == Decimal("19.00")
    assert total(10, 1_000, 11) == Decimal("18.50")
