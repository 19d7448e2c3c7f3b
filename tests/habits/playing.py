"""Sessions side by side, each from its first command until nothing of it is open."""

from __future__ import annotations

import random
import signal
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import dataclass, field

from engine.runs.model.states import RunState
from tests.habits.checks import Said, as_a_shell_says, check_home, check_said
from tests.habits.ground import ACCOUNT, Ground, Home
from tests.habits.report import Report
from tests.habits.second_shells import FIRST, SECOND, Saying, said_cancel, said_run, sayings
from tests.habits.sessions import (
    START_UP,
    TINY,
    Deed,
    Finisher,
    Habit,
    Manner,
    Screen,
    Session,
)
from tests.habits.terminals import Terminal
from tests.patience import PATIENCE_S

SIDE_BY_SIDE = 4
LOOK_S = 0.1
DEED_WITHIN_S = 60.0
ORDER: Sequence[str] = list(RunState)
NEEDS_THE_COMMAND = frozenset(
    {
        Habit.CLOSE,
        Habit.CTRL_C,
        Habit.CTRL_C_TWICE,
        Habit.SUSPEND,
        Habit.SUSPEND_AND_CLOSE,
        Habit.RESIZE,
        Habit.TERMINATE,
        Habit.KILL,
    }
)


def _say_nothing(_so_far: Report) -> None:
    """Nobody listens."""


def play_all(
    ground: Ground,
    sessions: Sequence[Session],
    *,
    tell: Callable[[Report], None] = _say_nothing,
) -> Report:
    """Play sessions, and look at what each of them leaves, and at the end at what is left of all.

    Args:
        ground: Where.
        sessions: Each with a number of its own.
        tell: Told of all so far, as often as one has ended.
    """
    total = Report()
    with ThreadPoolExecutor(SIDE_BY_SIDE) as lanes:
        playing = [lanes.submit(play, ground, session) for session in sessions]
        for played in as_completed(playing):
            total.add(played.result())
            tell(total)
    left = [run_id or "nobody" for run_id, is_there in ground.machines() if is_there]
    total.violations += [f"at the end: a machine is left of {run_id}" for run_id in left]
    return total


def play(ground: Ground, session: Session) -> Report:
    """One session; what does not hold of it is in the report, with its number."""
    with ground.home(session) as home:
        home.engine.accounts.open(ACCOUNT, plan=session.plan)
        played = _Play(home)
        try:
            played.live()
            played.finish()
            played.check(ground)
        except Exception as error:
            error.add_note(f"in session {session.number}: {session}")
            raise
        finally:
            played.put_away()
    played.report.violations = [
        f"session {session.number}: {each}" for each in played.report.violations
    ]
    return played.report


