"""The load is divided exactly, whoever is there."""

from __future__ import annotations

import re
import shlex
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.load.driver import InjectorGroup
from engine.load.shape import plan_users
from engine.load.sliced.barrier import WHOLE, Ready, Start, seats, start_from_text
from engine.load.sliced.bootstrap import Bootstrap
from engine.load.sliced.machine_use import MachineUse
from engine.load.sliced.reports import Report, merged, report_from, user_levels
from engine.load.sliced.work import user_steps
from engine.scenario.profile import closed
from providers.objects import UploadMethod, UploadTicket

groups = st.lists(
    st.builds(InjectorGroup, count=st.integers(1, 30), users=st.integers(1, 10**6)),
    min_size=1,
    max_size=4,
)


@st.composite
def those_that_are_there(draw: st.DrawFn) -> tuple[list[InjectorGroup], list[Ready]]:
    wanted = draw(groups)
    ready = [
        Ready(number, f"i-{number}-{machine}")
        for number, group in enumerate(wanted)
        for machine in range(draw(st.integers(0, group.count)))
    ]
    return wanted, ready or [Ready(0, "i-0-0")]


@given(those_that_are_there(), st.integers(0, 10**6))
def test_the_shares_add_up_to_every_number_of_users(
    there: tuple[list[InjectorGroup], list[Ready]], users: int
) -> None:
    given_seats = seats(*there)
    assert sorted(seat.machine for seat in given_seats) == sorted(r.machine for r in there[1])
    assert given_seats[0].low == 0
    assert given_seats[-1].high == WHOLE
    assert all(one.high == other.low for one, other in pairwise(given_seats))
    played = [users * seat.high // WHOLE - users * seat.low // WHOLE for seat in given_seats]
    assert sum(played) == users
    assert min(played) >= 0


def test_what_machines_used_and_why_they_failed_is_in_the_merged_document() -> None:
    failed = report(0, [], ended="failed", message="no luck")
    measured = merged(["a"], [failed], "", {"a": MachineUse(80.0, 40.0, 5, 10)})
    assert measured["message"] == "no luck"
    assert measured["injectors"][0]["machine_cpu_percent_max"] == 80.0
    assert measured["injectors"][0]["memory_bytes"] == 10


@given(st.integers(1, 1000), st.integers(1, 1000))
def test_injectors_of_a_group_play_as_many_users_as_each_other(count: int, each: int) -> None:
    ready = [Ready(0, f"i-{number:04}") for number in range(count)]
    users = count * each
    given_seats = seats([InjectorGroup(count, users)], ready)
    played = [users * seat.high // WHOLE - users * seat.low // WHOLE for seat in given_seats]
    assert played == [each] * count


@given(those_that_are_there())
def test_the_start_reads_as_it_was_written(
    there: tuple[list[InjectorGroup], list[Ready]],
) -> None:
    start = Start(1_800_000_000.125, seats(*there))
    assert start_from_text(start.text()) == start


def test_each_region_plays_its_part_of_the_load() -> None:
    wanted = [InjectorGroup(1, 300), InjectorGroup(2, 100)]
    ready = [Ready(1, "c"), Ready(0, "a"), Ready(1, "b")]
    widths = {seat.machine: seat.high - seat.low for seat in seats(wanted, ready)}
    assert widths == {"a": WHOLE * 3 // 4, "b": WHOLE // 8, "c": WHOLE // 8}


def test_steps_follow_the_plan_and_leave_out_what_changes_nothing() -> None:
    steps = user_steps(plan_users(closed([(0, 0), (3, 30), (600, 30)])))
    assert steps == ((0.0, 5), (1.0, 15), (2.0, 25), (3.0, 30))


def report(part: int, users: list[list[int]], **changes: object) -> Report:
    document = {
        "part": part,
        "parts": 2,
        "ended": "completed",
        "late_s": 0.0,
        "load_s": 10.0,
        "users": tuple((at_s, level) for at_s, level in users),
        "requests": 3,
        "failures": 1,
        "requests_per_s": 0.0,
        "response_times_ms": ((10, 2), (250, 1)),
        "cpu_percent_max": 40.0,
        **changes,
    }
    return Report(machine="a", **document)  # type: ignore[arg-type]


def test_the_peak_is_that_of_all_together_second_by_second() -> None:
    levels = user_levels([report(0, [[0, 5], [4, 0]]), report(1, [[2, 3], [6, 9]])])
    assert levels == ((0, 5), (2, 8), (4, 3), (6, 9))


def test_histograms_are_merged_and_figures_added() -> None:
    both = [report(0, [[0, 5]]), report(1, [[0, 5]], cpu_percent_max=80.0)]
    measured = merged(["a"], both, "")
    assert measured["response_times_ms"] == [(10, 4), (250, 2)]
    assert (measured["requests"], measured["failures"]) == (6, 2)
    assert measured["injectors"] == [
        {"slot": 0, "requests": 6, "cpu_percent_max": 80.0, "lost": False}
    ]


def test_an_injector_with_a_process_missing_is_lost() -> None:
    measured = merged(["a", "b"], [report(0, [[0, 5]])], "")
    assert [each["lost"] for each in measured["injectors"]] == [True, True]


def test_an_injector_that_began_late_makes_the_load_another_one() -> None:
    measured = merged(["a"], [report(0, [[0, 5]], late_s=3.0)], "")
    assert measured["ended"] == "failed"
    assert measured["message"] == "1 of 1 injector began 3.0 s after the others"


def test_a_report_that_is_there_in_part_is_none_yet() -> None:
    assert report_from("a", b'{"part": 0, "pa') is None


@pytest.mark.parametrize("value", ["https://x/?a=1&b=$(reboot)", "it's; `reboot`", 'a"b\n#c'])
def test_nothing_in_an_address_is_run_by_the_shell(value: str) -> None:
    ticket = UploadTicket(UploadMethod.POST, value, value, (("policy", value),))
    script = Bootstrap(0, value, value, ticket, 1, 1).script()
    (assigned,) = re.findall(r"^BUNDLE_URL=(.*?)^START_URL", script, re.DOTALL | re.MULTILINE)
    assert shlex.split(assigned, comments=False) == [value]
    send = script[script.index("curl ") : script.index("fetch()")]
    words = shlex.split(send.replace('"$2"', "").replace('"$1"', "FILE").rstrip().rstrip("}"))
    assert words[-1] == value
    assert f"policy={value}" in words
    assert f"key={value}" in words
