"""Contract rates: what one pays by contract, beside what a service publishes, never instead."""

from __future__ import annotations

from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.api import Engine
from engine.planning.compare import compare
from engine.planning.cost_curves import cost_curves
from engine.readers import read_scenario
from kernel.clock import ManualClock
from kernel.errors import BadInputError
from pricing.strict_toml import DataFileError
from pricing.tariffs import (
    HOUSE_TARIFFS,
    BadRateError,
    ContractRate,
    LoadSize,
    UnknownTariffError,
    at_contract_rate,
    contract_rate,
    load_tariff,
    price,
    rates_file,
    read_rates,
    tariff_names,
    write_rates,
)
from tests.command_line import Command, here

CHECKOUT_FILE = Path(__file__).resolve().parents[3] / "examples" / "checkout.yaml"
CHECKOUT = read_scenario(CHECKOUT_FILE)
DAY = date(2026, 11, 30)
FOREIGN = [name for name in tariff_names() if name not in HOUSE_TARIFFS]


def rate_of(name: str, usd: str) -> ContractRate:
    return contract_rate(name, usd, load_tariff(name).unit, DAY)


@pytest.mark.parametrize("name", FOREIGN)
def test_every_service_is_priced_at_the_contract_rate_by_its_own_rule(name: str) -> None:
    published = load_tariff(name)
    usage = LoadSize(injectors=3, users=300, duration_s=5_400)
    rated = at_contract_rate(published, rate_of(name, "0.25"))

    at_rate, units = price(rated, usage), price(published, usage).quantity

    assert at_rate.quantity == units
    beside = (published.usd_micros_per_user * 300) / 1_000_000
    assert at_rate.usd_micros is not None
    assert abs(at_rate.usd_micros / 1_000_000 - (float(units) * 0.25 + beside)) < 0.01
    assert "your contract rate of 2026-11-30" in at_rate.steps[-1]
    assert at_contract_rate(published, None) is published
    assert load_tariff(name).contract_rate is None


def test_a_service_without_a_published_price_is_compared_at_what_one_pays() -> None:
    rates = {name: rate_of(name, "0.12") for name in ("blazemeter", "mabl", "gatling")}

    rows = {row.name: row for row in compare(CHECKOUT, rates=rates).rows}
    without = {row.name: row for row in compare(CHECKOUT).rows}

    assert without["blazemeter"].usd_micros is None
    for name, rate in rates.items():
        row = rows[name]
        assert row.contract_rate == rate
        assert row.published_usd_micros == without[name].usd_micros
        assert row.quantity is not None
        assert row.usd_micros == Decimal(row.quantity) * 120_000
        assert row.note is not None
        assert "your contract rate of 0.12 USD a" in row.note
    assert "a price of the service was not found" in (rows["mabl"].note or "")
    assert "at the published price 16.00 USD" in (rows["gatling"].note or "")
    for name in set(rows) - set(rates):
        assert rows[name].contract_rate is None
        assert rows[name].usd_micros == without[name].usd_micros
    order = [row.usd_micros for row in compare(CHECKOUT, rates=rates).rows]
    priced = [usd_micros for usd_micros in order if usd_micros is not None]
    assert order[: len(priced)] == sorted(priced)


def test_a_rate_for_another_unit_than_a_versions_is_not_taken_for_it() -> None:
    tariff = load_tariff("blazemeter")
    assert at_contract_rate(tariff, ContractRate("blazemeter", "test", 1, DAY)) is tariff


def test_an_estimate_prices_a_service_at_the_contract_rate_and_says_so(loadmuster: Command) -> None:
    look = ("estimate", "examples/checkout.yaml")
    published = {each["tariff"]: each for each in loadmuster("--json", *look).json["quotes"]}
    assert published["gatling"]["contract_rate"] is None
    set_rate = ("tariff", "set", "gatling", "--usd", "0.5", "--per", "credit")
    assert loadmuster(*set_rate, "--as-of", "2026-11-02").code == 0

    quotes = {each["tariff"]: each for each in loadmuster("--json", *look).json["quotes"]}
    ours = quotes["gatling"]
    assert ours["contract_rate"] == {"usd_per_unit": "0.50", "per": "credit", "as_of": "2026-11-02"}
    assert (ours["usd"], published["gatling"]["usd"]) == ("10.00", "16.00")
    assert ours["as_of"] == "2026-11-02"
    others = {name: each for name, each in quotes.items() if name != "gatling"}
    assert others == {name: published[name] for name in others}
    assert "gatling  your contract" in " ".join(loadmuster(*look).out.split("\n")).replace(
        "   ", " "
    )


