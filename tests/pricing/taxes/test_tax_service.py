"""What every tax service has to hold, held by the table that ships and by an operator's own."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest

from pricing.parties.vat_ids import EU
from pricing.strict_toml import DataFileError
from pricing.taxes.model import PPM, Taxation, Treatment, format_rate
from pricing.taxes.service import SellerNotCoveredError, TaxQuestion, TaxService
from pricing.taxes.table import BUNDLED_RATES, SHIPPED, TaxTable

DAY = date(2026, 11, 30)
FRENCH = "FR40303265045"


@pytest.fixture(params=["shipped", "own"])
def service(request: pytest.FixtureRequest, tmp_path: Path) -> TaxService:
    if request.param == "shipped":
        return SHIPPED
    own = tmp_path / "rates.toml"
    own.write_text(BUNDLED_RATES.read_text(encoding="utf-8"), encoding="utf-8")
    return TaxTable(own)


def asked(
    seller: str, customer: str | None, tax_id: str | None = None, day: date = DAY
) -> TaxQuestion:
    return TaxQuestion(day, seller, None, customer, tax_id)


@pytest.mark.parametrize(
    ("question", "taxation"),
    [
        (asked("DE", "DE"), Taxation(Treatment.STANDARD, "DE", 190_000)),
        (asked("DE", "DE", "DE136695976"), Taxation(Treatment.STANDARD, "DE", 190_000)),
        (asked("DE", None), Taxation(Treatment.STANDARD, "DE", 190_000)),
        (asked("DE", "FR"), Taxation(Treatment.STANDARD, "FR", 200_000)),
        (asked("DE", "FI"), Taxation(Treatment.STANDARD, "FI", 255_000)),
        (asked("DE", "FR", FRENCH), Taxation(Treatment.REVERSE_CHARGE, "FR", 0)),
        (asked("DE", "FR", "FR40303265046"), Taxation(Treatment.STANDARD, "FR", 200_000)),
        (asked("FR", "GR", "EL094259216"), Taxation(Treatment.REVERSE_CHARGE, "GR", 0)),
        (asked("DE", "US"), Taxation(Treatment.OUTSIDE_SCOPE, "US", 0)),
        (asked("DE", "GB", "GB980780684"), Taxation(Treatment.OUTSIDE_SCOPE, "GB", 0)),
        (asked("DE", "DE", day=date(2020, 6, 30)), Taxation(Treatment.STANDARD, "DE", 190_000)),
        (asked("DE", "DE", day=date(2020, 7, 1)), Taxation(Treatment.STANDARD, "DE", 160_000)),
        (asked("DE", "DE", day=date(2020, 12, 31)), Taxation(Treatment.STANDARD, "DE", 160_000)),
        (asked("DE", "DE", day=date(2021, 1, 1)), Taxation(Treatment.STANDARD, "DE", 190_000)),
        (asked("SK", "SK", day=date(1990, 1, 1)), Taxation(Treatment.STANDARD, "SK", 200_000)),
    ],
)
def test_a_sale_is_taxed_by_seller_customer_and_day(
    service: TaxService, question: TaxQuestion, taxation: Taxation
) -> None:
    assert service.taxation(question) == taxation
    assert service.taxation(question) == taxation


def test_every_pair_of_countries_has_an_answer_with_a_rate_that_can_be(
    service: TaxService,
) -> None:
    for seller in sorted(EU):
        assert service.covers(seller)
        for customer in (*sorted(EU), "US", "CH", None):
            found = service.taxation(asked(seller, customer))
            is_taxed = found.treatment is Treatment.STANDARD
            assert found.country == (customer or seller)
            assert (150_000 <= found.rate_ppm <= 270_000) if is_taxed else found.rate_ppm == 0


def test_a_seller_that_it_does_not_know_is_refused(service: TaxService) -> None:
    assert not service.covers("US")
    with pytest.raises(SellerNotCoveredError, match="leave the country out"):
        service.taxation(asked("US", "DE"))
    assert service.name


@pytest.mark.parametrize(
    ("net", "ppm", "tax"),
    [
        (199_000_000, 190_000, 37_810_000),
        (100_000, 255_000, 30_000),  # 2.55 cents
        (20_000, 250_000, 10_000),  # half a cent
        (-20_000, 250_000, -10_000),
        (10_000, 190_000, 0),
        (0, 190_000, 0),
        (5_000_000, 0, 0),
    ],
)
def test_tax_is_rounded_half_up_to_cents_and_the_same_both_ways(
    net: int, ppm: int, tax: int
) -> None:
    assert Taxation(Treatment.STANDARD, "DE", ppm).tax_on(net) == tax


def test_a_rate_is_written_with_the_decimals_that_it_has() -> None:
    assert [format_rate(ppm) for ppm in (190_000, 255_000, 88_750, 0, PPM)] == [
        *("19", "25.5", "8.875", "0", "100")
    ]


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (('country = "AT"', 'country = "US"'), "'US' is no member state"),
        (('percent = "20"', "percent = 20"), "percent"),
        (('percent = "25.5"', 'percent = "255"'), 'like "25.5"'),
        (("from = 2021-01-01", "from = 2020-07-01"), "2020-07-01 is there twice"),
        (('country = "SI"', 'country = "SK"'), "has none of SI"),
        (("sources = [", "source = ["), "source"),
    ],
)
def test_a_file_of_rates_that_will_not_do_is_refused_in_one_line(
    tmp_path: Path, change: tuple[str, str], said: str
) -> None:
    text = BUNDLED_RATES.read_text(encoding="utf-8")
    assert change[0] in text
    own = tmp_path / "rates.toml"
    own.write_text(text.replace(*change), encoding="utf-8")
    with pytest.raises(DataFileError) as refused:
        TaxTable(own).taxation(asked("DE", "DE"))
    assert said in refused.value.line
    assert refused.value.line.count("\n") == 0
