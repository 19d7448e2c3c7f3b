"""The speeds of processors, as others have measured them."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from pricing.catalog import Catalog, CatalogUnreadableError

BUNDLED = Catalog.bundled()


@pytest.mark.parametrize(
    ("provider", "family", "single_thread", "threads_per_core"),
    [
        ("aws", "c6g", 1_110, 1),
        ("azure", "F", 1_339, 1),
        ("aws", "c8g", 1_944, 1),
        ("aws", "c7i", 2_968, 2),
    ],
)
def test_a_core_and_a_thread_of_one_are_told_apart(
    provider: str, family: str, single_thread: int, threads_per_core: int
) -> None:
    speed = BUNDLED.core_speed(provider, family)
    assert speed is not None
    assert (speed.single_thread, speed.threads_per_core) == (single_thread, threads_per_core)


def test_a_thread_that_shares_its_core_is_worth_less_when_all_are_busy() -> None:
    shared, alone = BUNDLED.core_speed("aws", "c7i"), BUNDLED.core_speed("aws", "c8g")
    assert shared is not None
    assert alone is not None
    assert shared.single_thread > alone.single_thread
    assert shared.busy_vcpu < alone.busy_vcpu


def test_every_speed_is_of_a_type_that_there_is_and_names_its_source() -> None:
    found = 0
    for provider in ("aws", "azure"):
        types = BUNDLED.machine_types(provider)
        for family in BUNDLED.families(provider):
            speed = BUNDLED.core_speed(provider, family)
            if speed is None:
                continue
            found += 1
            assert speed.measured_type in types, family
            assert speed.source in BUNDLED.sources(), family
            architectures = {each.architecture for each in types.values() if each.family == family}
            assert architectures == {types[speed.measured_type].architecture}, family
            assert speed.threads_per_core in {1, 2}, family
    rows = (BUNDLED.folder / "core-speeds.csv").read_text().splitlines()
    assert found == len(rows) - 1


def test_of_what_nobody_measured_nothing_is_known() -> None:
    assert BUNDLED.core_speed("azure", "Dsv3") is None
    assert BUNDLED.core_speed("aws", "c7i-flex") is None


def test_a_catalogue_without_the_table_knows_no_speed_and_a_broken_one_is_refused(
    tmp_path: Path,
) -> None:
    folder = tmp_path / "catalog"
    shutil.copytree(BUNDLED.folder, folder)
    (folder / "core-speeds.csv").unlink()
    assert Catalog(folder).core_speed("aws", "c6g") is None
    (folder / "core-speeds.csv").write_text("provider,family\n")
    with pytest.raises(CatalogUnreadableError, match="core-speeds"):
        Catalog(folder).core_speed("aws", "c6g")