def test_python_estimates_at_the_contract_rate_too(kept: Path, tmp_path: Path) -> None:
    environment = {"LOADMUSTER_RATES": str(kept)}
    with Engine(f"sqlite:///{tmp_path / 'x.db'}", environment=environment) as engine:
        engine.tariffs.set_rate("gatling", usd="0.5", per="credit")
        quotes = {each.name: each for each in engine.estimate("examples/checkout.yaml").quotes}
    assert quotes["gatling"].usd_micros == 10_000_000


def test_curves_are_drawn_at_the_contract_rate_and_say_so() -> None:
    rates = {"blazemeter": rate_of("blazemeter", "0.12"), "redline13": rate_of("redline13", "2")}
    drawn = {curve.name: curve for curve in cost_curves(CHECKOUT, users_most=1_000, rates=rates)}
    row = {row.name: row for row in compare(CHECKOUT, rates=rates).rows}
    for name, rate in rates.items():
        curve = drawn[name]
        assert (curve.contract_rate, curve.unit) == (rate, "USD")
        users, amount = curve.points[-1]
        assert users == 1_000
        assert amount * 1_000_000 == row[name].usd_micros
    assert drawn["gatling"].contract_rate is None


@pytest.mark.parametrize(
    ("name", "usd", "per", "error", "said"),
    [
        ("blazemeter", "-1", "VUH", BadRateError, "a rate of -1 USD"),
        ("blazemeter", "NaN", "VUH", BadRateError, "is not an amount"),
        ("blazemeter", "Infinity", "VUH", BadRateError, "is not an amount"),
        ("blazemeter", "cheap", "VUH", BadRateError, "is not an amount"),
        ("blazemeter", "0.0000001", "VUH", BadRateError, "0.00 would be the nearest"),
        ("blazemeter", "0.1234567", "VUH", BadRateError, "0.123457 would be the nearest"),
        ("blazemeter", "1000001", "VUH", BadRateError, "from 0 to 1,000,000"),
        ("blazemeter", "1", "minute", BadRateError, "--per VUH would be right"),
        ("blazemeter", "1", "", BadRateError, "--per VUH would be right"),
        ("blazemetre", "1", "VUH", UnknownTariffError, "there are alibaba-pts"),
        ("on-demand", "1", "LI-minute", BadRateError, "sold by our own plans"),
    ],
)
def test_a_bad_rate_is_refused_in_one_line_and_leaves_what_is_kept(
    *,
    name: str,
    usd: str,
    per: str,
    error: type[BadInputError],
    said: str,
    loadmuster: Command,
    kept: Path,
) -> None:
    assert loadmuster("tariff", "set", "mabl", "--usd", "0.5", "--per", "vuh").code == 0
    before = kept.read_bytes()
    with pytest.raises(error):
        contract_rate(name, usd, per, DAY)

    answer = loadmuster("tariff", "set", name, f"--usd={usd}", f"--per={per}")

    assert (answer.code, answer.out, answer.err.count("\n")) == (2, "", 1)
    assert said in answer.err
    assert kept.read_bytes() == before


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("[[rates]]", "rates 1: tariff is missing"),
        ('[[rates]]\ntariff = "mabl"\nusd_per_unit = 3', "rates 1: usd_per_unit must be an amount"),
        (
            '[[rates]]\ntariff = "mabl"\nusd_per_unit = "-3"\nper = "VUH"\nas_of = 2026-11-30',
            "usd_per_unit must be an amount",
        ),
        (
            '[[rates]]\ntariff = "x"\nusd_per_unit = "3"\nper = "VUH"\nas_of = 2026-11-30',
            "rates 1: no tariff 'x'",
        ),
        (
            '[[rates]]\ntariff = "mabl"\nusd_per_unit = "3"\nper = "hour"\nas_of = 2026-11-30',
            "rates 1: mabl does not count in 'hour'",
        ),
        (
            2 * '[[rates]]\ntariff = "mabl"\nusd_per_unit = "3"\nper = "VUH"\nas_of = 2026-11-30\n',
            "rates 2: tariff mabl has a rate in this file already",
        ),
        ("rates = 1", "must be a list of tables"),
        ("not toml", "not a TOML file"),
        ("", "there are no [[rates]] in it"),
    ],
)
def test_a_bad_file_is_refused_with_the_place_and_what_would_be_right(
    loadmuster: Command, tmp_path: Path, text: str, said: str
) -> None:
    file = tmp_path / "wrong.toml"
    file.write_text(text)
    answer = loadmuster("tariff", "set", "--file", file)
    assert (answer.code, answer.err.count("\n")) == (2, 1)
    assert said in answer.err
    missing = loadmuster("tariff", "set", "--file", tmp_path / "none.toml")
    assert (missing.code, "there is no such file" in missing.err) == (2, True)


