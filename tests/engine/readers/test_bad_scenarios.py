"""What is refused, and the one line that says why."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from engine.readers import read_scenario
from kernel.errors import BadInputError
from tests.patience import PATIENCE_S

Write = Callable[[str], Path]

START = "name: x\nload: {users: 10, duration: 1m}\n"
STAGES = "name: x\nload:\n  users:\n    stages:\n"
CLASS = "name: a\n  requests: [{path: /}]"

BAD = {
    "unknown field": (START + "protocl: http", "3: protocl: unknown field; did you mean protocol?"),
    "unknown field without likeness": (
        "name: x\nload: {users: 1, duration: 1m, xyz: 1}",
        "2: load.xyz: unknown field; known here: users, arrivals, duration",
    ),
    "missing name": ("load: {users: 10, duration: 1m}", "1: name: is missing"),
    "null name": (START.replace("x", ""), "1: name: must be text, not nothing"),
    "negative duration": (
        STAGES + "      - {ramp_to: 5, over: 1m}\n      - {hold: -5s}\n",
        "6: load.users.stages[1].hold: '-5s' is not a length of time",
    ),
    "zero duration": (
        "name: x\nload: {users: 1, duration: 0}",
        "2: load.duration: must be more than 0, not 0",
    ),
    "endless duration": ("name: x\nload: {users: 1, duration: 400d}", "longer than 366 days"),
    "zero users": (
        "name: x\nload: {users: 0, duration: 1m}",
        "2: load.users: must be at least 1, not 0",
    ),
    "users as text": (
        "name: x\nload: {users: '5', duration: 1m}",
        "load.users: must be a whole number, not '5'",
    ),
    "half a user": (
        "name: x\nload: {users: 5.5, duration: 1m}",
        "load.users: must be a whole number, not 5.5",
    ),
    "more users than people": (
        "name: x\nload: {users: 999999999, duration: 1m}",
        "load.users: must be at most 100000000",
    ),
    "stages without users": (
        STAGES + "      - {hold: 5m}",
        "load.users: the stages never reach more than zero users",
    ),
    "stages without length": (
        STAGES + "      - {jump_to: 5}",
        "load.users: the stages take no time",
    ),
    "empty profile": (
        "name: x\nload: {users: {stages: []}}",
        "2: load.users.stages: must not be empty",
    ),
    "no load": ("name: x\nload: {}", "2: load: give either users or arrivals"),
    "two loads": (
        "name: x\nload: {users: 1, arrivals: {per_second: 1}, duration: 1m}",
        "2: load: give either users or arrivals",
    ),
    "load without length": ("name: x\nload: {users: 5}", "load: a constant load needs a duration"),
    "length of stages": (
        "name: x\nload: {users: {stages: [{jump_to: 1}, {hold: 1m}]}, duration: 1m}",
        "load: stages have their own lengths",
    ),
    "no stage": (
        STAGES + "      - {rampto: 5}",
        "5: load.users.stages[0]: is no stage; write {ramp_to: 500, over: 2m}",
    ),
    "two stages in one": (
        STAGES + "      - {hold: 5m, over: 1m}",
        "load.users.stages[0].over: unknown field; known here: hold",
    ),
    "no arrivals": (
        "name: x\nload: {arrivals: {per_second: 0}, duration: 1m}",
        "load.arrivals: per_second must be more than zero",
    ),
    "two rates": (
        "name: x\nload: {arrivals: {per_second: 1, stages: [{hold: 1m}]}}",
        "load.arrivals: give either per_second or stages",
    ),
    "arrivals without end": (
        "name: x\nload: {arrivals: {per_second: 1e999}, duration: 1m}",
        "load.arrivals.per_second:",
    ),
    "iteration without length": (
        "name: x\nload: {arrivals: {per_second: 1, iteration: 0s}, duration: 1m}",
        "load.arrivals: an iteration takes longer than 0 s",
    ),
    "zero weight": (
        START + f"user_classes:\n- weight: 0\n  {CLASS}",
        "4: user_classes[0].weight: must be at least 1, not 0",
    ),
    "no requests": (
        START + "user_classes: [{name: a, requests: []}]",
        "user_classes[0].requests: must not be empty",
    ),
    "class twice": (
        START + f"user_classes:\n- {CLASS}\n- {CLASS}",
        "user_classes: two user classes have the same name",
    ),
    "think time backwards": (
        START + f"user_classes:\n- think_time: {{min: 2s, max: 1s}}\n  {CLASS}",
        "user_classes[0].think_time: min must not be longer than max",
    ),
    "relative path": (
        START + "user_classes: [{name: a, requests: [{path: cart}]}]",
        "user_classes[0].requests[0].path: must be a path such as /products?page=2, not 'cart'",
    ),
    "unknown method": (
        START + "user_classes: [{name: a, requests: [{path: /, method: FETCH}]}]",
        "user_classes[0].requests[0].method: must be 'GET', 'HEAD'",
    ),
    "unknown protocol": (START + "protocol: gopher", "3: protocol: must be 'http', 'browser'"),
    "no URL": (START + "target: shop", "3: target: must be a URL such as https://"),
    "negative size": (
        START + "payload: {request_bytes: -1}",
        "payload.request_bytes: must be at least 0, not -1",
    ),
    "shares below one": (
        START + "regions: {us-east-1: 60%, eu-west-1: 30%}",
        "3: regions: the shares sum to 90.0%; they must sum to 100%",
    ),
    "share above one": (
        START + "regions: {us-east-1: 160%}",
        "regions.us-east-1: '160%' is not a share of the load; write it like 60% or 0.6",
    ),
    "region twice": (START + "regions: [a1, a1]", "regions: a region occurs twice"),
    "no region": (
        START + "regions: [US East]",
        "regions[0]: must be the name of a region such as us-east-1, not 'US East'",
    ),
    "injectors twice": (
        START + "injectors: 2\nusers_per_injector: 5",
        "give either injectors or users_per_injector",
    ),
    "other load engine": (START + "load_engine: abc", "load_engine: must be 'locust', not 'abc'"),
    "first of many": ("protocol: 3\nload: 2\nname: 1", "1: protocol: must be 'http'"),
    "empty file": ("", "test.yaml: is empty"),
    "only a comment": ("# nothing\n", "test.yaml: is empty"),
    "only text": ("hello", "1: is no scenario; write fields such as name: and load:"),
    "list": ("[1, 2]", "is no scenario"),
    "not YAML": ("a: [", "is not YAML: did not find expected node content"),
    "control character": ("name: \x01", "is not YAML: unacceptable character"),
    "not JSON": ('{"name": }', "test.json:1: is not JSON: Expecting value"),
    "not a number in JSON": ('{"name": NaN}', "is not JSON: NaN is not a number"),
    "endless number in JSON": ('{"name": ' + "9" * 5_000 + "}", "is not JSON"),
    "half a character in JSON": (
        '{"name": "\\ud800", "load": {"users": 5, "duration": 60}}',
        "name: must be text",
    ),
    "key twice": ("name: x\nname: y\n", "2: the key 'name' occurs twice in one mapping"),
    "key twice in JSON": ('{"name": 1, "name": 2}', "the key 'name' occurs twice in one object"),
    "key that is a list": ("? [a]\n: b\n", "1: a key must be a name"),
    "two documents": (START + "---\na: 1\n", "3: holds a second document"),
    "Python object": (
        "name: !!python/object/apply:os.system [ls]",
        "1: the tag tag:yaml.org,2002:python/object/apply:os.system is not allowed",
    ),
    "merge key": (START + "<<: {name: y}", "3: <<: unknown field"),
    "unknown alias": ("name: *x", "1: the alias *x has no anchor before it"),
    "alias of itself": ("name: &x [*x]", "1: an alias inside an anchored value is not allowed"),
    "billion laughs": (
        "a: &a [x, x, x]\nb: &b [*a, *a, *a]\nc: &c [*b, *b, *b]\n",
        "2: an alias inside an anchored value is not allowed",
    ),
    "quadratic laughs": (
        "a: &a [" + "x, " * 2_000 + "x]\nb: [" + ", ".join(["*a"] * 90) + "]",
        "unfolds into more than 50,000 values",
    ),
    "many aliases": (
        "a: &a x\nb: [" + ", ".join(["*a"] * 101) + "]",
        "2: uses more than 100 aliases",
    ),
    "many values": ("a:\n" + "- 1\n" * 60_000, "unfolds into more than 50,000 values"),
    "many values in JSON": (
        '{"a": [' + "1," * 60_000 + "1]}",
        "unfolds into more than 50,000 values",
    ),
    "deep": ("a: " + "[" * 100_000, "1: is nested more than 32 levels deep"),
    "deep in JSON": ('{"a": ' + "[" * 100_000, "is nested more than 32 levels deep"),
    "shallow enough to parse in JSON": (
        '{"a": ' + "[" * 40 + "]" * 40 + "}",
        "is nested more than 32 levels deep",
    ),
}


@pytest.mark.parametrize("case", BAD)
def test_a_bad_scenario_is_refused_in_one_line(case: str, write: Write) -> None:
    text, expected = BAD[case]
    started_s = time.thread_time()
    with pytest.raises(BadInputError) as refused:
        read_scenario(write(text))
    assert expected in refused.value.message
    assert refused.value.message.startswith(str(refused.value.facts["file"]))
    assert "\n" not in refused.value.message
    assert len(refused.value.message) < 400
    assert time.thread_time() - started_s < 5


def test_a_directory_is_refused(tmp_path: Path) -> None:
    assert "is a directory; give a scenario file" in _refusal(tmp_path)


def test_a_missing_file_is_refused(tmp_path: Path) -> None:
    assert "cannot be read: No such file or directory" in _refusal(tmp_path / "nowhere.yaml")


def test_an_impossible_path_is_refused() -> None:
    assert "cannot be read" in _refusal(Path("a\0b"))


def test_a_file_that_is_not_utf8_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "latin.yaml"
    path.write_bytes("name: café".encode("latin-1"))
    assert "byte 9 is not UTF-8" in _refusal(path)


def test_a_byte_order_mark_is_no_reason_to_refuse(tmp_path: Path) -> None:
    path = tmp_path / "windows.yaml"
    path.write_bytes(b"\xef\xbb\xbf" + START.replace("\n", "\r\n").encode())
    assert read_scenario(path).name == "x"


def test_ten_gigabytes_are_refused_without_reading_them(tmp_path: Path) -> None:
    path = tmp_path / "huge.yaml"
    with path.open("wb") as file:
        file.truncate(10 * 10**9)
    assert "is larger than 4 MiB" in _refusal(path)


def test_a_file_that_says_it_is_empty_is_read_within_the_bound() -> None:
    # The kernel gives this file a size of zero and content without end for practical purposes.
    message = _refusal(Path("/proc/self/pagemap"))
    assert "is larger than 4 MiB" in message or "cannot be read" in message


def test_a_pipe_is_refused_without_waiting_for_a_writer(tmp_path: Path) -> None:
    path = tmp_path / "pipe"
    os.mkfifo(path)
    messages: list[str] = []
    reader = threading.Thread(target=lambda: messages.append(_refusal(path)), daemon=True)
    reader.start()
    reader.join(timeout=PATIENCE_S)
    assert messages == [f"{path}: is no regular file; give a scenario file"]


def test_a_device_is_refused() -> None:
    assert "is no regular file" in _refusal(Path("/dev/zero"))


def test_placeholders_without_a_value_are_named_together(write: Write) -> None:
    path = write('name: ${B}\ntarget: ${A}\nload: {users: "${C:-5}", duration: 1m}')
    with pytest.raises(BadInputError) as refused:
        read_scenario(path)
    assert refused.value.code == "bad_settings"
    assert refused.value.facts["names"] == "A, B"
    assert "no value for A, B; give --set A=..., or write ${A:-default}" in refused.value.message


def test_a_setting_without_a_placeholder_is_a_slip(write: Write) -> None:
    path = write('name: x\nload: {users: "${USERS:-5}", duration: 1m}')
    with pytest.raises(BadInputError, match=r"--set USRES: the file has no such .* has: USERS"):
        read_scenario(path, settings={"USRES": "7"})


def test_a_setting_without_a_value_is_refused(write: Write) -> None:
    with pytest.raises(BadInputError, match="'USERS' is no setting; write it like NAME=VALUE"):
        read_scenario(write(START), settings=["USERS"])


def test_an_unknown_format_is_refused(write: Write) -> None:
    with pytest.raises(BadInputError, match="no reader for the format 'doc'; known: loadmuster"):
        read_scenario(write(START), format="doc")


@pytest.mark.parametrize(
    ("override", "expected"),
    [
        ({"users": 0}, "users: must be at least 1, not 0"),
        ({"duration_s": 0}, "duration: must be longer than 0 s"),
        ({"injectors": 0}, "injectors: must be at least 1, not 0"),
        ({"users_per_injector": -1}, "users_per_injector: must be at least 1, not -1"),
        ({"injectors": 1, "users_per_injector": 1}, "give either injectors or users_per_injector"),
        ({"iteration_s": 1.0}, "an iteration's length belongs to arrivals"),
        ({"regions": ["a1", "a1"]}, "regions: a region is given twice"),
    ],
)
def test_overrides_that_make_no_sense_are_refused(
    override: dict[str, object], expected: str, write: Write
) -> None:
    with pytest.raises(BadInputError, match=expected):
        read_scenario(write(START), **override)  # type: ignore[arg-type]  # of different types


def _refusal(path: Path) -> str:
    with pytest.raises(BadInputError) as refused:
        read_scenario(path)
    return refused.value.message
