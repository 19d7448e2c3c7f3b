"""Ctrl-C ends a command with 130, whatever it interrupts."""

from __future__ import annotations

import signal

import pytest

from loadmuster.cli.main import cli, main


def test_ctrl_c_that_a_library_takes_for_a_fault_of_its_own_ends_with_130(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def built(**_: object) -> None:
        try:
            signal.raise_signal(signal.SIGINT)
        except KeyboardInterrupt:
            raise TypeError("a model could not be built") from None

    before = signal.getsignal(signal.SIGINT)
    monkeypatch.setattr(cli, "main", built)
    with pytest.raises(SystemExit) as ended:
        main([])
    assert ended.value.code == 130
    assert "model" not in capsys.readouterr().err
    assert signal.getsignal(signal.SIGINT) == before


def test_a_fault_that_nobody_interrupted_is_not_taken_for_ctrl_c(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def broken(**_: object) -> None:
        raise TypeError("a fault of ours")

    monkeypatch.setattr(cli, "main", broken)
    with pytest.raises(TypeError, match="a fault of ours"):
        main([])
