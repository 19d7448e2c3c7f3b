from __future__ import annotations

from pathlib import Path

import pytest

from pricing.strict_toml import FILE_BYTES_MAX, DataFileError
from pricing.tariffs import PROTOCOLS, read_tariff_file
from pricing.tariffs.loading import ByProtocol

VERSION = """
[[versions]]
effective_from = 2026-01-01
as_of = 2026-01-01
unit = "VUH"
counts = "users"
unit_s = 3600
quantum_s = 60
cancellation = "full_quote"
usd_per_unit = "0.10"
price_from = { certainty = "quotation", as_of = 2026-01-01 }
sources = []
notes = []
"""
GOOD = f'title = "A service"\nno_example = "none is published"\n{VERSION}'
EXAMPLE = """
[[versions.examples]]
source = "https://example.com/pricing"
says = "6 users for an hour are 6 VUH"
users = 6
duration_s = 3600
quantity = "6"
"""
WITH_EXAMPLE = f'title = "A service"\n{VERSION}{EXAMPLE}'


def read(folder: Path, content: str) -> None:
    path = folder / "service.toml"
    path.write_text(content, encoding="utf-8")
    read_tariff_file(path)


def test_a_good_file_is_read(tmp_path: Path) -> None:
    read(tmp_path, GOOD)


@pytest.mark.parametrize(
    ("old", "new", "problem"),
    [
        ('unit = "VUH"', "", "unit is missing"),
        ('unit = "VUH"', "unit = 3", "unit must be a text"),
        ('unit = "VUH"', 'unit = "VUH"\ncolour = "red"', "colour is not a field"),
        ('title = "A service"', 'title = "A"\nowner = "b"', "owner is not a field"),
        ('"users"', '"people"', "counts must be one of injectors, users, reserved_users"),
        ('"users"', '"reserved_users"', "users_per_injector is needed"),
        ("quantum_s = 60", "quantum_s = 0", "quantum_s must be a whole number of at least 1"),
        ("quantum_s = 60", "quantum_s = true", "quantum_s must be a whole number"),
        ('"0.10"', "0.10", "usd_per_unit must be an amount of US dollars in quotes"),
        ('"0.10"', '"-0.10"', "usd_per_unit must be an amount"),
        ('"0.10"', '"0.0000001"', "usd_per_unit must be an amount"),
        ('usd_per_unit = "0.10"', "", "usd_per_unit or else no_price"),
        ('usd_per_unit = "0.10"', 'no_price = "why"', "price_from must be given where there is"),
        ('"quotation"', '"rumour"', "certainty must be one of price list, vendor's page"),
        ('"quotation"', '"quotation", source = "a page"', "source must be an address like https"),
        ('"quotation"', '"quotation", colour = "red"', "colour is not a field"),
        (
            "notes = []",
            (
                "notes = []\n"
                'unit_tiers = [{ from_units = 9, usd_per_unit = "1" }, '
                '{ from_units = 9, usd_per_unit = "2" }]'
            ),
            "unit_tiers must rise",
        ),
        (
            'usd_per_unit = "0.10"',
            'machines_of = "aws"',
            "needs injectors that are counted by the hour",
        ),
        ("quantum_s = 60", 'quantum_s = 60\nrounding = "down"', "rounding must be one of up"),
        ('no_example = "none is published"', "", "no_example (why) must be given"),
        ("= 2026-01-01", '= "2026-01-01"', "must be a date like 2026-11-21, without quotes"),
        ('"full_quote"', '"half"', "cancellation must be one of startup_only"),
        ("sources = []", "sources = [1]", "sources must be a list of texts"),
        (
            "notes = []",
            "notes = []\nmultipliers = { gopher = 2 }",
            "multipliers.gopher is not a field of this table; there are http, ",
        ),
        ("notes = []", "notes = []\nmultipliers = { http = 0 }", "http must be a whole number"),
        ("notes = []", "notes = []\nmultipliers = 3", "multipliers must be a table"),
        ("notes = []", "notes = []\nfloors = 3", "floors must be a list of tables"),
        ("notes = []", "notes = []\nfloors = [3]", "versions 1: floors must be a list of tables"),
        ("notes = []", "notes = []\nfloors = []", "versions 1: floors must be a list of tables"),
        (
            "notes = []",
            "notes = []\nfloors = [{ minimum_s = 60.0 }]",
            "versions 1: floors 1: minimum_s must be a whole number of at least 1",
        ),
        (
            "notes = []",
            "notes = []\nfloors = [{ minimum_s = 60, most = 3 }]",
            "floors 1: most is not a field of this table; there are minimum_s, up_to_injectors",
        ),
        ("= 2026-01-01", "= 2026-01-01T10:00:00", "must be a date like 2026-11-21, without quotes"),
        ('unit = "VUH"', 'unit = " "', "unit must be a text"),
        ("quantum_s = 60", "quantum_s = 60\nextra_injectors = -1", "whole number of at least 0"),
        ("notes = []", "notes = []\nfloors = [{ minimum_s = 90 }]", "must be whole quanta"),
        (
            "notes = []",
            "notes = []\nfloors = [{ up_to_injectors = 5, minimum_s = 60 }]",
            "must end with one without up_to_injectors",
        ),
        (
            "notes = []",
            "notes = []\nfloors = [{ up_to_injectors = 5, minimum_s = 120 }, { minimum_s = 60 }]",
            "floors must rise",
        ),
        (
            "notes = []",
            "notes = []\nfloors = [{ minimum_s = 60 }, { minimum_s = 120 }]",
            "without up_to_injectors must come last",
        ),
        (
            "notes = []",
            "notes = []\nfloors = [{ up_to_injectors = 5, minimum_s = 60 }, { minimum_s = 120 }]",
            "need a tariff that looks at injectors",
        ),
        ("[[versions]]", "[versions]", "versions must be a list of tables"),
        ("[[versions]]", "[[versions", "not a TOML file"),
    ],
)
def test_a_wrong_field_is_refused_by_name(tmp_path: Path, old: str, new: str, problem: str) -> None:
    assert old in GOOD
    with pytest.raises(DataFileError) as refused:
        read(tmp_path, GOOD.replace(old, new))
    assert problem in refused.value.message
    assert "service.toml" in refused.value.message


