"""Scenarios that name a program: what is read, and what is refused before anything is on record."""

from __future__ import annotations

import io
import os
import tarfile
from pathlib import Path

import pytest

from engine.load.checks import check_engine, check_runnable
from engine.load.driver import LoadEngineMissingError, UnrunnableScenarioError
from engine.readers import read_scenario
from engine.readers.parsing.errors import BadScenarioError
from engine.readers.program.bundle import pack, unpack
from engine.scenario import Scenario
from engine.scenario.program import BUNDLE_BYTES_MAX, FILES_MAX, ProgramFilesError

START = "name: shop\ntarget: http://127.0.0.1\nload: {users: 5, duration: 60}\nload_engine:\n"


def read(folder: Path, engine: str) -> Scenario:
    (folder / "shop.yaml").write_text(f"{START}  {engine}\n")
    return read_scenario(folder / "shop.yaml")


def test_a_command_brings_its_files_and_folders(tmp_path: Path) -> None:
    (tmp_path / "data" / "more").mkdir(parents=True)
    (tmp_path / "data" / "users.csv").write_text("ann\n")
    (tmp_path / "data" / "more" / "carts.csv").write_text("1\n")
    (tmp_path / "load.sh").write_text("echo\n")
    (tmp_path / "load.sh").chmod(0o755)
    scenario = read(
        tmp_path, "{name: custom, command: ./load.sh, files: [load.sh, data/], prepare: 'true'}"
    )
    assert scenario.load_engine == "custom"
    program = scenario.program
    assert program is not None
    assert (program.kind, program.main) == ("custom", "./load.sh")
    assert (program.prepare, program.results) == ("true", "results.csv")
    paths = ["data/more/carts.csv", "data/users.csv", "load.sh"]
    assert [file.path for file in program.files] == paths
    with tarfile.open(fileobj=io.BytesIO(pack(program))) as archive:
        assert archive.getnames() == paths
        assert archive.getmember("load.sh").mode == 0o755
    assert pack(program) == pack(program)
    unpack(pack(program), tmp_path / "there")
    for path in paths:
        was, has = tmp_path / path, tmp_path / "there" / path
        assert (has.read_bytes(), has.stat().st_mode) == (was.read_bytes(), was.stat().st_mode)


def test_the_same_files_elsewhere_have_the_same_key_and_others_another(tmp_path: Path) -> None:
    keys = []
    for name, text in (("a", "1"), ("b", "1"), ("c", "2")):
        (tmp_path / name).mkdir()
        (tmp_path / name / "shop.js").write_text(text)
        program = read(tmp_path / name, "{name: k6, script: shop.js}").program
        assert program is not None
        keys.append(program.bundle_key)
    assert keys[0] == keys[1] != keys[2]


def test_files_that_change_after_the_scenario_was_read_are_refused(tmp_path: Path) -> None:
    (tmp_path / "shop.js").write_text("1")
    program = read(tmp_path, "{name: k6, script: ./shop.js}").program
    assert program is not None
    (tmp_path / "shop.js").write_text("2")
    with pytest.raises(ProgramFilesError, match=r"'shop\.js': its content changed"):
        pack(program)
    (tmp_path / "shop.js").unlink()
    with pytest.raises(ProgramFilesError, match=r"'shop\.js': No such file"):
        pack(program)


@pytest.mark.parametrize(
    ("engine", "line"),
    [
        ("{name: tsung}", "load_engine: is no load engine; its name is locust, custom, k6,"),
        ("{name: locust, user: Fast}", "load_engine.user: must be 'FastHttpUser' or 'HttpUser'"),
        ("{command: x}", "load_engine: is no load engine"),
        ("{name: custom}", "load_engine.command: is missing"),
        ("{name: custom, command: '  '}", "load_engine.command: is empty; write what sh is to run"),
        ('{name: custom, command: "a\\0b"}', "load_engine.command: holds a NUL character"),
        ("{name: custom, command: x, script: y}", "load_engine.script: unknown field"),
        ("{name: custom, command: x, prepare: ''}", "load_engine.prepare: is empty"),
        (
            "{name: custom, command: x, results: ../y}",
            "load_engine.results: '../y' leaves the scenario's folder",
        ),
        (
            "{name: custom, command: x, files: [/etc/passwd]}",
            "load_engine.files[0]: '/etc/passwd' leaves the scenario's folder",
        ),
        (
            "{name: custom, command: x, files: [a/../../b]}",
            "load_engine.files[0]: 'a/../../b' leaves the scenario's folder",
        ),
        (
            '{name: custom, command: x, files: ["a\\nb"]}',
            "load_engine.files[0]: 'a\\nb' is no file name; it holds control characters",
        ),
        ("{name: custom, command: x, files: [none.py]}", "5: load_engine.files[0]: there is no"),
        ("{name: custom, command: x, files: [link]}", "'link' is a link that leaves the scenario"),
        ("{name: custom, command: x, files: [pipe]}", "'pipe' is no regular file"),
        ("{name: custom, command: x, files: [odd]}", "'odd/a\\nb' holds control characters"),
        ("{name: k6}", "load_engine.script: is missing"),
        ("{name: k6, script: none.js}", "load_engine.script: there is no 'none.js' in "),
        (
            "{name: k6, script: a.js, version: new}",
            "load_engine.version: must be a version such as",
        ),
        ("{name: jmeter, plan: none.jmx}", "load_engine.plan: there is no 'none.jmx' in "),
        ("{name: gatling, simulation: 'a; b'}", "load_engine.simulation: must be a class with its"),
    ],
)
def test_what_is_wrong_is_one_line_that_says_where(engine: str, line: str, tmp_path: Path) -> None:
    (tmp_path / "outside").write_text("secret")
    folder = tmp_path / "scenario"
    (folder / "odd").mkdir(parents=True)
    (folder / "odd" / "a\nb").write_text("")
    (folder / "link").symlink_to(tmp_path / "outside")
    os.mkfifo(folder / "pipe")
    with pytest.raises(BadScenarioError, match=r"^[^\n]+$") as refused:
        read(folder, engine)
    assert line in refused.value.message
    assert refused.value.facts["line"] in {4, 5}