@given(
    st.dictionaries(
        st.sampled_from(FOREIGN),
        st.tuples(st.integers(0, 10**12), st.dates(date(2000, 1, 1), date(2199, 12, 31))),
    )
)
def test_what_is_written_is_read_back(
    tmp_path_factory: pytest.TempPathFactory, drawn: dict[str, tuple[int, date]]
) -> None:
    file = tmp_path_factory.getbasetemp() / "written.toml"
    rates = {
        name: ContractRate(name, load_tariff(name).unit, usd_micros, day)
        for name, (usd_micros, day) in drawn.items()
    }
    write_rates(file, rates)
    assert read_rates(file) == rates


def test_a_rate_of_a_day_to_come_is_refused_since_it_would_count_at_once(
    kept: Path, tmp_path: Path
) -> None:
    given_file = tmp_path / "given.toml"
    write_rates(given_file, {"mabl": ContractRate("mabl", "VUH", 400_000, date(2026, 1, 2))})
    today = ManualClock(datetime(2026, 1, 1, 9, tzinfo=UTC))
    environment = {"LOADMUSTER_RATES": str(kept)}
    with Engine(f"sqlite:///{tmp_path / 'x.db'}", clock=today, environment=environment) as engine:
        for give in (
            lambda: engine.tariffs.set_rate("mabl", usd="1", per="VUH", as_of=date(2026, 1, 2)),
            lambda: engine.tariffs.set_rates(given_file),
            lambda: engine.tariffs.set_rates(given_file, "mabl"),
        ):
            with pytest.raises(BadRateError, match="as of 2026-01-02, which is to come"):
                give()
        assert engine.tariffs.rates() == {}
        today.sleep(86_400.0)
        assert [rate.tariff for rate in engine.tariffs.set_rates(given_file)] == ["mabl"]