def test_a_file_with_the_vendor_s_example_is_read(tmp_path: Path) -> None:
    read(tmp_path, WITH_EXAMPLE)


@pytest.mark.parametrize(
    ("old", "new", "problem"),
    [
        ('quantity = "6"', "quantity = 6", "quantity must be a number in quotes"),
        ('quantity = "6"', 'quantity = "6e1"', "quantity must be a number in quotes"),
        ('quantity = "6"', 'quantity = "6"\nusd = 3', "usd must be an amount"),
        ("users = 6", "", "users or another field is impossible: the test needs a number of"),
        ("users = 6", 'users = 6\nprotocol = "gopher"', "unknown protocol 'gopher'"),
        ("duration_s = 3600", "", "duration_s is missing"),
        ("says =", "claims =", "claims is not a field of this table; there are source, says,"),
        ('says = "6 users for an hour are 6 VUH"', "", "examples 1: says is missing"),
        ("users = 6", "users = 6\npeople = 6", "people is not a field"),
        (
            'title = "A service"',
            'title = "A service"\nno_example = "why"',
            "no_example (why) must be given, or else examples",
        ),
    ],
)
def test_a_wrong_example_is_refused_by_field(
    tmp_path: Path, old: str, new: str, problem: str
) -> None:
    assert old in WITH_EXAMPLE
    with pytest.raises(DataFileError) as refused:
        read(tmp_path, WITH_EXAMPLE.replace(old, new))
    assert problem in refused.value.message


def test_versions_come_oldest_first(tmp_path: Path) -> None:
    with pytest.raises(DataFileError, match="oldest first"):
        read(tmp_path, GOOD + VERSION)


def test_a_file_that_is_not_there_or_too_large_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DataFileError, match="No such file"):
        read_tariff_file(tmp_path / "nothing.toml")
    with pytest.raises(DataFileError, match="Is a directory"):
        read_tariff_file(tmp_path)
    with pytest.raises(DataFileError, match="larger than 1 MiB"):
        read(tmp_path, "#" * (FILE_BYTES_MAX + 1))
    with pytest.raises(DataFileError, match="not a TOML file"):
        read(tmp_path, "a = " + "[" * 100_000)


def test_a_number_can_be_said_for_every_protocol() -> None:
    assert ByProtocol.__struct_fields__ == PROTOCOLS
