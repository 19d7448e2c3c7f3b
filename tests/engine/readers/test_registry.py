"""A file is told by its content; a reader is one folder and one row."""

from __future__ import annotations

from pathlib import Path

import pytest

import engine.readers
from engine.readers import READERS, Reader, read_scenario
from engine.readers.parsing.errors import (
    BadSettingsError,
    UnknownFormatError,
    UnreadableSourceError,
)
from engine.readers.parsing.placeholders import Placeholders
from engine.scenario import Protocol, Scenario
from engine.scenario.profile import closed
from loadmuster.cli.main import main

FOLDER = Path(engine.readers.__file__).parent

OWN = {"loadmuster": "name: shop\nload: {users: 7, duration: 1m}\n"}
"""By reader: the smallest file of its kind."""


def _read_beats(text: str, file: str, placeholders: Placeholders) -> Scenario:
    users = int(placeholders.fill(text.split()[1]))
    return Scenario(
        Path(file).stem, Protocol.HTTP, closed([(0, users), (60, users)]), format="beats"
    )


BEATS = Reader(
    name="beats",
    title="a toy that says how many users there are",
    told_by="its first word",
    tells=lambda text: text.startswith("beats "),
    read=_read_beats,
)
WITH_BEATS = (BEATS, *READERS)


@pytest.mark.parametrize("reader", READERS, ids=lambda reader: reader.name)
def test_every_reader_has_a_name_of_its_own_a_title_and_says_what_tells_it(reader: Reader) -> None:
    assert [each.name for each in READERS].count(reader.name) == 1
    assert reader.name.isidentifier()
    assert reader.title
    assert reader.told_by


@pytest.mark.parametrize("reader", READERS, ids=lambda reader: reader.name)
def test_every_reader_tells_and_reads_its_own(reader: Reader, tmp_path: Path) -> None:
    path = tmp_path / "test"
    path.write_text(OWN[reader.name])
    assert reader.tells(OWN[reader.name])
    assert read_scenario(path).format == reader.name
    assert read_scenario(path, format=reader.name) == read_scenario(path)


@pytest.mark.parametrize("reader", READERS, ids=lambda reader: reader.name)
def test_every_reader_is_a_folder(reader: Reader) -> None:
    folders = {
        FOLDER / Path(*part.__module__.split(".")[2:]) for part in (reader.tells, reader.read)
    }
    assert len(folders) == 1
    assert folders.pop().is_dir()


def test_only_the_table_knows_the_readers() -> None:
    assert "native" not in (FOLDER / "read.py").read_text(encoding="utf-8")


def test_a_reader_that_is_added_is_told_by_its_content(tmp_path: Path) -> None:
    path = tmp_path / "drums"
    path.write_text("beats 12")
    scenario = read_scenario(path, readers=WITH_BEATS)
    assert (scenario.name, scenario.format) == ("drums", "beats")
    assert scenario.profile == closed([(0, 12), (60, 12)])


def test_and_leaves_the_files_of_others_alone(tmp_path: Path) -> None:
    path = tmp_path / "shop.yaml"
    path.write_text(OWN["loadmuster"])
    assert read_scenario(path, readers=WITH_BEATS) == read_scenario(path)


def test_its_scenario_is_overridden_like_any_other(tmp_path: Path) -> None:
    path = tmp_path / "drums"
    path.write_text("beats ${N:-3}")
    read = read_scenario(path, readers=WITH_BEATS, settings={"N": "4"}, users=9, duration_s=30)
    assert read.profile == closed([(0, 9), (30, 9)])


def test_values_that_none_of_its_placeholders_takes_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "drums"
    path.write_text("beats 12")
    with pytest.raises(BadSettingsError, match="--set M: the file has no such placeholder"):
        read_scenario(path, readers=WITH_BEATS, settings={"M": "4"})


def test_the_name_goes_before_the_content(tmp_path: Path) -> None:
    path = tmp_path / "drums"
    path.write_text("quiet 12")
    assert read_scenario(path, format="beats", readers=WITH_BEATS).format == "beats"


def test_an_unknown_name_lists_the_table(tmp_path: Path) -> None:
    with pytest.raises(UnknownFormatError) as refused:
        read_scenario(tmp_path / "none", format="doc", readers=WITH_BEATS)
    known = ", ".join(each.name for each in WITH_BEATS)
    assert refused.value.message.endswith(f"no reader for the format 'doc'; known: {known}")


def test_a_file_that_no_reader_tells_is_refused_in_one_line(tmp_path: Path) -> None:
    path = tmp_path / "noise"
    path.write_text("hiss")
    with pytest.raises(UnreadableSourceError) as refused:
        read_scenario(path, readers=(BEATS,))
    assert refused.value.message == f"{path}: is of no kind that can be read; known: beats"


def test_the_command_line_lists_the_table_too(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "shop.yaml"
    path.write_text(OWN["loadmuster"])
    with pytest.raises(SystemExit) as ended:
        main(["estimate", str(path), "--format", "doc"])
    assert ended.value.code == 2
    known = ", ".join(each.name for each in READERS)
    assert f"known: {known}" in capsys.readouterr().err
