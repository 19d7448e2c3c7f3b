"""Versions of the catalogue: which is in use, going back, and what a damaged one says."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Mapping
from datetime import date, timedelta
from pathlib import Path

import platformdirs
import pytest

from engine.catalogs.in_use import CATALOG_VARIABLE, catalog_in_use, versions_here
from engine.commands.checkup import look_at_prices
from pricing.catalog import Catalog, CatalogUnreadableError
from pricing.catalog.versions import KEPT_VERSIONS, UnknownVersionError, Versions
from tests.engine.catalogs.conftest import SMALL, TODAY


def copied(new: Path) -> None:
    shutil.copytree(SMALL, new, dirs_exist_ok=True)


def test_without_a_refresh_the_bundled_catalogue_is_in_use(versions: Versions) -> None:
    assert versions.in_use() == "bundled"
    assert versions.names() == []
    assert not versions.folder.exists()
    assert catalog_in_use({CATALOG_VARIABLE: str(versions.folder)}) is Catalog.bundled()


def test_a_new_version_is_in_use_and_any_other_can_be(versions: Versions) -> None:
    first, second = versions.add(TODAY, copied), versions.add(TODAY, copied)
    assert (first, second) == ("2026-11-22", "2026-11-22-2")
    assert versions.in_use() == second
    versions.use(first)
    assert versions.in_use() == first
    versions.use("bundled")
    assert versions.in_use() == "bundled"
    assert versions.names() == [first, second]


def test_a_version_that_does_not_exist_is_refused_with_those_there_are(versions: Versions) -> None:
    versions.add(TODAY, copied)
    for name in ("2026-01-01", "../../etc", "", "versions"):
        with pytest.raises(UnknownVersionError, match="bundled, 2026-11-22"):
            versions.use(name)
    assert versions.in_use() == "2026-11-22"


def test_only_so_many_versions_are_kept_and_the_one_in_use_always(versions: Versions) -> None:
    names = [versions.add(TODAY + timedelta(days=n), copied) for n in range(KEPT_VERSIONS + 3)]
    assert versions.names() == names[-KEPT_VERSIONS:]
    assert versions.in_use() == names[-1]
    assert {each.name for each in (versions.folder / "versions").iterdir()} == set(versions.names())


def test_a_name_that_was_forgotten_is_never_given_again(versions: Versions) -> None:
    names = [versions.add(TODAY, copied) for _ in range(KEPT_VERSIONS + 3)]
    assert len(set(names)) == len(names)
    assert versions.names() == names[-KEPT_VERSIONS:]
    assert versions.in_use() == f"2026-11-22-{KEPT_VERSIONS + 3}"


def test_the_tenth_version_of_a_day_comes_after_the_ninth(versions: Versions) -> None:
    folder = versions.folder / "versions"
    for number in (10, 9, 2):
        copied(folder / f"2026-11-22-{number}")
    copied(folder / "2026-11-22")
    assert versions.names()[-2:] == ["2026-11-22-9", "2026-11-22-10"]


def test_what_is_no_catalogue_never_gets_a_name(versions: Versions) -> None:
    versions.add(TODAY, copied)

    def half(new: Path) -> None:
        copied(new)
        (new / "aws" / "regions" / "us-east-1.csv").write_text("name,usd_per_hour\nm1", "utf-8")

    with pytest.raises(CatalogUnreadableError, match="the header must be"):
        versions.add(TODAY, half)
    assert versions.names() == [versions.in_use()] == ["2026-11-22"]


@pytest.mark.parametrize(
    "damage",
    [
        lambda version: (version / "aws" / "regions" / "us-east-1.csv").write_text("no,table\n"),
        lambda version: (version / "aws" / "machine-types.csv").unlink(),
        lambda version: (version / "aws" / "machine-types.csv").write_bytes(b"\xff\xfe\x00"),
        lambda version: (version / "surroundings.csv").write_text(""),
        lambda version: (version / "sources.toml").write_text("[oops"),
        lambda version: shutil.rmtree(version / "azure"),
        shutil.rmtree,
        lambda version: (version.parents[1] / "current").write_bytes(b"\xff\xfe"),
        lambda version: (version.parents[1] / "current").write_text("../../etc"),
        lambda version: (version.parents[1] / "current").write_text(""),
    ],
    ids=[
        "region",
        "no types",
        "types",
        "around",
        "sources",
        "no azure",
        "no version",
        "no text",
        "elsewhere",
        "empty",
    ],
)
def test_a_damaged_catalogue_says_how_to_go_back(
    damage: Callable[[Path], object], versions: Versions
) -> None:
    name = versions.add(TODAY, copied)
    damage(versions.path(name))
    with pytest.raises(CatalogUnreadableError, match="catalog use bundled") as caught:
        versions.use(versions.in_use())
    assert caught.value.exit_code == 2
    versions.use("bundled")
    assert versions.open(versions.in_use()).regions("aws")


@pytest.mark.parametrize(
    "environment",
    [{}, {"XDG_DATA_HOME": "/srv/data"}, {"XDG_DATA_HOME": "relative"}, {"XDG_DATA_HOME": " "}],
    ids=["home", "named", "relative", "blank"],
)
def test_catalogues_lie_beside_the_database(
    environment: Mapping[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("XDG_DATA_HOME", raising=False)
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    beside = platformdirs.user_data_path("loadmuster", appauthor=False)
    assert versions_here(environment).folder == beside / "catalog"


def test_a_refresh_of_today_is_read_by_all_who_ask_for_the_catalogue_in_use(
    tmp_path: Path,
) -> None:
    environment = {CATALOG_VARIABLE: str(tmp_path)}
    versions = Versions(tmp_path)
    versions.add(date(2026, 11, 22), copied)
    assert catalog_in_use(environment).name == "2026-11-22"
    assert catalog_in_use(environment) is catalog_in_use(environment)
    versions.use("bundled")
    assert catalog_in_use(environment).name == "bundled"


def test_the_doctor_says_which_prices_are_in_use_and_what_to_do_about_damaged_ones(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(CATALOG_VARIABLE, str(tmp_path))
    versions = Versions(tmp_path)
    assert look_at_prices().startswith("catalogue bundled: us-east-1 of 2026-07-20")
    name = versions.add(TODAY, copied)
    assert look_at_prices().startswith(f"catalogue {name}: ")
    shutil.rmtree(versions.path(name))
    with pytest.raises(CatalogUnreadableError, match="catalog use bundled"):
        look_at_prices()
