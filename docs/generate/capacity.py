"""What one user of each load engine takes, by protocol, from the figures that estimates count."""

from __future__ import annotations

from collections.abc import Iterator

from docs.generate.markdown import table
from engine.load_engines import LOAD_ENGINES
from engine.planning.capacity import BY_ENGINE, FIGURES, STANDARD_INJECTOR, capacity_of, demand_of
from engine.planning.capacity.figures import figures_of, users_of
from engine.scenario import Protocol, Scenario
from engine.scenario.profile import closed

HEAD = """# Capacity by load engine and protocol

What an estimate counts where the test itself was never measured, and nothing is said of its pace:
users on a standard injector of 2 vCPU and 4 GiB, and the figures that they follow from. Where
nobody publishes a number of users for an engine, that of the protocol counts. How well their ranges
hold is in [Estimates and calibrations](estimates.md).

"""
BODY = """
## Users of a load engine

Microseconds are of one processor core; a MiB is one that is sent or received, a connection one that
is opened anew. A machine runs one process of an engine that has a most.

"""
HEADS = ("protocol", "with", "users", "what binds", "users an injector, by whom")
FIGURE_HEADS = (
    "user",
    "us a request",
    "us a MiB",
    "us a connection, with TLS",
    "KiB of memory",
    "most in a process",
    "as of",
    "source",
)
ONE = closed([(0, 1), (60, 1)])


def capacity_page() -> str:
    """A row a protocol and engine, then one a kind of user."""
    return f"{HEAD}{table(HEADS, _carried())}\n{BODY}{table(FIGURE_HEADS, _figures())}\n"


def _carried() -> Iterator[tuple[str, ...]]:
    for protocol in FIGURES:
        engines = sorted(LOAD_ENGINES) if protocol in BY_ENGINE else ["any"]
        if protocol is Protocol.JMETER:
            engines = ["jmeter"]
        for name in engines:
            load_engine = "locust" if name == "any" else name
            scenario = Scenario(name, protocol, ONE, load_engine=load_engine)
            carried = capacity_of(STANDARD_INJECTOR, demand_of(scenario))
            source = figures_of(scenario).payload_source
            yield protocol.value, name, f"{carried.users:,}", carried.binding, source


def _figures() -> Iterator[tuple[str, ...]]:
    for engine in LOAD_ENGINES.values():
        for name in ("", *engine.figures_by_user):
            own = users_of(Protocol.HTTP, engine.name, name)
            assert own is not None, engine.name
            yield (
                f"{engine.title} {name}".strip(),
                _range(
                    own.processor_us_per_request,
                    own.processor_us_per_request_least,
                    own.processor_us_per_request_most,
                ),
                f"{own.processor_us_per_mib:,}",
                f"{own.connection_us:,}, {own.tls_connection_us:,}",
                _range(
                    own.memory_kib_per_user,
                    own.memory_kib_per_user_least,
                    own.memory_kib_per_user_most,
                ),
                "-" if own.users_per_process is None else f"{own.users_per_process:,}",
                own.as_of.isoformat(),
                own.source,
            )


def _range(expected: int | None, least: int | None, most: int | None) -> str:
    if expected is None:
        return "not known"
    return f"{expected:,}" if least is None else f"{expected:,} ({least:,} to {most:,})"
