"""How long what is kept: by kind, by the seller's country, and by the day."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from pricing.parties.countries import check_country
from pricing.parties.retention import BUNDLED_RETENTION, DataKind, retention
from pricing.strict_toml import DataFileError

DAY = date(2026, 11, 30)
BY_LAW = {DataKind.INVOICES, DataKind.LEDGER}


@pytest.mark.parametrize(
    ("country", "day", "invoices", "ledger"),
    [
        ("DE", date(2024, 12, 31), 10, 10),
        ("DE", date(2025, 1, 1), 8, 10),
        ("AT", DAY, 7, 7),
        ("FR", DAY, 10, 10),
        ("US", DAY, None, None),
        (None, DAY, None, None),
    ],
)
def test_the_law_of_the_sellers_country_says_how_long_books_are_kept(
    country: str | None, day: date, invoices: int | None, ledger: int | None
) -> None:
    found = retention(country, day)
    assert set(found) == set(DataKind)
    years = [None if rule is None else rule.years for rule in (found[each] for each in BY_LAW)]
    assert dict(zip(BY_LAW, years, strict=True)) == {
        DataKind.INVOICES: invoices,
        DataKind.LEDGER: ledger,
    }


def test_what_belongs_to_an_account_goes_with_it_whoever_sells() -> None:
    for country in ("DE", "US", None):
        found = retention(country, DAY)
        until = {kind: rule.until for kind, rule in found.items() if rule and rule.until}
        assert set(until) == set(DataKind) - BY_LAW
        assert {rule.country for rule in found.values() if rule and rule.until} == {None}


def test_years_count_from_the_end_of_the_calendar_year() -> None:
    invoices = retention("DE", DAY)[DataKind.INVOICES]
    assert invoices is not None
    assert invoices.last_day_of(date(2027, 1, 1)) == date(2035, 12, 31)
    assert invoices.last_day_of(date(2027, 12, 31)) == date(2035, 12, 31)
    details = retention("DE", DAY)[DataKind.BILLING_DETAILS]
    assert details is not None
    assert details.last_day_of(DAY) is None


def test_every_rule_names_its_law_and_where_that_is_read() -> None:
    for country in ("DE", "AT", "FR"):
        assert check_country(country) == country
        for rule in retention(country, DAY).values():
            assert rule is not None
            assert rule.law
            assert rule.source.startswith("https://") or Path(rule.source).suffix == ".md"


@pytest.mark.parametrize(
    ("was", "bad", "said"),
    [
        ('until = "deletion"', "years = 3", "years are by the law of a country"),
        ("years = 8", 'until = "deletion"', "years are by the law of a country"),
        ("years = 8", 'years = 8\nuntil = "deletion"', "give either years or until"),
        ("from = 2025-01-01", "from = 1977-01-01", "1977-01-01 is there twice"),
        ('kind = "ledger"', 'kind = "diary"', "kind"),
    ],
)
def test_a_file_that_says_something_else_is_refused_by_its_field(
    tmp_path: Path, was: str, bad: str, said: str
) -> None:
    file = tmp_path / "retention.toml"
    file.write_text(BUNDLED_RETENTION.read_text(encoding="utf-8").replace(was, bad, 1))
    with pytest.raises(DataFileError, match=said):
        retention("DE", DAY, path=file)


def test_a_command_tells_it(run_json: Callable[..., dict[str, Any]]) -> None:
    def kinds() -> dict[str, dict[str, Any]]:
        return {each["kind"]: each for each in run_json("billing", "retention")["kinds"]}

    assert kinds()["invoices"]["years"] is None
    assert kinds()["billing-details"]["until"] == "deletion"
    run_json("billing", "set-seller", "--name", "Load GmbH", "--country", "DE")
    invoices = kinds()["invoices"]
    assert (invoices["years"], invoices["country"]) == (8, "DE")
    assert invoices["in_force_from"] == "2025-01-01"
    assert "14b" in invoices["law"]
