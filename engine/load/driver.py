"""What a load generator is asked to do, and what it reports: values and the driver's contract."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from enum import StrEnum
from pathlib import Path
from typing import Any, Protocol

from msgspec import Struct, convert

from engine.load.figures import FailureKind, FailureSample, RequestFigures, Window
from engine.scenario import Scenario
from kernel.errors import BadInputError
from kernel.plain import plain

Commands = Sequence[Sequence[Sequence[str]]]
"""Machine i -> the argument vectors that it runs side by side."""


class UnrunnableScenarioError(BadInputError):
    """The scenario can be estimated but does not say enough, or the right thing, to be run."""

    code = "scenario_not_runnable"


class LoadEngineMissingError(BadInputError):
    """The load generator is not installed beside loadmuster."""

    code = "load_engine_missing"


class LoadPhase(StrEnum):
    """Where the load is."""

    WAITING = "waiting"
    FLOWING = "flowing"
    DONE = "done"
    FAILED = "failed"


class InjectorGroup(Struct, frozen=True):
    """Injectors that are launched together.

    Attributes:
        count: Machines.
        users: Most users at once that they carry together.
    """

    count: int
    users: int


class MachineWork(Struct, frozen=True):
    """What machines do, told in both ways that providers know.

    Attributes:
        commands: Machine i -> the argument vectors that it runs side by side.
        user_data: Group g -> the script that its machines boot with.
    """

    commands: Commands = ()
    user_data: Sequence[str] = ()


class LoadTask(Struct, frozen=True):
    """One run's load.

    Attributes:
        run_id: The run.
        scenario: What is run.
        groups: Machines that put the load on.
        folder: The run's own folder, absolute; everything the load writes is in it.
        time_scale: Seconds of the test that one second plays.
        started_at: When all machines were up, as far as the controller knows.
        lifetime_s: From the intent to launch until a machine ends itself.
        machines: How many of the injectors were launched; 0: all.
        injectors_min: With how many the load may start once it is late; 0: with all.
        late_at: From when on it does.
    """

    run_id: str
    scenario: Scenario
    groups: tuple[InjectorGroup, ...]
    folder: Path
    time_scale: float = 1.0
    started_at: datetime | None = None
    lifetime_s: float = 3_600.0
    machines: int = 0
    injectors_min: int = 0
    late_at: datetime | None = None

    @property
    def injectors(self) -> int:
        """Machines that put the load on, over all groups."""
        return sum(group.count for group in self.groups)


class LoadProgress(Struct, frozen=True):
    """How far the load is.

    Attributes:
        phase: See ``LoadPhase``.
        elapsed_s: Seconds of the test that have been played; at most its planned length.
        users: Active now.
        requests: Made so far.
        failures: How many of them failed.
        requests_per_s: Over the last few seconds.
        message: One line for people; says why when the load failed.
        peak_users: Most users at once so far; None: the load generator does not say.
        load_at_fault: It failed, and not the machines: the load generator, or the user's own code
            in it, said why.
    """

    phase: LoadPhase
    elapsed_s: float = 0.0
    users: int = 0
    requests: int = 0
    failures: int = 0
    requests_per_s: float = 0.0
    message: str = ""
    peak_users: int | None = None
    load_at_fault: bool = False


class Look(Struct, frozen=True):
    """What a machine had used, and its load engine done, when it was looked at.

    Attributes:
        at_s: Seconds since the first look, which is at the start of the load.
        busy_s: Processor seconds used since then, all processors together.
        memory_bytes: In use.
        requests: Made until then.
        failures: How many of them failed.
    """

    at_s: float
    busy_s: float
    memory_bytes: int
    requests: int
    failures: int


class InjectorResult(Struct, frozen=True):
    """What one injector went through.

    Attributes:
        slot: Which machine, from 0.
        requests: Its share of the requests.
        cpu_percent_max: Most of one processor core that one of its processes used; None: never
            measured. So for the following.
        lost: It went away before the load ended, and its last figures with it.
        machine_cpu_percent_max: Most of all processors of its machine that were in use.
        machine_cpu_percent_mean: The same over the whole load.
        memory_used_bytes_max: Most memory of its machine that was in use.
        memory_bytes: What its machine has.
        machine_cores: The processors of its machine.
        processor_s: Processor seconds that its load engine used while load flowed.
        looks: At its machine, where it plays alone.
    """

    slot: int
    requests: int
    cpu_percent_max: float | None
    lost: bool
    machine_cpu_percent_max: float | None = None
    machine_cpu_percent_mean: float | None = None
    memory_used_bytes_max: int | None = None
    memory_bytes: int | None = None
    machine_cores: int | None = None
    processor_s: float | None = None
    looks: tuple[Look, ...] = ()


class LoadResult(Struct, frozen=True):
    """What was measured.

    Attributes:
        valid: Whether the figures say something about the target; if not, why not comes next.
        invalid_reasons: One line each.
        warnings: What to know when reading the figures of a valid result.
        completed: The load was played to its end.
        load_s: Seconds for which load was put on.
        requests: Made in all.
        failures: How many of them failed.
        requests_per_s: Mean over ``load_s``.
        p50_ms: Median response time; None: no request was made. So for the other two.
        p95_ms: 95 % of the requests were answered within it.
        p99_ms: 99 % of the requests were answered within it.
        peak_users: Most users active at once; None: the load generator does not say.
        injectors: By slot.
        begun: Requests that were begun, answered or not; None: not known, and ``unknown`` says
            why. So for the next two.
        unanswered: Those that had no answer when the load, or their user, ended.
        longest_wait_s: The longest that any request waited, answered or not.
        planned_requests_per_s: Mean of what the users would have made with the test's think time
            and the median response time; None: the test has no pace that is known.
        failure_kinds: Why requests failed, the most frequent first.
        failure_samples: What was said by the first that failed.
        unknown: What could not be measured, and why, one line each.
        by_request: The table of requests, the most frequent first.
        windows: The load as a series over time, without a gap.
    """

    valid: bool
    invalid_reasons: tuple[str, ...]
    warnings: tuple[str, ...]
    completed: bool
    load_s: float
    requests: int
    failures: int
    requests_per_s: float
    p50_ms: int | None
    p95_ms: int | None
    p99_ms: int | None
    peak_users: int | None
    injectors: tuple[InjectorResult, ...]
    begun: int | None = None
    unanswered: int | None = None
    longest_wait_s: float | None = None
    planned_requests_per_s: float | None = None
    failure_kinds: tuple[FailureKind, ...] = ()
    failure_samples: tuple[FailureSample, ...] = ()
    unknown: tuple[str, ...] = ()
    by_request: tuple[RequestFigures, ...] = ()
    windows: tuple[Window, ...] = ()

    @property
    def failed_percent(self) -> float | None:
        """Of the requests; None: there was none."""
        return 100 * self.failures / self.requests if self.requests else None

    @property
    def verdict(self) -> str:
        """Whether it can be trusted, in one line that also says when much of it failed."""
        if not self.valid:
            return "not valid: the figures do not speak of the target"
        whole = "valid" if self.completed else "valid as far as the load was played"
        failed = (each for each in self.warnings if " % of the requests failed" in each)
        return ", but ".join([whole, *failed])

    def to_json(self) -> dict[str, Any]:
        """The result in dicts, lists, strings and numbers, with what follows from it."""
        written: dict[str, Any] = plain(self)
        for injector in written["injectors"]:
            if not injector["looks"]:
                del injector["looks"]
        return {**written, "verdict": self.verdict, "failed_percent": self.failed_percent}


def result_from_json(document: Mapping[str, Any]) -> LoadResult:
    """The result that ``LoadResult.to_json`` wrote, also before it said as much.

    Raises:
        ValidationError: It is something else.
    """
    return convert(document, LoadResult)


class LoadDriver(Protocol):
    """One load generator. It keeps no state of its own: all is in the task's folder or storage."""

    def prepare(self, task: LoadTask) -> MachineWork:
        """Write down what the machines need and say what each of them runs.

        Called again, before or after the machines were launched, it answers the same.

        Raises:
            UnrunnableScenarioError: The scenario cannot be run as it is.
            LoadEngineMissingError: The load generator is not installed.
        """
        ...

    def progress(self, task: LoadTask, now: datetime) -> LoadProgress:
        """How far the load is at ``now``; ``WAITING`` as long as nothing was reported.

        A driver whose injectors wait for a common start gives it here.
        """
        ...

    def result(self, task: LoadTask) -> LoadResult | None:
        """What was measured, also after a cancel or a loss; None: nothing was."""
        ...

    def clean_up(self, task: LoadTask) -> None:
        """Remove what only the load needed; the result is on record and is not asked for again."""
        ...
