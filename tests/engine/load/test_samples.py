"""From the samples of each program to a report, by awk alone, in whatever pieces they come."""

from __future__ import annotations

import json
import subprocess
from collections import Counter
from collections.abc import Sequence
from fractions import Fraction
from itertools import pairwise
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.load.driver import InjectorGroup
from engine.load.shape import plan_users
from engine.load.sliced.barrier import Ready, Start, seats
from engine.load.sliced.details import detail_from, merged_details
from engine.load.sliced.program_work import PROGRAMS, corners_of, k6_stages, ramp_up_s
from engine.load.sliced.reports import report_from
from engine.scenario.profile import closed
from tests.engine.load.stand_ins import K6_HEADER

ENGINES = PROGRAMS.parent
START_S = 1_800_000_000
HEADER = "timeStamp,elapsed,success,allThreads"
ALL_COLUMNS = f"{HEADER},method,label,responseCode,responseMessage"
FEW = settings(max_examples=25)

samples = st.tuples(
    st.integers(0, 59_999), st.integers(0, 20_000), st.booleans(), st.integers(0, 50)
)


def rounded(time_ms: int) -> int:
    """As Locust rounds, halves up."""
    for limit, step in ((100, 1), (1_000, 10), (10_000, 100)):
        if time_ms < limit:
            return (time_ms + step // 2) // step * step
    return (time_ms + 500) // 1_000 * 1_000


def awk(*arguments: str, folder: Path, stdin: str | None = None) -> str:
    ended = subprocess.run(
        ["/usr/bin/env", "awk", *arguments],
        cwd=folder,
        input=stdin,
        capture_output=True,
        text=True,
        check=False,
    )
    assert ended.returncode == 0, ended.stderr
    return ended.stdout


def report_of(chunks: Sequence[str], folder: Path, ended: str = "completed") -> dict[str, Any]:
    """The report after the last of the chunks."""
    (folder / "state").write_text("offset 0\n")
    document: dict[str, Any] = {}
    for number, chunk in enumerate(chunks, start=1):
        (folder / "lines").write_text(chunk)
        last = number == len(chunks)
        values = {
            "start_s": START_S,
            "began_s": START_S,
            "now_s": START_S + 2 * number,
            "duration_s": 60,
            "ended": ended if last else "",
            "offset": 0,
            "detail": "detail" if last else "",
        }
        told = [word for name, value in values.items() for word in ("-v", f"{name}={value}")]
        programs = [
            word
            for name in ("csv.awk", "detail.awk", "samples.awk")
            for word in ("-f", str(PROGRAMS / name))
        ]
        document = json.loads(awk(*told, *programs, "state", "lines", folder=folder))
        (folder / "state.part").replace(folder / "state")
    return document


@FEW
@given(st.lists(samples, max_size=40), st.lists(st.integers(0, 40), max_size=3))
def test_samples_in_any_pieces_are_counted_once(
    drawn: list[tuple[int, int, bool, int]], cuts: list[int]
) -> None:
    lines = [HEADER] + [
        f"{START_S * 1000 + at_ms},{time_ms},{str(success).lower()},{threads}"
        for at_ms, time_ms, success, threads in drawn
    ]
    bounds = [0, *sorted(min(cut, len(lines)) for cut in cuts), len(lines)]
    chunks = ["".join(f"{line}\n" for line in lines[low:high]) for low, high in pairwise(bounds)]
    with TemporaryDirectory() as folder:
        document = report_of(chunks, Path(folder))
    assert (document["requests"], document["unreadable"]) == (len(drawn), 0)
    assert document["failures"] == sum(not success for _, _, success, _ in drawn)
    assert Counter(dict(document["response_times_ms"])) == Counter(
        rounded(time_ms) for _, time_ms, _, _ in drawn
    )
    most = {at_ms // 1000: 0 for at_ms, _, _, _ in drawn}
    for at_ms, _, _, threads in drawn:
        most[at_ms // 1000] = max(most[at_ms // 1000], threads)
    levels = [most[at_s] for at_s in sorted(most)]
    changes = [
        level for number, level in enumerate(levels) if not number or level != levels[number - 1]
    ]
    assert [users for _, users in document["users"]] == changes
    assert report_from("i-1", json.dumps(document).encode()) is not None


@FEW
@given(
    st.lists(
        st.tuples(
            samples, st.integers(0, 230), st.sampled_from(["", "500", "503", "no, \x07luck"])
        ),
        max_size=60,
    ),
    st.lists(st.integers(0, 60), max_size=3),
)
def test_what_requests_came_to_by_name_and_over_time_is_counted_once(
    drawn: list[tuple[tuple[int, int, bool, int], int, str]], cuts: list[int]
) -> None:
    lines = [f"{HEADER},label,responseCode"] + [
        f'{START_S * 1000 + at_ms},{time_ms},{str(success).lower()},{threads},/{name},"{code}"'
        for (at_ms, time_ms, success, threads), name, code in drawn
    ]
    bounds = [0, *sorted(min(cut, len(lines)) for cut in cuts), len(lines)]
    chunks = ["".join(f"{line}\n" for line in lines[low:high]) for low, high in pairwise(bounds)]
    with TemporaryDirectory() as folder:
        report_of(chunks, Path(folder))
        detail = detail_from((Path(folder) / "detail").read_bytes())
    assert detail is not None
    merged = merged_details([detail, detail], processes=2, engine="JMeter")
    rows = {row["name"]: row for row in merged["names"]}
    assert {name: row["requests"] for name, row in rows.items()} == {
        f"/{name}": 2 * count for name, count in Counter(name for _, name, _ in drawn).items()
    }
    for row in rows.values():
        assert dict(row["response_times_ms"]) == {
            time_ms: 2 * count
            for time_ms, count in Counter(
                rounded(one[1]) for one, name, _ in drawn if f"/{name}" == row["name"]
            ).items()
        }
    failed = [code for one, _, code in drawn if not one[2]]
    kinds = {"": "no reason was given", "500": "HTTP 500", "503": "HTTP 503"}
    assert dict(merged["tally"]["kinds"]) == {
        kinds.get(code, "no luck"): 2 * count for code, count in Counter(failed).items()
    }
    windows = {number: requests for number, requests, _, _ in merged["tally"]["windows"]}
    assert windows == {
        second: 2 * count
        for second, count in Counter((one[0] + one[1]) // 1000 for one, _, _ in drawn).items()
    }
    assert merged["tally"]["begun"] is None
    assert "JMeter's samples are of requests that ended" in merged["unknown"][0]


def test_a_million_names_have_an_end_in_what_an_injector_leaves(tmp_path: Path) -> None:
    lines = [f"{HEADER},label,responseCode"]
    lines += [
        f"{START_S * 1000 + number * 600},5,false,1,/{number},{number}" for number in range(1000)
    ]
    report_of(["".join(f"{line}\n" for line in lines)], tmp_path)
    detail = detail_from((tmp_path / "detail").read_bytes())
    assert detail is not None
    merged = merged_details([detail], processes=1, engine="JMeter")
    assert len(detail.names) == 201
    assert len(merged["names"]) == 101
    assert merged["names"][-1]["name"] == "other"
    assert sum(row["requests"] for row in merged["names"]) == 1000
    assert len(merged["tally"]["kinds"]) <= 21
    assert sum(count for _, count in merged["tally"]["kinds"]) == 1000
    assert len(merged["tally"]["windows"]) <= 240
    assert sum(requests for _, requests, _, _ in merged["tally"]["windows"]) == 1000


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"{}",
        b"[1, 2]",
        b'{"tally": {"begun": -1}, "names": []}',
        b'{"tally": null, "names": [' + b"0," * 3_000_000,
    ],
)
def test_a_detail_that_is_something_else_is_left_out(content: bytes) -> None:
    assert detail_from(content) is None


def test_columns_are_found_by_name_and_values_may_be_quoted(tmp_path: Path) -> None:
    chunk = (
        "\ufefflabel,success,elapsed,timeStamp\r\n"
        f'"a, ""b""",true,12,{START_S}000\r\n'
        f"plain,false,230.4,{START_S + 1}500\r\n"
    )
    document = report_of([chunk], tmp_path)
    assert (document["requests"], document["failures"]) == (2, 1)
    assert sorted(document["response_times_ms"]) == [[12, 1], [230, 1]]
    assert document["users_known"] is False
    assert document["users"] == []


@pytest.mark.parametrize(
    "line",
    [
        f"{START_S},12,true,1",
        f"{START_S + 9_000}000,12,true,1",
        f"{START_S}000,-1,true,1",
        f"{START_S}000,12,perhaps,1",
        f"{START_S}000",
        "timeStamp,elapsed,success,allThreads",
    ],
    ids=["seconds", "far later", "negative", "neither", "short", "header again"],
)
def test_samples_that_make_no_sense_are_counted_apart(line: str, tmp_path: Path) -> None:
    document = report_of([f"{HEADER}\n{line}\n{START_S}000,5,true,1\n"], tmp_path)
    assert (document["requests"], document["unreadable"]) == (1, 1)


def test_k6_s_metrics_become_a_sample_for_each_request(tmp_path: Path) -> None:
    rows = [
        "some text of a summary",
        K6_HEADER,
        f"vus,{START_S + 1},3.000000" + "," * 15,
        f"http_reqs,{START_S + 2},1.000000,,,,true,,GET,http://h/,HTTP/1.1,d,,200,,,http://h/,",
        f"http_req_duration,{START_S + 2},221.899000,,,,true,,GET,http://h/,HTTP/1.1,d,,200,,,u,",
        f'http_req_duration,{START_S + 2},9.5,,"a, ""b""",1050,false,,GET,u,,d,,0,,,u,x=1&y=2',
        f"http_req_waiting,{START_S + 2},100.000000,,,,true,,GET,u,HTTP/1.1,d,,200,,,u,",
        f"grpc_req_duration,{START_S + 2},7.25,,,,,,Say,u,,d,say,0,,,u,",
        f"grpc_req_duration,{START_S + 2},8,,,,,,Say,u,,d,say,14,,,u,",
    ]
    arguments = ("-f", str(PROGRAMS / "csv.awk"), "-f", str(ENGINES / "k6" / "k6.awk"))
    out = awk(*arguments, folder=tmp_path, stdin="\n".join(rows) + "\n")
    ended_ms = (START_S + 2) * 1000
    assert out.splitlines() == [
        ALL_COLUMNS,
        f"{ended_ms - 222},221.899000,true,3,GET,http://h/,,",
        f"{ended_ms - 10},9.5,false,3,GET,u,,a   b ",
        f"{ended_ms - 7},7.25,true,3,Say,u,,",
        f"{ended_ms - 8},8,false,3,Say,u,gRPC 14,",
    ]


def test_without_the_tag_of_k6_the_status_says_what_failed(tmp_path: Path) -> None:
    rows = ["metric_name,timestamp,metric_value,status,url,extra_tags"]
    rows += [f"http_req_duration,{START_S},5.0,{status},u," for status in (200, 302, 404, 0)]
    arguments = ("-f", str(PROGRAMS / "csv.awk"), "-f", str(ENGINES / "k6" / "k6.awk"))
    out = awk(*arguments, folder=tmp_path, stdin="\n".join(rows) + "\n")
    successes = [line.split(",")[2] for line in out.splitlines()[1:]]
    assert successes == ["true", "true", "false", "false"]


def test_gatling_s_records_become_a_sample_for_each_request(tmp_path: Path) -> None:
    rows = [
        ("RUN", "shop.Checkout", "checkout", "1", " ", "3.9.5"),
        ("USER", "shopping", "START", "1800000000000"),
        ("USER", "shopping", "7", "START", "1800000000000", "1800000000000"),
        ("REQUEST", "", "home", "1800000000000", "1800000000025", "OK", " "),
        ("REQUEST", "7", "group,inner", "home", "1800000001000", "1800000001100", "KO", "a b"),
        ("GROUP", "group", "1800000001000", "1800000001100", "100", "KO"),
        ("USER", "shopping", "END", "1800000002000"),
        ("REQUEST", "", "home", "1800000003000", "1800000003001", "OK", " "),
    ]
    text = "".join("\t".join(row) + "\n" for row in rows)
    out = awk(
        *("-v", "users=0", "-f", str(PROGRAMS / "csv.awk")),
        *("-f", str(ENGINES / "gatling" / "gatling.awk")),
        folder=tmp_path,
        stdin=text,
    )
    assert out.splitlines() == [
        "1800000000000,25,true,2,home,",
        "1800000001000,100,false,2,home,a b",
        "1800000003000,1,true,1,home,",
    ]
    assert (tmp_path / "users.part").read_text() == "1\n"


@FEW
@given(st.lists(st.tuples(st.integers(1, 12), st.integers(1, 20_000)), min_size=1, max_size=3))
def test_k6_segments_tile_the_whole_for_any_number_of_injectors(
    sizes: list[tuple[int, int]],
) -> None:
    groups = [InjectorGroup(count, users) for count, users in sizes]
    ready = [Ready(g, f"i-{g}-{n}") for g, group in enumerate(groups) for n in range(group.count)]
    parts = min(sum(group.users for group in groups), 10_000)
    given_seats = seats(groups, ready)
    with TemporaryDirectory() as folder:
        (Path(folder) / "start").write_text(Start(START_S, given_seats).text())
        script = (
            f"SEGMENTS={parts}; . {ENGINES}/k6/engine.sh; number=0\n"
            f'while [ "$number" -lt {len(ready)} ]; do\n'
            'echo "$(segment "$number" start)"; number=$((number + 1)); done'
        )
        out = subprocess.run(
            ["/bin/sh", "-c", script], cwd=folder, capture_output=True, text=True, check=True
        ).stdout
    lines = out.splitlines()
    assert len(lines) == len(ready)
    played = [line.split() for line in lines if line]
    (sequence,) = {each[1] for each in played}
    bounds = [Fraction(each) for each in sequence.split(",")]
    ends = [[Fraction(each) for each in one[0].split(":")] for one in played]
    segments = [(low, high) for low, high in ends]
    assert (bounds[0], bounds[-1]) == (Fraction(0), Fraction(1))
    assert segments == list(pairwise(bounds)), "one after the other, and nothing left out"
    assert all(low < high for low, high in segments)
    assert max(bound.denominator for bound in bounds) <= parts
    for line, seat in zip(lines, given_seats, strict=True):
        users = seat.high * parts // 10**9 - seat.low * parts // 10**9
        low, high = (Fraction(each) for each in line.split()[0].split(":")) if line else (0, 0)
        assert (high - low) * parts == users


def test_corners_become_stages_with_jumps_and_milliseconds() -> None:
    plan = plan_users(closed([(0, 5), (2.5, 10), (2.5, 3), (4, 3)]))
    corners = corners_of(plan)
    assert list(corners) == [(0, 5), (2.5, 10), (2.5, 3), (4, 3)]
    assert k6_stages(corners) == ("0s:5", "2500ms:10", "0ms:3", "1500ms:3")
    assert ramp_up_s(corners) == 3
