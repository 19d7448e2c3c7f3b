"""When a command looks for garbage: once it takes its time, and not at the end of the process."""

from __future__ import annotations

import gc
import sys
from collections.abc import Iterator

import pytest

from loadmuster.cli.main import main
from loadmuster.cli.settings import Command, QuickCommand, Settings


@pytest.fixture(autouse=True)
def as_before() -> Iterator[None]:
    was_on = gc.isenabled()
    yield
    gc.unfreeze()
    (gc.enable if was_on else gc.disable)()


@pytest.mark.parametrize(("kind", "looks"), [(Command, True), (QuickCommand, False)])
def test_only_a_command_that_takes_its_time_looks_for_garbage(
    kind: type[Command], looks: bool
) -> None:
    seen = []
    command = kind("any", callback=lambda: seen.append(gc.isenabled()))
    gc.disable()
    command.main([], standalone_mode=False, obj=Settings(collects=True))
    assert seen == [looks]


@pytest.mark.parametrize("was_on", [True, False])
@pytest.mark.parametrize("is_the_process", [True, False])
def test_the_end_of_a_process_finds_its_garbage_put_aside(
    is_the_process: bool,
    was_on: bool,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    (gc.enable if was_on else gc.disable)()
    words = ["estimate", "examples/nothing.yaml"]
    monkeypatch.setattr(sys, "argv", ["loadmuster", *words])
    with pytest.raises(SystemExit):
        main(None if is_the_process else words)
    assert "nothing.yaml" in capsys.readouterr().err
    assert gc.isenabled() == was_on
    assert (gc.get_freeze_count() > 0) == is_the_process
