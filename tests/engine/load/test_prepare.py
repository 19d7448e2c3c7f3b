"""What master and workers are told to run, and what is refused before anything starts."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import msgspec
import pytest
from msgspec.structs import replace

from engine.load.driver import InjectorGroup, LoadPhase, LoadTask, UnrunnableScenarioError
from engine.load.locust import LocustDriver
from engine.scenario import Protocol, Request, Scenario, UserClass
from engine.scenario.profile import Curve, OpenProfile, Point, closed
from kernel.clock import SystemClock
from kernel.errors import BadInputError
from tests.patience import PATIENCE_S

ROOT = Path(__file__).parents[3]
NOW = SystemClock().now()
DRIVER = LocustDriver()
SHOPPING = Scenario(
    name="shop",
    protocol=Protocol.HTTP,
    profile=closed([(0, 10), (60, 10)]),
    target="http://127.0.0.1:8000",
    user_classes=(UserClass("browsing"), UserClass("buying")),
)


def task(folder: Path, scenario: Scenario = SHOPPING, injectors: int = 3) -> LoadTask:
    return LoadTask("r1", scenario, (InjectorGroup(injectors, 10),), folder)


def test_the_first_machine_conducts_and_every_machine_works(tmp_path: Path) -> None:
    machines = DRIVER.prepare(task(tmp_path)).commands
    roles = [["--master" in command for command in commands] for commands in machines]
    assert roles == [[True, False], [False], [False]]


def test_one_machine_conducts_and_works(tmp_path: Path) -> None:
    assert len(DRIVER.prepare(task(tmp_path, injectors=1)).commands[0]) == 2


def test_commands_do_not_depend_on_where_they_are_started(tmp_path: Path) -> None:
    for commands in DRIVER.prepare(task(tmp_path)).commands:
        for command in commands:
            paths = [word.removeprefix("HOME=") for word in command if "/" in word]
            assert all(Path(path).is_absolute() for path in paths)
            assert command[command.index(sys.executable) + 1] == "-P"


def test_asked_again_it_answers_the_same(tmp_path: Path) -> None:
    assert DRIVER.prepare(task(tmp_path)) == DRIVER.prepare(task(tmp_path))


def test_two_runs_have_two_ports(tmp_path: Path) -> None:
    one, other = (DRIVER.prepare(task(tmp_path / name)).commands[0][0] for name in ("one", "other"))
    port = one.index("--master-bind-port") + 1
    assert one[port] != other[port]


def test_before_anything_runs_it_waits_and_has_no_result(tmp_path: Path) -> None:
    DRIVER.prepare(task(tmp_path))
    assert DRIVER.progress(task(tmp_path), NOW).phase is LoadPhase.WAITING
    assert DRIVER.result(task(tmp_path)) is None


@pytest.mark.parametrize(
    ("scenario", "line"),
    [
        (replace(SHOPPING, target=None), "target: the scenario does not say what to load"),
        (replace(SHOPPING, target="127.0.0.1:8000"), "is no base URL"),
        (replace(SHOPPING, target="ftp://127.0.0.1"), "is no base URL"),
        (replace(SHOPPING, target="http://127.0.0.1/?page=1"), "is no base URL"),
        (replace(SHOPPING, user_classes=()), "user_classes: the scenario does not say"),
        (
            replace(SHOPPING, user_classes=(UserClass("a"), UserClass("a"))),
            "user_classes: two have the same name",
        ),
        (replace(SHOPPING, user_classes=(UserClass("a", requests=()),)), "there is none"),
        (
            replace(
                SHOPPING,
                user_classes=(UserClass("a", requests=(Request("https://other.example/"),)),),
            ),
            "leaves the target",
        ),
        (
            replace(
                SHOPPING, user_classes=(UserClass("a", requests=(Request("//other.example"),)),)
            ),
            "leaves the target",
        ),
        (replace(SHOPPING, protocol=Protocol.BROWSER), "protocol: browser can be estimated"),
        (
            replace(SHOPPING, profile=OpenProfile(Curve((Point(0, 5), Point(60, 5))))),
            "--iteration-seconds",
        ),
    ],
)
def test_what_cannot_be_run_is_refused_with_one_line_and_nothing_is_written(
    tmp_path: Path, scenario: Scenario, line: str
) -> None:
    with pytest.raises(UnrunnableScenarioError, match=r"^[^\n]+$") as refused:
        DRIVER.prepare(task(tmp_path / "r1", scenario))
    assert line in refused.value.message
    assert refused.value.exit_code == 2
    assert list(tmp_path.iterdir()) == []


def test_a_path_may_carry_a_url_in_its_query(tmp_path: Path) -> None:
    comes_back = UserClass("a", requests=(Request("/login?back=https://shop.example/"),))
    assert DRIVER.prepare(task(tmp_path, replace(SHOPPING, user_classes=(comes_back,))))


def test_a_folder_that_cannot_be_made_is_one_line(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(BadInputError, match="cannot be prepared"):
        DRIVER.prepare(task(tmp_path / "file" / "r1"))


PREPARE = """
import sys
from pathlib import Path
sys.path[:0] = [sys.argv[1], sys.argv[3]]
from engine.load.driver import InjectorGroup, LoadTask
from engine.load.locust import LocustDriver
from engine.scenario.profile import closed
from engine.scenario import Protocol, Scenario, UserClass
from kernel.errors import LoadmusterError
users = (UserClass("a"),)
scenario = Scenario("shop", Protocol.HTTP, closed([(0, 1), (9, 1)]), "yaml", "http://h", users)
try:
    LocustDriver().prepare(LoadTask("r1", scenario, (InjectorGroup(1, 10),), Path(sys.argv[2])))
except LoadmusterError as error:
    print(error.code, error.message)
print(sorted({"locust", "gevent"} & set(sys.modules)))
"""


def printed_by(*interpreter: str, folder: Path, packages: Path = ROOT) -> str:
    """What a fresh interpreter with such packages prints when it prepares a scenario."""
    answer = subprocess.run(
        [*interpreter, "-c", PREPARE, str(ROOT), str(folder), str(packages)],
        capture_output=True,
        text=True,
        timeout=PATIENCE_S,
        check=True,
    )
    return answer.stdout


def test_locust_is_never_imported_into_our_process(tmp_path: Path) -> None:
    assert printed_by(sys.executable, folder=tmp_path) == "[]\n"


def test_a_missing_locust_is_one_line_that_says_how_to_get_it(tmp_path: Path) -> None:
    packages = tmp_path / "packages"
    packages.mkdir()
    (packages / "msgspec").symlink_to(Path(msgspec.__file__).parent)
    isolated = (sys.executable, "-I", "-S")
    refusal, _ = printed_by(*isolated, folder=tmp_path / "r1", packages=packages).splitlines()
    assert refusal.startswith("load_engine_missing")
    assert "pip install 'loadmuster[locust]'" in refusal
    assert list(tmp_path.iterdir()) == [packages]
