"""No command writes over what it reads, however the two are spelt."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.command_line import Command, here

SCENARIO = "name: shop\nprofile: {users: 50, duration: 10m}\n"
ROWS = "users,duration_s\n10,60\n90000,3600\n"

Spelt = Callable[[Path], Path]


def _linked(path: Path) -> Path:
    link = path.with_name(f"link{path.suffix}")
    link.symlink_to(path)
    return link


def _hard_linked(path: Path) -> Path:
    link = path.with_name(f"hard{path.suffix}")
    os.link(path, link)
    return link


def _relative(path: Path) -> Path:
    return Path(os.path.relpath(path))


def _roundabout(path: Path) -> Path:
    return path.parent / ".." / path.parent.name / path.name


SPELLINGS: tuple[Spelt, ...] = (lambda path: path, _linked, _hard_linked, _relative, _roundabout)
NAMES = ("same", "symlink", "hard link", "relative", "roundabout")


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> Command:
    return here(capsys, "--db", f"sqlite:///{tmp_path / 'books.html'}")


@pytest.mark.parametrize("spelt", SPELLINGS, ids=NAMES)
def test_a_sweep_never_writes_over_its_own_input(
    run: Command, tmp_path: Path, spelt: Spelt
) -> None:
    rows = tmp_path / "rows.csv"
    rows.write_text(ROWS)
    other = spelt(rows)

    for source, target in ((rows, other), (other, rows)):
        code, out, err = run("sweep", source, target, "--where", "usd<3")

        assert (code, out) == (2, "")
        assert err == "loadmuster: sweep: OUT is IN; name another file\n"
        assert rows.read_text() == ROWS


@pytest.mark.parametrize(
    ("target", "said"),
    [
        ("in", "OUT is IN; name another file"),
        ("alias", "OUT is IN; name another file"),
        ("in/out", "OUT is within IN; name another folder"),
        ("in/late.parquet", "OUT is within IN; name another folder"),
        ("alias/out", "OUT is within IN; name another folder"),
        (".", "IN is within OUT; name another folder"),
    ],
)
def test_a_folder_of_partitions_is_swept_into_one_apart(
    run: Command, tmp_path: Path, target: str, said: str
) -> None:
    folder = tmp_path / "in"
    folder.mkdir()
    (folder / "part-0.parquet").write_bytes(b"PAR1")
    (tmp_path / "alias").symlink_to(folder)

    code, out, err = run("sweep", folder, tmp_path / target)

    assert (code, out, err) == (2, "", f"loadmuster: sweep: {said}\n")
    assert [each.name for each in folder.iterdir()] == ["part-0.parquet"]


@pytest.mark.parametrize("command", [("plot", "cost"), ("plot", "load"), ("calibrate",)])
def test_no_picture_is_drawn_over_the_load_test_that_it_shows(
    run: Command, tmp_path: Path, command: tuple[str, ...]
) -> None:
    test = tmp_path / "shop.yaml"
    test.write_text(SCENARIO)
    picture = tmp_path / "shop.svg"
    picture.symlink_to(test)

    code, _, err = run(*command, test, "--out", picture)

    assert (code, err) == (2, f"loadmuster: {picture} is what is read; name another file\n")
    assert test.read_text() == SCENARIO


def test_no_picture_is_drawn_over_the_rows_that_it_shows(run: Command, tmp_path: Path) -> None:
    rows = tmp_path / "rows.csv"
    rows.write_text(ROWS)
    picture = tmp_path / "rows.svg"
    picture.symlink_to(rows)

    code, _, err = run("plot", "sweep", rows, "--out", picture)

    assert (code, err) == (2, f"loadmuster: {picture} is what is read; name another file\n")
    assert rows.read_text() == ROWS


def test_no_invoice_and_no_picture_is_written_over_what_loadmuster_keeps(
    run: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    opened = run("account", "open", "acme", "--plan", "starter")
    assert opened.code == 0
    number = run("--json", "invoices", "acme").json["invoices"][0]["number"]
    books, rates = tmp_path / "books.html", tmp_path / "rates.toml"
    rates.write_text("")
    monkeypatch.setenv("LOADMUSTER_RATES", str(rates))
    before = books.read_bytes()

    for kept, what in ((books, "the database"), (rates, "the file of your contract rates")):
        code, _, err = run("invoices", "acme", "--html", number, "--out", kept)
        assert (code, err) == (2, f"loadmuster: {kept} is {what}; name another file\n")
        picture = tmp_path / f"{kept.stem}.svg"
        picture.symlink_to(kept)
        code, _, err = run("plot", "plans", "--li-minutes", 60, "--runs", 9, "--out", picture)
        assert (code, err) == (2, f"loadmuster: {picture} is {what}; name another file\n")

    assert books.read_bytes() == before
    assert rates.read_text() == ""
