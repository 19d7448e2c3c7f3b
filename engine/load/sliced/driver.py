"""Load in slices: a controller and its injectors that meet in object storage only."""

from __future__ import annotations

import importlib.metadata
import math
import time
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from datetime import datetime
from typing import Any

from msgspec import Struct
from msgspec.structs import replace

from engine.load.checks import check_runnable
from engine.load.driver import (
    LoadEngineMissingError,
    LoadPhase,
    LoadProgress,
    LoadResult,
    LoadTask,
    MachineWork,
)
from engine.load.failure_kinds import printable
from engine.load.locust import check_installed
from engine.load.logs import injector_file
from engine.load.shape import plan_users
from engine.load.sliced import barrier, reports
from engine.load.sliced.barrier import Ready, Start
from engine.load.sliced.bootstrap import Bootstrap, on_this_computer
from engine.load.sliced.details import detail_from, merged_details
from engine.load.sliced.machine_use import MachineUse, machine_use_from
from engine.load.sliced.program_work import approximation_of, program_files
from engine.load.sliced.reasons import Reason, is_the_load, told_once
from engine.load.sliced.reports import Report
from engine.load.sliced.work import bundle, locust_files, measure_window_s
from engine.load.tls import tls_warnings
from engine.load.verdict import COMPLETED, judge
from engine.load.windows import planned_pace
from engine.load_engines import LOAD_ENGINES, LOCUST
from kernel.files import write_whole
from providers.objects import ObjectStore

KILL_AFTER_S = 30
READERS = 16
LOG_BYTES_MAX = 64 * 1024
"""Of an injector's log: as much as it is asked for."""

Inbox = defaultdict[str, list[str]]
"""Kind of upload (``ready``, ``failed``, ``report``, ``detail``, ``machine``, ``log``) -> the rest
of the name of each."""


