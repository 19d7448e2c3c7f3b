"""The documents: the site builds without a warning, and what it lists is all that there is."""

from __future__ import annotations

import ast
import html
import importlib
import os
import pkgutil
import re
import shlex
import shutil
import subprocess
import sys
from collections.abc import Iterator
from inspect import getmembers
from pathlib import Path
from types import ModuleType
from typing import Any

import click
import pytest

import engine
import kernel
import loadmuster
import pricing
import providers
from benchmarks import __main__ as bench
from docs.generate.commands import walk
from docs.generate.comparison import comparison_page
from engine.api import Engine
from kernel.errors import LoadmusterError
from loadmuster.cli.main import cli
from loadmuster.documents.schema import SCHEMAS, json_schema
from tests.command_line import here

ROOT = Path(__file__).resolve().parents[2]
README = ROOT / "README.md"
WRITTEN = [
    README,
    ROOT / "CONTRIBUTING.md",
    *sorted((ROOT / "docs").rglob("*.md")),
]
FENCE = re.compile(r"^```(\w*)\n(.*?)^```", re.MULTILINE | re.DOTALL)
LINK = re.compile(r"!?\[[^\]]*\]\(([^)\s]+)\)")
# A path in code: in one of the project's folders, without a placeholder in capitals.
NAMED = re.compile(
    r"`((?:benchmarks|docs|engine|examples|kernel|loadmuster|pricing|providers|tests)/[a-z0-9_./*-]*)`"
)
# Their modules change the process that imports them, or are files of injectors.
NOT_IMPORTED = re.compile(
    r"engine\.load\.(http_users|locust|request_watch)|\.migrations\.|\.agent\b|__main__"
)


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The site, built as ``make docs`` builds it: a warning is an error."""
    folder = tmp_path_factory.mktemp("site")
    built = build(ROOT / "mkdocs.yml", folder)
    assert built.returncode == 0, built.stdout + built.stderr
    return folder


def build(settings: Path, folder: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "mkdocs", "build", "--strict", "-f", str(settings), "-d", folder],
        cwd=ROOT,
        env={**os.environ, "NO_MKDOCS_2_WARNING": "1"},
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.mark.parametrize("link", ["nowhere.md", "index.md#no-such-place", "/index.md"])
def test_a_dead_link_fails_the_build(tmp_path: Path, link: str) -> None:
    pages = tmp_path / "pages"
    pages.mkdir()
    (pages / "index.md").write_text(f"# Start\n\n[there]({link})\n")
    settings = (ROOT / "mkdocs.yml").read_text(encoding="utf-8")
    # The same rules on one page: without what is generated.
    kept = settings.partition("hooks:")[0] + "validation:" + settings.partition("validation:")[2]
    small = tmp_path / "mkdocs.yml"
    small.write_text(kept.partition("nav:\n  -")[0].replace("docs_dir: docs", "docs_dir: pages"))
    built = build(small, tmp_path / "site")
    assert built.returncode == 1
    assert link in built.stderr


def shown(site: Path, page: str) -> str:
    """What a page of the site says, as plain text, without menus."""
    article = (site / page).read_text(encoding="utf-8").partition("<article")[2]
    return html.unescape(re.sub(r"<[^>]+>", "", article))


def test_every_command_has_a_section_with_its_options(site: Path) -> None:
    page = (site / "commands.html").read_text(encoding="utf-8")
    found = list(walk(click.Context(cli, info_name="loadmuster")))
    assert len(found) >= 60
    for path, ctx in found:
        assert f'id="{path.replace(" ", "-")}"' in page, path
        for name in (name for each in ctx.command.params for name in each.opts):
            assert not name.startswith("-") or f"<code>{name}</code>" in page, (path, name)


def test_every_error_code_is_listed_with_its_exit_code(site: Path) -> None:
    page = shown(site, "errors.html")
    leaves = set(_error_classes())
    assert len(leaves) > 90
    for each in leaves:
        section = page.partition(f"Exit code {each.exit_code}: ")[2].partition("Exit code ")[0]
        assert f"{each.__module__}.{each.__name__}" in section, each
        assert re.search(rf"^{each.code}$", section, re.MULTILINE), each


def _error_classes() -> Iterator[type[LoadmusterError]]:
    for package in (kernel, engine, loadmuster, pricing, providers):
        for module in _modules(package):
            for value in vars(module).values():
                if isinstance(value, type) and issubclass(value, LoadmusterError):
                    # The root itself is never raised.
                    yield from () if value is LoadmusterError else (value,)


def _modules(package: ModuleType) -> Iterator[ModuleType]:
    for each in pkgutil.walk_packages(package.__path__, f"{package.__name__}."):
        if not NOT_IMPORTED.search(each.name):
            yield importlib.import_module(each.name)


def test_every_room_of_the_engine_has_its_commands_in_the_reference(site: Path) -> None:
    page = (site / "python-modules.html").read_text(encoding="utf-8")
    opened = Engine("sqlite://")
    names = [name for name, value in vars(Engine).items() if isinstance(value, property)]
    rooms = [type(getattr(opened, name)) for name in names if name != "clock"]
    assert len(rooms) >= 10
    for room in rooms:
        for command in (name for name, value in getmembers(room, callable) if name[0] != "_"):
            assert f'id="{room.__module__}.{room.__name__}.{command}"' in page, (room, command)


@pytest.mark.parametrize("name", SCHEMAS)
def test_every_field_of_a_schema_is_explained(site: Path, name: str) -> None:
    page = (site / ("scenario.html" if name == "scenario" else "documents.html")).read_text()
    schema = json_schema(name)
    parts = [schema, *schema["$defs"].values()]
    fields = {field for part in parts for field in part.get("properties", ())}
    words = {word for part in _every_schema(schema) for word in part.get("enum", ())}
    assert fields
    assert not {each for each in fields | words if f"<code>{each}</code>" not in page}


def _every_schema(schema: dict[str, Any] | list[Any]) -> Iterator[dict[str, Any]]:
    """A schema and all that it is made of."""
    if isinstance(schema, dict):
        yield schema
    for each in schema.values() if isinstance(schema, dict) else schema:
        if isinstance(each, dict | list):
            yield from _every_schema(each)


def test_the_comparison_in_the_site_is_what_is_printed_with_every_prices_source(
    site: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    loadmuster = here(capsys)
    asked = ("--now", "2026-11-30", "compare", "examples/checkout.yaml")
    out = loadmuster(*asked).out
    page = comparison_page(ROOT)
    told = re.search(r"^```text\n(.*?)^```", page, re.MULTILINE | re.DOTALL)
    assert told is not None
    assert told.group(1) == "\n".join(line.rstrip() for line in out.splitlines()) + "\n"
    document = loadmuster("--json", *asked).json
    rows = [line for line in page.splitlines() if line.startswith("| ")]
    for row in document["rows"]:
        stated = [line for line in rows if line.startswith(f"| `{row['tariff']}`")]
        assert bool(stated) == (row["usd"] is not None), row["tariff"]
        if row["price_from"] is not None:
            (line,) = stated
            assert row["price_from"]["certainty"] in line
            assert row["price_from"]["source"] in line
    for plan in document["monthly_plans"]:
        (line,) = [each for each in rows if each.startswith(f"| {plan['service']}, {plan['plan']}")]
        assert plan["price_from"]["source"] in line
        assert plan["usd_per_month"] in line
    assert "quotation" in shown(site, "comparison.html")


def test_the_site_fetches_nothing_from_elsewhere(site: Path) -> None:
    for page in site.rglob("*.html"):
        text = page.read_text(encoding="utf-8")
        fetched = re.findall(r"<(?:script|img|iframe)[^>]* src=\"(\w+:)?//[^\"]*\"", text)
        styles = re.findall(r"<link[^>]* rel=\"(?:stylesheet|preconnect)\"[^>]*//[^>]*>", text)
        assert not fetched, page
        assert not styles, page


def test_the_readme_is_read_in_one_sitting_and_its_links_lead_somewhere() -> None:
    assert len(README.read_bytes()) <= 12_000
    for name in ("README.md", "CONTRIBUTING.md", "CHANGELOG.md"):
        links = LINK.findall((ROOT / name).read_text(encoding="utf-8"))
        for link in (each for each in links if not each.startswith("http")):
            target, _, anchor = link.partition("#")
            page = ROOT / (target or name)
            assert page.exists(), (name, link)
            assert not anchor or anchor in _anchors(page), (name, link)


def _anchors(page: Path) -> set[str]:
    headings = re.findall(r"^#+ (.+)$", page.read_text(encoding="utf-8"), re.MULTILINE)
    return {re.sub(r"\s+", "-", re.sub(r"[^\w\s-]", "", each).lower()) for each in headings}


def test_the_readme_shows_the_estimate_that_is_printed(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "84")
    printed = here(capsys)("--now", "2026-11-21", "estimate", "examples/checkout.yaml").out
    expected = "\n".join(line.rstrip() for line in printed.rstrip().splitlines())
    shown_there = README.read_text(encoding="utf-8").partition("estimate examples/checkout.yaml\n")
    assert shown_there[2].partition("\n```")[0] == expected


@pytest.mark.parametrize("page", ["README.md", "docs/generate/python.md"])
def test_the_python_that_is_shown_runs(page: str, tmp_path: Path) -> None:
    blocks = [
        block
        for language, block in FENCE.findall((ROOT / page).read_text(encoding="utf-8"))
        if language == "python"
    ]
    assert blocks
    shutil.copy(ROOT / "examples" / "checkout.yaml", tmp_path)
    (tmp_path / "shown.py").write_text("\n".join(blocks), encoding="utf-8")
    ended = subprocess.run(
        [sys.executable, "-P", "shown.py"],
        cwd=tmp_path,
        env={**os.environ, "HOME": str(tmp_path)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert ended.returncode == 0, ended.stderr
    first = ended.stdout.splitlines()
    assert first[0] == "20 LI-minutes"
    assert first[1].startswith("completed Bill(")


def test_the_readme_quotes_at_most_three_figures() -> None:
    assert 0 < len(bench.QUOTED) <= 3


@pytest.mark.parametrize("path", WRITTEN, ids=lambda path: str(path.relative_to(ROOT)))
def test_files_that_are_named_exist(path: Path) -> None:
    named = NAMED.findall(path.read_text(encoding="utf-8"))
    assert not [each for each in named if not list(ROOT.glob(each.rstrip("/")))]


@pytest.mark.parametrize("path", WRITTEN, ids=lambda path: str(path.relative_to(ROOT)))
def test_examples_are_python_and_commands_that_exist(path: Path) -> None:
    for language, block in FENCE.findall(path.read_text(encoding="utf-8")):
        if language == "python":
            ast.parse(block)
        if language == "sh":
            for line in _commands(block):
                _parse(line)


def _commands(block: str) -> Iterator[str]:
    """Each call of loadmuster in a block of shell, without comment and redirection."""
    for line in block.replace("\\\n", " ").splitlines():
        for part in re.split(r"[;|]|&&", line.partition(" #")[0]):
            if (call := part.strip()).startswith("loadmuster "):
                yield call.partition(" > ")[0].replace("[", "").replace("]", "")


def _parse(line: str) -> None:
    """Let click read the arguments of a call, without doing anything."""
    command: click.Command = cli
    arguments = shlex.split(line)[1:]
    ctx = click.Context(cli, info_name="loadmuster")
    # A group reads its own options and leaves the rest; a command reads all.
    while isinstance(command, click.Group):
        rest = command.make_parser(ctx).parse_args(list(arguments))[1]
        assert rest, f"{line}: no command"
        found = command.get_command(ctx, rest[0])
        assert found is not None, f"{line}: no command {rest[0]}"
        command, arguments = found, rest[1:]
        ctx = click.Context(command, info_name=command.name, parent=ctx)
    try:
        command.parse_args(ctx, arguments)
    except click.UsageError as error:
        pytest.fail(f"{line}: {error.format_message()}")


def test_the_readings_are_all_of_those_that_are_announced() -> None:
    folder = ROOT / "docs/decisions"
    readings = [
        int(number)
        for path in folder.glob("*.md")
        for number in re.findall(r"^## C(\d+)\. ", path.read_text(encoding="utf-8"), re.MULTILINE)
    ]
    for path in (ROOT / "docs/rules.md", folder / "README.md"):
        announced = re.findall(r"\bC1 to C(\d+)", path.read_text(encoding="utf-8"))
        assert announced == [str(max(readings))], path
    # A number that was never given, or is no longer, is not given to another reading.
    assert len(readings) == len(set(readings))
