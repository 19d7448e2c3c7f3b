"""The whole main job on this machine, command by command, as a newcomer would type it.

Executed by ``make demo``. Everything it keeps is in ``.demo``; the target of the load is a small
shop on loopback. Ctrl-C at any point ends the run that goes on, releases its machines, bills it,
and stops the shop.
"""

from __future__ import annotations

import json
import shlex
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType

HERE = Path(__file__).resolve().parent
HOME = HERE.parent / ".demo"
DATABASE = f"sqlite:///{HOME / 'demo.db'}"
CHECKOUT = "examples/checkout.yaml"
LOADMUSTER = [str(Path(sys.executable).with_name("loadmuster"))]
ACCOUNT = "demo"
REHEARSAL_SPEED = 40
HALFWAY_S = 6.0
"""Half of ten minutes at that speed, less what it takes to type the command."""
START_S_MAX = 60.0
INTERRUPTED = 130


class InterruptedDemo(Exception):  # noqa: N818 - it is no error
    """The user pressed Ctrl-C."""


class Terminal:
    """Types commands and waits for them; a Ctrl-C reaches the command first, then the demo."""

    def __init__(self) -> None:
        self._interrupted = False
        signal.signal(signal.SIGINT, self._on_signal)
        signal.signal(signal.SIGTERM, self._on_signal)

    def _on_signal(self, _number: int, _frame: FrameType | None) -> None:
        self._interrupted = True

    def check(self) -> None:
        """Stop here if the user asked for it."""
        if self._interrupted:
            raise InterruptedDemo

    def say(self, text: str) -> None:
        """A heading between two commands."""
        self.check()
        sys.stdout.write(f"\n\033[1m{text}\033[0m\n" if sys.stdout.isatty() else f"\n{text}\n")
        sys.stdout.flush()

    def type(self, *words: str, always: bool = False) -> None:
        """Show a command, run it, and stop the demo if it fails; ``always``: even when stopping."""
        if not always:
            self.check()
        sys.stdout.write(f"$ loadmuster {shlex.join(words)}\n\n")
        sys.stdout.flush()
        code = subprocess.run([*LOADMUSTER, "--db", DATABASE, *words], check=False).returncode
        self.check()
        if code:
            raise SystemExit(code)

    def ask(self, *words: str) -> dict[str, object]:
        """Run a command for its JSON."""
        command = [*LOADMUSTER, "--db", DATABASE, "--json", *words]
        # In a session of its own: an answer that is on its way is not lost to a Ctrl-C.
        answer = subprocess.run(
            command, stdout=subprocess.PIPE, check=True, start_new_session=True
        ).stdout
        document = json.loads(answer)
        assert isinstance(document, dict)
        return document


@contextmanager
def shop() -> Iterator[str]:
    """The target: a small shop on a free loopback port; yields its address."""
    process = subprocess.Popen(
        [sys.executable, str(HERE / "shop.py"), "--port", "0"],
        stdout=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    try:
        assert process.stdout is not None
        yield process.stdout.readline().strip()
    finally:
        process.terminate()
        process.communicate(timeout=10)


def cancel_halfway(terminal: Terminal, run_id: str) -> None:
    """Wait until load flows, let half of the test pass, and cancel the run."""
    try:
        deadline = time.monotonic() + START_S_MAX
        while terminal.ask("show", run_id)["state"] in {"accepted", "launching", "starting"}:
            terminal.check()
            if time.monotonic() > deadline:
                break
            time.sleep(0.2)
        time.sleep(HALFWAY_S)
    finally:
        terminal.type("cancel", run_id, always=True)


def demo(terminal: Terminal, target: str) -> None:
    """From the estimate to the invoice."""
    terminal.say("1. What does this load test take, and what does it cost?")
    terminal.type("estimate", CHECKOUT)

    terminal.say("2. A shortened version of it, for real: two Locust injectors on this machine")
    terminal.type("account", "open", ACCOUNT, "--plan", "on-demand")
    terminal.type(
        *("run", CHECKOUT, "--account", ACCOUNT, "--provider", "local", "--injectors", "2"),
        *("--users", "60", "--duration", "20s", "--set", f"TARGET={target}", "--yes"),
    )

    terminal.say("3. The whole test on AWS, rehearsed on a simulated cloud, and cancelled half-way")
    rehearsal = (
        *("run", CHECKOUT, "--account", ACCOUNT, "--provider", "aws", "--dry-run"),
        *("--speed", str(REHEARSAL_SPEED)),
    )
    sys.stdout.write(f"$ loadmuster {shlex.join(rehearsal)} --detach\n")
    run = terminal.ask(*rehearsal, "--detach")
    cancel_halfway(terminal, str(run["id"]))

    terminal.say("4. The books: of the run for real; the rehearsal's bill is shown and not charged")
    terminal.type("ledger", ACCOUNT)
    terminal.type("invoices", ACCOUNT)

    terminal.say("Go on with")
    sys.stdout.write(
        f"""
  export LOADMUSTER_DB={DATABASE}
  .venv/bin/loadmuster runs                         the runs of this demo
  .venv/bin/loadmuster estimate YOUR-TEST.yaml      your own load test
  .venv/bin/loadmuster schema scenario              the JSON Schema for your editor
  .venv/bin/loadmuster tariff price loadview --injectors 10 --duration 3m
  .venv/bin/loadmuster --help
"""
    )


def main() -> int:
    """Run the demo in a fresh folder."""
    shutil.rmtree(HOME, ignore_errors=True)
    HOME.mkdir()
    terminal = Terminal()
    try:
        with shop() as target:
            demo(terminal, target)
    except InterruptedDemo:
        sys.stdout.write("\nStopped: no machine and no process of the demo is left.\n")
        return INTERRUPTED
    return 0


if __name__ == "__main__":
    sys.exit(main())