class SlicedDriver(Struct, frozen=True):
    """Runs scenarios with load generators that share nothing.

    Attributes:
        objects: Where controller and injectors meet.
        packed_files: The files of a scenario's program, by their key; None: they are not on record.
        wall_s: Seconds since 1970; the injectors' clocks, whatever clock the run lives by.
        grace_s: How long after the planned end the last reports are waited for.
    """

    objects: ObjectStore
    packed_files: Callable[[str], bytes | None] = lambda _: None
    wall_s: Callable[[], float] = time.time
    grace_s: float = 20.0

    def prepare(self, task: LoadTask) -> MachineWork:
        """Put the bundle in its place, and write what machines boot with.

        Addresses are signed with the time in them, so what was written first is kept and every
        later call answers the same.

        Raises:
            UnrunnableScenarioError: As ``engine.load.checks.check_runnable``.
            LoadEngineMissingError: Locust is not installed here, so which version is not known; or
                the program's files are not on record.
        """
        check_runnable(task.scenario)
        scripts = [self._script(task, group) for group in range(len(task.groups))]
        each = [
            script
            for script, group in zip(scripts, task.groups, strict=True)
            for _ in range(group.count)
        ]
        commands = [
            [["/bin/sh", "-c", on_this_computer(script, number)]]
            for number, script in enumerate(each)
        ]
        return MachineWork(commands=commands, user_data=scripts)

    def progress(self, task: LoadTask, now: datetime) -> LoadProgress:
        """How far the load is; gives the start once all injectors are there."""
        start = self._start(task)
        inbox = self._inbox(task)
        lost = self._failures(task, inbox)
        if start is None:
            return self._gather(task, inbox, lost, now)
        return self._phase(task, start, self._reports(task, inbox), lost)

    def result(self, task: LoadTask) -> LoadResult | None:
        """What the injectors measured until they ended, or until they were lost."""
        start = self._start(task)
        if start is None:
            return None
        inbox = self._inbox(task)
        found = self._reports(task, inbox)
        if not found:
            return None
        plan = plan_users(task.scenario.profile, task.time_scale)
        machines = [seat.machine for seat in start.seats]
        message = told_once(self._failures(task, inbox), len(machines))
        use, details = self._machine_use(task, inbox), self._details(task, inbox, found)
        measured = reports.merged(machines, found, message, use, details)
        approximations = (plan.approximation, approximation_of(task.scenario, task.time_scale))
        result = judge(
            measured,
            plan.peak_users,
            "; ".join(filter(None, approximations)),
            pace=planned_pace(task.scenario),
            planned_s=plan.duration_s,
        )
        result = replace(result, warnings=(*result.warnings, *tls_warnings(task.scenario)))
        planned = sum(group.count for group in task.groups)
        if len(machines) == planned:
            return result
        fewer = f"{len(machines)} of {planned} injectors played all of the load"
        return replace(result, warnings=(*result.warnings, fewer))

    def clean_up(self, task: LoadTask) -> None:
        """Keep the injectors' logs, and remove the run's objects; its result is on record."""
        with suppress(OSError):
            self._keep_logs(task)
        self.objects.delete(_key(task, ""))

    def _keep_logs(self, task: LoadTask) -> None:
        """Put what injectors wrote into the run's folder, by slot."""
        start = self._start(task)
        slots = {seat.machine: slot for slot, seat in enumerate(start.seats)} if start else {}
        for name, content in self._contents(task, "log", self._inbox(task)):
            machine = name.removesuffix(".txt")
            slot = slots.setdefault(machine, len(slots))
            task.folder.mkdir(parents=True, exist_ok=True)
            write_whole(injector_file(task.folder, slot), content[-LOG_BYTES_MAX:])

    def _script(self, task: LoadTask, group: int) -> str:
        """What the machines of a group boot with; written once."""
        key = _key(task, f"boot-{group}.sh")
        written = self.objects.get(key)
        if written is not None:
            return written.decode()
        self.objects.put(_key(task, "bundle.tgz"), bundle(self._files(task)))
        load_s = task.scenario.profile.duration_s / task.time_scale
        lifetime_s = math.ceil(task.lifetime_s)
        script = Bootstrap(
            group=group,
            bundle_url=self.objects.download_url(_key(task, "bundle.tgz"), lifetime_s),
            start_url=self.objects.download_url(_key(task, "start"), lifetime_s),
            ticket=self.objects.upload_ticket(_key(task, "in/"), lifetime_s),
            start_wait_s=max(1, math.ceil(task.lifetime_s - load_s)),
            load_s_max=math.ceil(load_s) + KILL_AFTER_S,
            measure_s=measure_window_s(load_s),
            keeps_looks=task.injectors == 1,
        ).script()
        self.objects.put(key, script.encode())
        return script

    def _files(self, task: LoadTask) -> dict[str, bytes]:
        """What injectors fetch, by name."""
        program = task.scenario.program
        if program is None:
            return locust_files(task.scenario, task.time_scale, _locust_version())
        packed = self.packed_files(program.bundle_key)
        if packed is None:
            raise LoadEngineMissingError(
                f"run {task.run_id}: the files of its {program.kind} program are not on "
                "record; start the run again",
                run=task.run_id,
            )
        if program.kind == LOCUST.name:
            return locust_files(task.scenario, task.time_scale, _locust_version(), packed)
        return program_files(task.scenario, program, task.time_scale, packed)

    def _start(self, task: LoadTask) -> Start | None:
        content = self.objects.get(_key(task, "start"))
        return None if content is None else barrier.start_from_text(content.decode())

    def _gather(
        self, task: LoadTask, inbox: Inbox, lost: Sequence[Reason], now: datetime
    ) -> LoadProgress:
        """Before the start: look who is there, and open the barrier when all are.

        When it is late, or some have given up, it opens for as many as will do.
        """
        least = task.injectors_min or task.injectors
        awaited = (task.machines or task.injectors) - len(lost)
        if awaited < least:
            return LoadProgress(
                LoadPhase.FAILED,
                message=told_once(lost, task.injectors),
                load_at_fault=_is_the_load(task, lost),
            )
        ready = [_ready(name) for name in inbox["ready"]]
        there = f"{len(ready)} of {task.injectors} injectors are ready"
        late = task.late_at is not None and now >= task.late_at
        if len(ready) >= (least if late else awaited):
            lead_s = LOAD_ENGINES[task.scenario.load_engine].lead_s
            # On a whole second, which is all that a shell's clock knows.
            at_s = math.ceil(self.wall_s() + lead_s)
            start = Start(at_s, barrier.seats(task.groups, ready))
            self.objects.put(_key(task, "start"), start.text().encode())
        return LoadProgress(LoadPhase.WAITING, message=there)

    def _phase(
        self, task: LoadTask, start: Start, found: Sequence[Report], lost: Sequence[Reason]
    ) -> LoadProgress:
        planned_s = task.scenario.profile.duration_s
        played_s = (self.wall_s() - start.at_s) * task.time_scale
        if played_s < 0:
            return LoadProgress(LoadPhase.WAITING, message=f"the load starts in {-played_s:.0f} s")
        grouped = reports.by_machine(found)
        playing = [
            seat.machine
            for seat in start.seats
            if not reports.is_complete(grouped.get(seat.machine, ()))
        ]
        overdue = played_s > planned_s + self.grace_s * task.time_scale
        over = not playing or overdue or len(lost) >= len(start.seats)
        completed = any(report.ended == COMPLETED for report in found)
        said = reports.reasons(found)
        message = told_once(lost, len(start.seats))
        if over and not completed:
            message = (
                message
                or told_once(said, len(start.seats))
                or "no injector played the load to its end"
            )
        phase = LoadPhase.FLOWING if found else LoadPhase.WAITING
        if over:
            phase = LoadPhase.DONE if completed else LoadPhase.FAILED
        return LoadProgress(
            phase=phase,
            elapsed_s=min(played_s, planned_s),
            users=sum(report.users_now for report in found),
            requests=sum(report.requests for report in found),
            failures=sum(report.failures for report in found),
            requests_per_s=sum(report.requests_per_s for report in found),
            message=message,
            peak_users=reports.known_peak_users(found),
            load_at_fault=phase is LoadPhase.FAILED and (bool(said) or _is_the_load(task, lost)),
        )

    def _failures(self, task: LoadTask, inbox: Inbox) -> list[Reason]:
        """What injectors said when they gave up, once it is there as a whole."""
        said = []
        for name in inbox["failed"]:
            reason = self.objects.get(_key(task, f"in/failed-{name}")) or b""
            if reason.endswith(b"\n"):
                said.append(Reason(_ready(name).machine, printable(reason.strip())))
        return said

    def _reports(self, task: LoadTask, inbox: Inbox) -> tuple[Report, ...]:
        found = [
            reports.report_from(name.partition("-")[2].removesuffix(".json"), content)
            for name, content in self._contents(task, "report", inbox)
        ]
        return tuple(report for report in found if report is not None)

    def _machine_use(self, task: LoadTask, inbox: Inbox) -> dict[str, MachineUse]:
        """What each machine used, by its name, where it was measured."""
        found = {
            name.removesuffix(".json"): machine_use_from(content)
            for name, content in self._contents(task, "machine", inbox)
        }
        return {machine: use for machine, use in found.items() if use is not None}

    def _details(self, task: LoadTask, inbox: Inbox, found: Sequence[Report]) -> Mapping[str, Any]:
        """What the injectors' requests came to, as far as they said so."""
        details = [detail_from(content) for _, content in self._contents(task, "detail", inbox)]
        title = LOAD_ENGINES[task.scenario.load_engine].title
        return merged_details([each for each in details if each is not None], len(found), title)

    def _contents(self, task: LoadTask, kind: str, inbox: Inbox) -> Iterator[tuple[str, bytes]]:
        """The rest of the name, and the content, of each upload of a kind."""
        names = inbox[kind]
        if not names:
            return
        keys = [_key(task, f"in/{kind}-{name}") for name in names]
        with ThreadPoolExecutor(min(READERS, len(names))) as readers:
            contents = list(readers.map(self.objects.get, keys))
        for name, content in zip(names, contents, strict=True):
            if content is not None:
                yield name, content

    def _inbox(self, task: LoadTask) -> Inbox:
        """What injectors have uploaded so far."""
        inbox: Inbox = defaultdict(list)
        prefix = _key(task, "in/")
        for key in self.objects.keys(prefix):
            kind, _, name = key.removeprefix(prefix).partition("-")
            inbox[kind].append(name)
        return inbox


def _locust_version() -> str:
    """The version that is installed here, which injectors have too."""
    check_installed()
    return importlib.metadata.version("locust")


def _key(task: LoadTask, name: str) -> str:
    return f"runs/{task.run_id}/{name}"


def _is_the_load(task: LoadTask, lost: Sequence[Reason]) -> bool:
    program = task.scenario.program
    return is_the_load(lost, prepares=program is not None and program.prepare is not None)


def _ready(name: str) -> Ready:
    group, _, machine = name.partition("-")
    return Ready(int(group), machine)
