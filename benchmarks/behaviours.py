"""Behaviours: users that take very different parts of a processor, by engine, protocol and size.

What an estimate foretells of each is held against what was measured of it. Each is a scenario file
with the files beside it, for the target of ``benchmarks.quick_target``.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

FOLDER = Path(__file__).parent
HEAVY, LIGHT, OWN = "heavy_users.py", "light_users.mjs", "own_users.py"


@dataclass(frozen=True, slots=True)
class Behaviour:
    """What users do, and with which engine.

    Attributes:
        name: Of what they do, for people.
        engine: What plays them, for people.
        lines: The scenario, below its name, target and load.
        users: As many as take a small part of a core.
        tls: The target is to be reached over TLS.
        files: Beside the scenario, by name.
        iteration_s: They arrive, and each stays for so long; None: so many are there all the time.
        settle_s: Until they are at their pace.
    """

    name: str
    engine: str
    lines: str
    users: int
    tls: bool = False
    files: Mapping[str, str] = field(default_factory=dict)
    iteration_s: float | None = None
    settle_s: float = 3.0


def _locust(  # noqa: PLR0913 - one keyword for each thing that makes users differ
    name: str,
    users: int,
    requests: str,
    *,
    pause: str = "1s",
    user: str = "FastHttpUser",
    tls: bool = False,
    iteration_s: float | None = None,
    settle_s: float = 3.0,
) -> Behaviour:
    lines = (
        f"user_classes: [{{name: all, think_time: {pause}, requests: [{requests}]}}]\n"
        f"load_engine: {{name: locust, user: {user}}}\n"
    )
    # Handshakes of all users at once keep the target busy for longer.
    settled_s = max(settle_s, 7.0) if tls else settle_s
    return Behaviour(name, user, lines, users, tls, {}, iteration_s, settled_s)


def _post(size_bytes: int) -> str:
    return f"{{path: /50, method: POST, body: '{'x' * size_bytes}'}}"


def _jmeter(
    name: str,
    users: int,
    path: str,
    *,
    pause_s: float = 1.0,
    body_bytes: int = 0,
    tls: bool = False,
    keeps: bool = True,
) -> Behaviour:
    """JMeter starts slowly and compiles what it does often, so that it settles for longer."""
    said = "" if not body_bytes else f"payload: {{request_bytes: {body_bytes + 200}}}\n"
    lines = (
        "protocol: http\n"
        f"requests_per_user_second: {1 / pause_s:g}\n"
        f"{said}"
        "load_engine: {name: jmeter, plan: plan.jmx, prepare: ln -s @HOME@ jmeter}\n"
    )
    plan = _plan(path, pause_s, body_bytes, "https" if tls else "http", keeps=keeps)
    return Behaviour(name, "JMeter 5.5", lines, users, tls, {"plan.jmx": plan}, settle_s=12.0)


def _custom(name: str, engine: str, users: int, command: str, script: str | None) -> Behaviour:
    listed = "" if script is None else f", files: [{script}]"
    files = {} if script is None else {script: (FOLDER / script).read_text(encoding="utf-8")}
    lines = (
        "requests_per_user_second: 2\n"
        f"load_engine: {{name: custom, command: '{command}'{listed}}}\n"
    )
    return Behaviour(name, engine, lines, users, files=files)


def _own(name: str, users: int) -> Behaviour:
    lines = f"requests_per_user_second: 1\nload_engine: {{name: locust, locustfile: {OWN}}}\n"
    files = {OWN: (FOLDER / OWN).read_text(encoding="utf-8")}
    return Behaviour(name, "a locustfile", lines, users, files=files)


def _plan(path: str, pause_s: float, body_bytes: int, scheme: str, *, keeps: bool) -> str:
    """A test plan with one thread group, one request and one pause."""
    text = (FOLDER / "jmeter_plan.jmx").read_text(encoding="utf-8")
    filled = {
        "PATH": path,
        "PAUSE_MS": f"{1_000 * pause_s:.0f}",
        "METHOD": "POST" if body_bytes else "GET",
        "BODY": "x" * body_bytes,
        "SCHEME": scheme,
        "KEEPS": str(keeps).lower(),
    }
    for name, value in filled.items():
        text = text.replace(f"@{name}@", value)
    return text


_CURL = (
    'echo timeStamp,elapsed,success,allThreads > "$LOADMUSTER_RESULTS"; n=0; '
    'while [ "$n" -lt "$LOADMUSTER_USERS" ]; do n=$((n + 1)); ( '
    'while [ "$(date +%s)" -lt "$((LOADMUSTER_START_AT + LOADMUSTER_DURATION_S))" ]; do '
    'curl -s -o /dev/null "$LOADMUSTER_TARGET/2000" && '
    'echo "$(date +%s)000,1,true,$LOADMUSTER_USERS" >> "$LOADMUSTER_RESULTS"; sleep 0.5; '
    "done ) & done; wait"
)
PAGES = "{path: /2000}"
MEASURED_BEFORE = (
    _locust("pages of 2 kB, a pause of 1 s", 150, PAGES),
    _locust("pages of 2 kB, a pause of 100 ms", 20, PAGES, pause="100ms"),
    _locust(
        "slow readers, pauses of 2 to 8 s", 500, PAGES, pause="{min: 2s, max: 8s}", settle_s=7.0
    ),
    _locust("downloads of 200 kB", 100, "{path: /200000}"),
    _locust("posts of 10 kB", 150, _post(10_000)),
    _locust(
        "one page in ten is 500 kB",
        60,
        "{path: /2000, weight: 9}, {path: /500000}",
        pause="500ms",
    ),
    _locust("pages of 2 kB, a pause of 1 s", 60, PAGES, user="HttpUser"),
    _custom("heavy processing of each answer", "a Python program", 20, f"python3 {HEAVY}", HEAVY),
)
"""The eight whose users the calibrations of ``make bench`` foretell."""

MORE = (
    _locust("posts of 10 kB", 60, _post(10_000), user="HttpUser"),
    _locust("posts of 100 kB", 80, _post(100_000)),
    _locust("downloads of 200 kB", 50, "{path: /200000}", user="HttpUser"),
    _locust("TLS, connections kept", 150, PAGES, tls=True),
    _locust("TLS, connections kept", 60, PAGES, user="HttpUser", tls=True),
    _locust("TLS, a new connection each", 40, "{path: /close/2000}", tls=True),
    _locust("TLS, a new connection each", 30, "{path: /close/2000}", user="HttpUser", tls=True),
    _locust("no TLS, a new connection each", 120, "{path: /close/2000}"),
    _locust("arrivals, each stays 100 ms", 15, PAGES, pause="100ms", iteration_s=0.1),
    _locust(
        "arrivals, each stays 500 ms", 40, PAGES, pause="500ms", user="HttpUser", iteration_s=0.5
    ),
    _own("searches each page", 60),
    _jmeter("pages of 2 kB, a pause of 1 s", 100, "/2000"),
    _jmeter("pages of 2 kB, a pause of 100 ms", 20, "/2000", pause_s=0.1),
    _jmeter("downloads of 200 kB", 60, "/200000"),
    _jmeter("posts of 10 kB", 100, "/50", body_bytes=10_000),
    _jmeter("TLS, connections kept", 100, "/2000", tls=True),
    _jmeter("TLS, a new connection each", 60, "/2000", tls=True, keeps=False),
    _custom("a process for each request", "sh with curl", 4, _CURL.replace("'", "''"), None),
    _custom("pages of 2 kB, a pause of 500 ms", "a Node.js program", 40, f"node {LIGHT}", LIGHT),
)
"""Other engines, other sizes, TLS, and users that arrive."""

BEHAVIOURS = (*MEASURED_BEFORE, *MORE)