def test_the_command_line_and_python_share_one_file_and_documents_only_gain(
    loadmuster: Command, kept: Path, tmp_path: Path
) -> None:
    now = ("--now", "2026-11-30")
    done = loadmuster(
        *now, "--json", "tariff", "set", "blazemeter", "--usd", "0.12", "--per", "VUH"
    )
    assert done.json == {
        "rates": [
            {"tariff": "blazemeter", "usd_per_unit": "0.12", "per": "VUH", "as_of": "2026-11-30"}
        ],
        "path": str(kept),
    }
    environment = {"LOADMUSTER_RATES": str(kept)}
    with Engine(f"sqlite:///{tmp_path / 'x.db'}", environment=environment) as engine:
        assert engine.tariffs.rates() == {"blazemeter": rate_of("blazemeter", "0.12")}
        engine.tariffs.set_rate("mabl", usd="0.4", per="VUH", as_of=date(2026, 1, 1))
        rated = {each.name: each.contract_rate for each in engine.tariffs.list()}
        assert rated["mabl"] is not None
        assert rated["gatling"] is None
    own = {"usd_per_unit": "0.12", "per": "VUH", "as_of": "2026-11-30"}
    listed = {
        each["tariff"]: each for each in loadmuster("--json", "tariff", "list").json["tariffs"]
    }
    assert (listed["blazemeter"]["usd_per_unit"], listed["blazemeter"]["contract_rate"]) == (
        None,
        own,
    )
    shown = loadmuster("--json", "tariff", "show", "blazemeter").json
    assert (shown["contract_rate"], shown["versions"][-1]["usd_per_unit"]) == (own, None)
    sized = ("tariff", "price", "blazemeter", "--users", "60", "--duration", "90m")
    priced = loadmuster("--json", *sized).json
    assert (priced["usd"], priced["contract_rate"], priced["unknown"]) == ("14.40", own, [])
    rows = {
        row["tariff"]: row for row in loadmuster("--json", "compare", CHECKOUT_FILE).json["rows"]
    }
    assert (rows["blazemeter"]["contract_rate"], rows["blazemeter"]["published_usd"]) == (own, None)
    assert (rows["gatling"]["contract_rate"], rows["gatling"]["published_usd"]) == (None, "16.00")
    curves = loadmuster("--json", "plot", "cost", CHECKOUT_FILE, "--tariff", "blazemeter").json
    assert curves["curves"][0]["contract_rate"] == own
    for words, said in {
        ("tariff", "list"): "Contract rate of blazemeter: 0.12 USD a VUH, of 2026-11-30",
        ("tariff", "show", "blazemeter"): "Contract rate of blazemeter: 0.12 USD",
        sized: "your contract rate of 2026-11-30",
        ("compare", CHECKOUT_FILE): "blazemeter (contract)",
        ("plot", "cost", CHECKOUT_FILE, "--tariff", "blazemeter"): "blazemeter (contract)",
    }.items():
        assert said in loadmuster(*words).out

    gone = loadmuster("--json", "tariff", "unset", "blazemeter").json
    assert gone == {"tariff": "blazemeter", "was_set": True}
    assert loadmuster("--json", *sized).json["usd"] is None
    assert not loadmuster("--json", "tariff", "unset", "blazemeter").json["was_set"]
    assert loadmuster("tariff", "unset", "blazemetre").code == 2


def test_rates_come_from_a_file_too_all_of_them_or_one(
    loadmuster: Command, kept: Path, tmp_path: Path
) -> None:
    file = tmp_path / "ours.toml"
    write_rates(file, {name: rate_of(name, "0.3") for name in ("mabl", "loadster")})
    assert loadmuster("tariff", "set", "mabl", "--file", file).code == 0
    assert list(read_rates(kept)) == ["mabl"]
    assert loadmuster("tariff", "set", "--file", file).code == 0
    assert read_rates(kept) == read_rates(file)
    assert "no [[rates]] of gatling" in loadmuster("tariff", "set", "gatling", "--file", file).err
    both = loadmuster("tariff", "set", "mabl", "--file", file, "--usd", "1")
    assert (both.code, "choose one" in both.err) == (2, True)
    assert loadmuster("tariff", "set", "mabl").code == 2


def test_a_file_of_rates_that_was_damaged_is_told_by_whoever_reads_it(
    loadmuster: Command, kept: Path
) -> None:
    kept.parent.mkdir()
    kept.write_text("[[rates]]\n")
    with pytest.raises(DataFileError):
        read_rates(kept)
    for words in (("compare", CHECKOUT_FILE), ("tariff", "list"), ("tariff", "unset", "mabl")):
        answer = loadmuster(*words)
        assert (answer.code, answer.err.count("\n")) == (2, 1)
        assert str(kept) in answer.err


def test_the_file_is_in_the_data_folder_unless_another_is_named(tmp_path: Path) -> None:
    assert rates_file({"LOADMUSTER_RATES": "/x/y.toml"}) == Path("/x/y.toml")
    assert rates_file({"XDG_DATA_HOME": str(tmp_path)}).name == "rates.toml"


@pytest.fixture
def kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where rates are kept."""
    file = tmp_path / "kept" / "rates.toml"
    monkeypatch.setenv("LOADMUSTER_RATES", str(file))
    return file


@pytest.fixture
def loadmuster(kept: Path, capsys: pytest.CaptureFixture[str]) -> Command:
    assert kept
    return here(capsys)
