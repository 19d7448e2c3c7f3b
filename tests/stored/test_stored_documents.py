"""What databases and files hold already is read as it was meant, and nothing else is taken for it.

The documents beside this file were written by the version that is installed out there; they are
never to be written anew.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import Struct
from msgspec.structs import replace

from engine.calibrating.calibration import (
    Calibration,
    calibration_from_json,
    calibration_to_json,
)
from engine.calibrating.evidence import run_figures_from_json, run_figures_to_json
from engine.calibrating.run_evidence import RunFigures
from engine.calibrating.step import CalibrationStep
from engine.load.driver import LoadPhase, LoadProgress
from engine.runs.acceptance import order_hash
from engine.runs.model.codec import (
    machine_from_json,
    machine_to_json,
    order_from_json,
    order_to_json,
    sighting_from_json,
    sighting_to_json,
)
from engine.runs.model.sighting import Sighting
from engine.runs.model.states import Placement, RunOrder
from engine.scenario import (
    MachineWishes,
    Measured,
    Protocol,
    RegionShare,
    Request,
    Scenario,
    UserClass,
)
from engine.scenario.json import scenario_from_json, scenario_to_json
from engine.scenario.profile import Curve, OpenProfile, Point, closed
from engine.scenario.program import LoadProgram, ProgramFile
from kernel.errors import InvariantBrokenError
from pricing.plans.channels import Channel
from pricing.plans.file import TermsUnreadableError, plan_from_json, plan_to_json
from pricing.plans.model import Caps, CreditChoice, Plan, Sale
from pricing.plans.on_sale import BUNDLED_PLANS, find_plan
from pricing.plans.quotes import Quote, Unit, quote_from_json, quote_to_json
from pricing.refreshing.price_list_rows import (
    ListedPrice,
    PriceListPage,
    RowRefusal,
    page_from_json,
    page_to_json,
)
from pricing.tariffs import CancellationPolicy
from providers.contract import Machine, MachineState
from providers.rehearsal.faults import Fault, FaultKind, fault_from_json, fault_to_json

DOCUMENTS = Path(__file__).parent / "documents"
AT = datetime(2026, 11, 22, 9, 30, 15, 250_000, tzinfo=UTC)

SCENARIO = Scenario(
    "shop",
    Protocol.HTTP,
    closed([(0, 1), (60.5, 100)]),
    target="https://shop.example.com",
    user_classes=(
        UserClass(
            "buyer", 2, (1.0, 2.5), (Request("/"), Request("/cart", "POST", 3, "cart", "{}"))
        ),
    ),
    regions=(RegionShare("us-east-1", 0.6), RegionShare("eu-*", 0.4)),
    injectors=3,
    memory_mib_per_user=5,
    machines=MachineWishes(families=("c7g",), architecture="arm64", types=("c7g.large",)),
    measured=Measured(200, 180, 220, 1_000_000, None, "2 runs"),
    locust_user="HttpUser",
)
ARRIVALS = Scenario(
    "arrivals",
    Protocol.HTTP,
    OpenProfile(Curve((Point(0, 0), Point(60, 5.5))), iteration_s=12.0, max_users=80),
    load_engine="k6",
    program=LoadProgram(
        "k6",
        "main.js",
        "/home/ann/tests",
        files=(ProgramFile("main.js", 120, "ab" * 32),),
        version="1.3.0",
    ),
)
IN_MONEY = Quote(
    plan="on-demand",
    tariff="on-demand",
    tariff_version=date(2026, 11, 1),
    policy=CancellationPolicy.STARTUP_THEN_USED,
    unit=Unit.USD,
    injectors=3,
    users=1_200,
    duration_s=5_400,
    li_minutes=270,
    startup_li_minutes=15,
    startup=2_250_000,
    use=40_650_000,
)
ORDER = RunOrder(
    "run-1",
    "acme",
    SCENARIO,
    IN_MONEY,
    "aws",
    (
        Placement(
            "aws",
            "us-east-1",
            ("c7g.large", "c7g.xlarge"),
            2,
            (72_500, 145_000),
            users=100,
            elsewhere=(Placement("azure", "eastus", ("D2s_v5",), 2, (96_000,)),),
            around_monthly_usd_micros=4_290_000,
        ),
    ),
    rehearsal=False,
    time_scale=1.0,
    accepted_at=AT,
    department="qa",
    spot=True,
)


class Stored(Struct, frozen=True):
    """A kind of document: the value that one stands for, and its codec.

    ``open_at`` are the tables that may hold more than is read.
    """

    value: Any
    to_json: Callable[[Any], Any]
    from_json: Callable[[Any], Any]
    refusal: type[Exception]
    open_at: frozenset[str] = frozenset()
    ignored: frozenset[str] = frozenset()


STORED: Mapping[str, Stored] = {
    "scenario": Stored(SCENARIO, scenario_to_json, scenario_from_json, InvariantBrokenError),
    "scenario_of_arrivals": Stored(
        ARRIVALS, scenario_to_json, scenario_from_json, InvariantBrokenError
    ),
    "plan_with_chosen_credits": Stored(
        find_plan("custom", BUNDLED_PLANS), plan_to_json, plan_from_json, TermsUnreadableError
    ),
    "plan_of_a_trial": Stored(
        find_plan("trial", BUNDLED_PLANS), plan_to_json, plan_from_json, TermsUnreadableError
    ),
    "quote_in_money": Stored(
        IN_MONEY,
        quote_to_json,
        quote_from_json,
        InvariantBrokenError,
        frozenset({""}),
        frozenset({"total"}),
    ),
    "quote_in_li_minutes": Stored(
        replace(IN_MONEY, plan="starter", unit=Unit.LI_MINUTES, startup=15, use=255),
        quote_to_json,
        quote_from_json,
        InvariantBrokenError,
        frozenset({""}),
        frozenset({"total"}),
    ),
    "order": Stored(
        ORDER,
        order_to_json,
        order_from_json,
        InvariantBrokenError,
        frozenset({"", "quote", "placements.0", "placements.0.elsewhere.0"}),
        frozenset({"quote.total"}),
    ),
    "machine": Stored(
        Machine(
            "i-0abc",
            "run-1",
            "us-east-1",
            "c7g.large",
            MachineState.RUNNING,
            AT,
            AT + timedelta(hours=1),
        ),
        machine_to_json,
        machine_from_json,
        InvariantBrokenError,
    ),
    "sighting": Stored(
        Sighting(AT, 2, LoadProgress(LoadPhase.FLOWING, 12.5, 80, 950, 3, 76.5)),
        sighting_to_json,
        sighting_from_json,
        InvariantBrokenError,
        frozenset({"", "progress"}),
    ),
    "calibration": Stored(
        Calibration(
            "shop",
            AT,
            "locust 2.40",
            "AMD EPYC, 1 core",
            tuple(
                CalibrationStep(n, n * 9_000, 40_000 + n * 100, float(n), 0.0, 5_000)
                for n in (10, 40, 80)
            ),
            "the target holds 80 users up",
            "run-1",
        ),
        calibration_to_json,
        calibration_from_json,
        ValueError,
        frozenset({"", "foretold"}),
        frozenset(
            {
                *("processor_us_per_request", "requests_per_user_s", "memory_kib_per_user"),
                *("ceiling_percent", "users_at_ceiling", "r_squared", "error_percent"),
                *("foretold", "foretold.foretold", "foretold.measured", "foretold.error_percent"),
            }
        ),
    ),
    "run_figures": Stored(
        RunFigures("run-2", AT, "aws", 210, 990_000),
        run_figures_to_json,
        run_figures_from_json,
        ValueError,
    ),
    "page": Stored(
        PriceListPage(
            (
                ListedPrice("machine", 85_000, "c7i.large", preference=("2026-11-01", "b")),
                ListedPrice("egress", 90_000, from_gb=10_240),
            ),
            Counter({RowRefusal.WINDOWS: 3, RowRefusal.SPOT: 1}),
            "2026-11-01",
            "US East",
        ),
        page_to_json,
        page_from_json,
        ValueError,
        frozenset({"", "left_out"}),
    ),
    "fault": Stored(
        Fault(FaultKind.SHORT_CAPACITY, available=2, machine_type="c7i.large"),
        fault_to_json,
        fault_from_json,
        ValueError,
    ),
}
KINDS = pytest.mark.parametrize("kind", STORED)


def _stored(kind: str) -> Any:  # noqa: ANN401 - a document
    return json.loads((DOCUMENTS / f"{kind}.json").read_text(encoding="utf-8"))


def _leaves(document: object, path: tuple[str | int, ...] = ()) -> Iterator[tuple[str | int, ...]]:
    match document:
        case dict():
            for key, value in document.items():
                yield from _leaves(value, (*path, key))
        case list():
            for place, value in enumerate(document):
                yield from _leaves(value, (*path, place))
        case _:
            yield path


def _tables(document: object, path: tuple[str | int, ...] = ()) -> Iterator[tuple[str | int, ...]]:
    children: Sequence[tuple[str | int, object]] = ()
    match document:
        case dict():
            yield path
            children = tuple(document.items())
        case list():
            children = tuple(enumerate(document))
    for key, value in children:
        yield from _tables(value, (*path, key))


def _at(document: Any, path: tuple[str | int, ...]) -> Any:  # noqa: ANN401 - what is there
    for key in path:
        document = document[key]
    return document


def _others(value: object) -> Sequence[object]:
    """The same in other types, as far as JSON has them."""
    match value:
        case bool():
            return (int(value), str(value).lower(), None)
        case int():
            return (str(value), value + 0.5, float(value), True, None, [value])
        case float():
            return (str(value), True, None, [value])
        case str():
            return (7, True, None, [value], {"text": value})
        case _:
            return ({"nothing": 1}, [["x"]])


SHOWN_ONLY = {"fitted"}
"""What follows from the steps of a calibration, written for people and never read."""


def _without_new(written: object, before: object) -> object:
    """What was written, without the fields that hold nothing, or are not read, and are new."""
    match written, before:
        case dict(), dict():
            return {
                name: _without_new(each, before.get(name))
                for name, each in written.items()
                if name in before or (each and name not in SHOWN_ONLY)
            }
        case list(), list() if len(written) == len(before):
            return [_without_new(*both) for both in zip(written, before, strict=True)]
        case _:
            return written


def _dotted(path: tuple[str | int, ...]) -> str:
    return ".".join(map(str, path))


def _may_be(other: object, path: tuple[str | int, ...]) -> bool:
    """Whether a field may hold the other too: nothing, or a number that is not whole."""
    if other is None:
        return str(path[-1]) in {
            *("target", "name", "body", "injectors", "memory_mib_per_user", "architecture"),
            *("measured", "iteration_s", "max_users", "version", "department", "run", "trial_days"),
            *("suspended_day", "ended_day"),
        }
    return isinstance(other, float) and "profile" in path  # the points of its curve are such


@KINDS
def test_what_is_stored_is_read_as_it_was_meant(kind: str) -> None:
    assert STORED[kind].from_json(_stored(kind)) == STORED[kind].value


@KINDS
def test_what_is_written_is_what_was_written_before(kind: str) -> None:
    """But for how an instant of UTC is spelt, which was read both ways, and new fields, empty."""
    written = json.dumps(STORED[kind].to_json(STORED[kind].value))
    before = json.dumps(_stored(kind))
    spelt = [text.replace("+00:00", "Z") for text in (written, before)]
    assert _without_new(json.loads(spelt[0]), json.loads(spelt[1])) == json.loads(spelt[1])
    assert STORED[kind].from_json(json.loads(written)) == STORED[kind].value


def test_a_request_id_stands_for_what_it_stood_for() -> None:
    """Else a request that is sent again, after an upgrade in between, would be refused."""
    order = order_from_json(_stored("order"))
    assert order_hash(order, ["eu-*"]) == (
        "ff15d3508f19fa638c96d8dc0c3bbecc8cf8f9b57f565975ac27bf12595fd0e8"
    )
    assert order_hash(order, [], ["azure"], published=True) == (
        "433298343570ab69481a2b3ffe5298e07f386f02d8060db00cf73a9d93373422"
    )


@KINDS
def test_no_field_is_taken_in_another_type(kind: str) -> None:
    stored, taken = STORED[kind], []
    for path in _leaves(_stored(kind)):
        if _dotted(path) in stored.ignored:
            continue
        value = _at(_stored(kind), path)
        for other in _others(value):
            if _may_be(other, path):
                continue
            document = _stored(kind)
            _at(document, path[:-1])[path[-1]] = other
            try:
                stored.from_json(document)
            except stored.refusal:
                continue
            taken.append(f"{_dotted(path)} = {other!r}")
    assert taken == []


@KINDS
def test_no_field_is_taken_that_nobody_knows(kind: str) -> None:
    stored, taken = STORED[kind], []
    for path in _tables(_stored(kind)):
        if _dotted(path) in stored.open_at:
            continue
        document = _stored(kind)
        _at(document, path)["colour"] = "red"
        try:
            stored.from_json(document)
        except stored.refusal:
            continue
        taken.append(_dotted(path))
    assert taken == []


@KINDS
@pytest.mark.parametrize("document", [{}, [], None, "text", 7])
def test_no_other_document_is_taken(kind: str, document: object) -> None:
    with pytest.raises(STORED[kind].refusal):
        STORED[kind].from_json(document)


def test_orders_from_before_fields_existed_have_what_held_then() -> None:
    document = _stored("order")
    for name in ("department", "puts_load", "spot"):
        del document[name]
    (placement,) = document["placements"]
    for each in (placement, *placement["elsewhere"]):
        del each["provider"], each["around_monthly_usd_micros"]
    order = order_from_json(document)
    assert (order.department, order.puts_load, order.spot) == (None, True, False)
    assert {each.provider for each in order.options} == {"aws"}
    assert {each.around_monthly_usd_micros for each in order.options} == {0}
    assert not order_from_json({**document, "rehearsal": True}).puts_load


def test_terms_from_before_plans_had_choices_have_the_defaults() -> None:
    document = {
        "name": "starter",
        "version": "2026-11-01",
        "monthly_usd_micros": 199_000_000,
        "li_minutes": 1_800,
        "rollover": True,
        "tariff": "on-demand",
        "cancellation": "startup_then_used",
    }
    assert plan_from_json(document) == find_plan("starter", BUNDLED_PLANS)


AMOUNTS = st.integers(min_value=0, max_value=10**12)
COUNTS = st.integers(min_value=1, max_value=10**6)
NAMES = st.text(min_size=1, max_size=20)
PLANS = st.builds(
    Plan,
    name=NAMES,
    monthly_usd_micros=AMOUNTS,
    li_minutes=AMOUNTS,
    rollover=st.booleans(),
    tariff=NAMES,
    cancellation=st.sampled_from(CancellationPolicy),
    version=st.dates(),
    purchase=st.sampled_from(Sale),
    change_policy=st.sampled_from(Sale),
    boosts=st.booleans(),
    boost_usd_micros=st.none() | AMOUNTS,
    trial_days=st.none() | COUNTS,
    credits=st.none() | st.builds(CreditChoice, COUNTS, COUNTS, COUNTS, AMOUNTS),
    caps=st.builds(Caps, *[st.none() | COUNTS] * 4),
    channels=st.lists(st.sampled_from(Channel), unique=True).map(tuple),
    examples=st.lists(NAMES, max_size=3).map(tuple),
)


@given(PLANS)
def test_any_plan_comes_back_as_it_was_sold(plan: Plan) -> None:
    assert plan_from_json(json.loads(json.dumps(plan_to_json(plan)))) == plan


@given(PLANS, st.data())
def test_a_plan_with_a_field_of_another_type_is_refused(plan: Plan, data: st.DataObject) -> None:
    document = plan_to_json(plan)
    path = data.draw(st.sampled_from(list(_leaves(document))))
    others = [each for each in _others(_at(document, path)) if each is not None]
    _at(document, path[:-1])[path[-1]] = data.draw(st.sampled_from(others))
    with pytest.raises(TermsUnreadableError, match="stored terms cannot be read: "):
        plan_from_json(document)


@pytest.mark.parametrize(
    ("field", "value", "problem"),
    [
        ("monthly_usd_micros", "199000000", "got `str` - at `$.monthly_usd_micros`"),
        ("li_minutes", 1.5, "got `float` - at `$.li_minutes`"),
        ("rollover", 1, "got `int` - at `$.rollover`"),
        ("boosts", "true", "got `str` - at `$.boosts`"),
        ("colour", "red", "unknown field `colour`"),
        ("caps", {"users": True}, "got `bool` - at `$.caps.users`"),
        ("caps", {"machines": 3}, "unknown field `machines` - at `$.caps`"),
        ("version", "yesterday", "at `$.version`"),
        ("channels", "card", "got `str` - at `$.channels`"),
    ],
)
def test_a_refusal_says_which_field_it_is_about(field: str, value: object, problem: str) -> None:
    document = {**_stored("plan_of_a_trial"), field: value}
    with pytest.raises(TermsUnreadableError) as refused:
        plan_from_json(document)
    assert problem in refused.value.line