def test_the_name_of_a_program_alone_is_not_enough(tmp_path: Path) -> None:
    (tmp_path / "shop.yaml").write_text(START.replace("load_engine:\n", "load_engine: k6\n"))
    with pytest.raises(
        BadScenarioError, match=r"k6 needs more than its name; write \{name: k6, scr"
    ):
        read_scenario(tmp_path / "shop.yaml")


def test_files_too_large_for_injectors_are_refused_with_the_largest(tmp_path: Path) -> None:
    for name, size in (("a.bin", BUNDLE_BYTES_MAX), ("b.bin", 3 * 1024**2), ("c.txt", 1)):
        with (tmp_path / name).open("wb") as file:
            file.truncate(size)
    engine = "{name: custom, command: x, files: [a.bin, b.bin, c.txt]}"
    with pytest.raises(ProgramFilesError) as refused:
        read(tmp_path, engine)
    assert "the files hold 35.0 MiB, and injectors are given 32.0 MiB at most" in str(refused.value)
    assert "largest: 'a.bin' 32.0 MiB, 'b.bin' 3.0 MiB" in str(refused.value)
    assert refused.value.facts["bytes_max"] == BUNDLE_BYTES_MAX
    assert refused.value.exit_code == 2
    with (tmp_path / "b.bin").open("wb") as file:
        file.truncate(0)
    (tmp_path / "c.txt").write_text("")
    assert read(tmp_path, engine).program is not None, "exactly as much as they may hold"


def test_too_many_files_are_refused(tmp_path: Path) -> None:
    (tmp_path / "data").mkdir()
    for number in range(FILES_MAX + 1):
        (tmp_path / "data" / str(number)).touch()
    with pytest.raises(ProgramFilesError, match=r"1,001 files are more than the 1,000"):
        read(tmp_path, "{name: custom, command: x, files: [data]}")


def test_a_program_needs_a_target_but_no_user_classes(tmp_path: Path) -> None:
    scenario = read(tmp_path, "{name: custom, command: x}")
    check_runnable(scenario)
    (tmp_path / "shop.yaml").write_text(
        START.replace("target: http://127.0.0.1\n", "") + "  {name: custom, command: x}\n"
    )
    with pytest.raises(UnrunnableScenarioError, match="target: the scenario does not say"):
        check_runnable(read_scenario(tmp_path / "shop.yaml"))


@pytest.mark.parametrize(
    ("engine", "hint"),
    [
        ("{name: k6, script: a}", "k6 is not on .*; give load_engine a version: to fetch, or let"),
        ("{name: jmeter, plan: a}", "jmeter is not on .*; let its prepare: install it"),
        ("{name: gatling, simulation: a.B}", "java is not on .*; let its prepare: install it"),
    ],
)
@pytest.mark.parametrize("on_this_computer", [True, False])
def test_a_program_that_machines_will_not_have_is_refused(
    engine: str,
    hint: str,
    on_this_computer: bool,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    (tmp_path / "a").write_text("")
    for name in ("curl", "tar", "awk"):
        (tmp_path / name).write_text("#!/bin/sh\n")
        (tmp_path / name).chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    scenario = read(tmp_path, engine)
    with pytest.raises(LoadEngineMissingError, match=hint):
        check_engine(scenario, on_this_computer=on_this_computer)
    prepared = read(tmp_path, engine.replace("}", ", prepare: 'true'}"))
    check_engine(prepared, on_this_computer=on_this_computer)


def test_injectors_on_this_computer_need_curl(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    scenario = read(tmp_path, "{name: custom, command: x}")
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(LoadEngineMissingError, match="curl is not on this computer"):
        check_engine(scenario, on_this_computer=True)