@dataclass
class _Play:
    """A session that goes on."""

    home: Home
    report: Report = field(default_factory=Report)
    said: list[Said] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.before = self.home.money()
        self.session = self.home.session
        self.report.sessions[self.session.provider] += 1
        self.report.screens[self.session.screen] += 1

    def live(self) -> None:
        """The first command, and all that is done to it."""
        session = self.session
        manner = [session.manner.value] if session.manner is not Manner.HERE else []
        agreed = ["--yes"] if session.answer is None else []
        arguments = (*self.home.now, *self.home.run(FIRST), *manner, *agreed)
        first = self._start(
            Saying("run", arguments, FIRST),
            screen=session.screen,
            size=session.size,
            answer=session.answer,
        )
        for deed in session.deeds:
            there = self._until(deed, first)
            if there and self._do(deed, first):
                self.report.habits[deed.habit] += 1
            else:
                self.report.escaped[deed.habit] += 1
        first.go_on()
        for said in self.said:
            self._until_ended(said.terminal)
        self.home.make_room()

    def finish(self) -> None:
        """Whoever should end what is open does it."""
        open_runs = [run for run in self.home.runs() if not run.ended]
        if not open_runs:
            return
        finisher = self.session.finisher
        self.report.finished[finisher] += 1
        match finisher:
            case Finisher.SERVE:
                options = ("--until-idle", "--reap-every", "0")
                said = Saying("serve", (*self.home.now, "serve", *options))
                self._until_ended(self._start(said))
            case Finisher.CANCEL:
                for run in open_runs:
                    self._until_ended(self._start(said_cancel(self.home, run)))
            case Finisher.AGAIN:
                for request in (FIRST, SECOND):
                    again = self.home.recorded(request)
                    if again is not None and not again.ended:
                        self._until_ended(self._start(said_run(self.home, request)))

    def check(self, ground: Ground) -> None:
        """What does not hold."""
        runs = self.home.runs()
        for run in runs:
            self.report.runs[f"{run.order.provider}: {run.outcome or run.state}"] += 1
            self.report.machines += len(run.machines)
        for said in self.said:
            self.report.codes[f"{said.kind}: {as_a_shell_says(said.terminal.code)}"] += 1
            self.report.violations += check_said(self.home, said)
        self.report.violations += check_home(self.home, runs, self.before, ground.machines())

    def put_away(self) -> None:
        """Close all windows."""
        for said in self.said:
            if said.terminal.code is None:
                said.terminal.send(signal.SIGKILL, group=True)
            said.terminal.put_away()

    def _for_a_moment(self, saying: Saying, deed: Deed) -> None:
        terminal = self._start(saying)
        terminal.lives_for(1 + deed.chance)
        terminal.send(signal.SIGTERM if deed.chance < 1 / 2 else signal.SIGINT)

    def _start(
        self,
        saying: Saying,
        *,
        screen: Screen = Screen.PIPE,
        size: tuple[int, int] = (24, 80),
        answer: str | None = None,
    ) -> Terminal:
        """A command in a window of its own."""
        terminal = Terminal(
            f"{len(self.said)} {saying.kind}",
            saying.arguments,
            self.home.environment,
            logs=self.home.logs,
            screen=screen,
            size=size,
            answer=answer,
            cold=self.session.cold,
        )
        self.said.append(Said(saying.kind, saying.request, terminal))
        return terminal

    def _until_ended(self, terminal: Terminal) -> None:
        if terminal.lives_for(PATIENCE_S):
            self.report.violations.append(f"{terminal.name} is stuck: {terminal.said[-300:]}")
            terminal.send(signal.SIGKILL, group=True)
            terminal.lives_for(PATIENCE_S)

    def _until(self, deed: Deed, first: Terminal) -> bool:
        """Wait for the instant of a deed; whether there is still somebody to do it to."""
        if deed.state == START_UP:
            time.sleep(max(0.0, first.began_s + deed.after_s - time.monotonic()))
            return True
        deadline_s = time.monotonic() + DEED_WITHIN_S
        while time.monotonic() < deadline_s:
            runs = self.home.runs()
            lives = first.code is None and not first.stopped
            if runs and ORDER.index(runs[0].state) >= ORDER.index(deed.state):
                time.sleep(deed.after_s)
                return first.code is None or not runs[0].ended
            if not lives and (not runs or self.session.manner is not Manner.DETACHED):
                return deed.habit not in NEEDS_THE_COMMAND
            time.sleep(LOOK_S)
        return False

    def _do(self, deed: Deed, first: Terminal) -> bool:
        """Whether it was done to anybody."""
        if deed.habit in NEEDS_THE_COMMAND:
            return first.code is None and self._do_to(deed, first)
        return self._do_beside(deed, first)

    def _do_to(self, deed: Deed, first: Terminal) -> bool:
        match deed.habit:
            case Habit.CLOSE:
                first.close()
            case Habit.CTRL_C:
                first.ctrl_c()
            case Habit.CTRL_C_TWICE:
                first.ctrl_c()
                time.sleep(deed.chance / 2)
                first.ctrl_c()
            case Habit.SUSPEND if first.suspend():
                time.sleep(0.2 + deed.chance)
                first.go_on()
            case Habit.SUSPEND_AND_CLOSE if first.suspend():
                first.close()
                first.go_on()
            case Habit.RESIZE:
                for size in random.Random(deed.chance).sample(TINY, 3):
                    first.resize(*size)
                    time.sleep(LOOK_S)
            case Habit.TERMINATE:
                first.send(signal.SIGTERM)
            case Habit.KILL:
                first.send(signal.SIGKILL)
            case _:
                return False
        return True

    def _do_beside(self, deed: Deed, first: Terminal) -> bool:
        runs = self.home.runs()
        match deed.habit:
            case Habit.SERVE:
                said = Saying("serve", (*self.home.now, "serve", "--reap-every", "0"))
                self._for_a_moment(said, deed)
                return True
            case Habit.WATCH if runs:
                self._for_a_moment(Saying("watch", (*self.home.now, "watch", runs[0].id)), deed)
                return True
            case Habit.FILL_DISK if self.home.small_disk:
                self.home.fill()
                self.report.disks += 1
                if deed.chance < 1 / 2:
                    first.lives_for(4 * deed.chance)
                    self.home.make_room()
                return True
            case _:
                return bool([*map(self._start, sayings(deed, self.home, runs))])
