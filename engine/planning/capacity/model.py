"""Capacity: how many virtual users one machine carries, and what stops it there.

The users that a machine carries are the least of four bounds:

- processor: a payload known for the protocol on the standard injector, in proportion to the
  virtual processors; and, where the scenario tells how many requests a user makes, the requests
  that the processors can make in time. Both at 70 % of the processor: vendors calibrate to that
  (https://wiki.dotcom-monitor.com/knowledge-base/calibration/), as busier injectors measure
  themselves (Locust showed 210 ms for a target that took 1 ms at 43 % already);
- memory: 90 % of the machine's, less what the system takes
  (https://grafana.com/docs/k6/latest/testing-guides/running-large-tests/);
- sockets: ports from one address to one destination;
- network: what the machine can hold for the whole test, not what it can burst to.

All arithmetic is on integers, so that a single estimate and a column of a million give the same.
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction

from engine.scenario import Protocol, Scenario, UserClass

PROCESSOR_CEILING_PERCENT = 70
MEMORY_CEILING_PERCENT = 90

SYSTEM_MEMORY_MIB = 256
"""Assumed for the operating system, the agent and an idle load engine (Locust: 55 MiB measured)."""

SOCKETS_PER_DESTINATION = 28_232
"""Linux's default ephemeral ports, 32768-60999: https://github.com/gorilla/websocket/issues/678."""

INTERNET_MBPS_BELOW_32_VCPUS = 5_000
"""https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/ec2-instance-network-bandwidth.html."""

CPU, MEMORY, SOCKETS, NETWORK = "cpu", "memory", "sockets", "network"
GIVEN = "given"
"""What binds when the scenario fixes the payload or the number of injectors."""


@dataclass(frozen=True, slots=True)
class Host:
    """What a machine offers to a load engine.

    Attributes:
        vcpus: Virtual processors.
        memory_mib: Memory in MiB.
        send_mbps: Megabits a second that it can send for ever; None: not published.
        receive_mbps: The same for receiving; None: not limited, or not published.
    """

    vcpus: int
    memory_mib: int
    send_mbps: int | None
    receive_mbps: int | None


STANDARD_INJECTOR = Host(vcpus=2, memory_mib=4_096, send_mbps=781, receive_mbps=781)
"""The unit that plans count: 2 vCPU, 4 GiB, with the baseline network of such a machine on AWS."""


@dataclass(frozen=True, slots=True)
class ProtocolFigures:
    """What one user of a protocol takes, unless the scenario says otherwise.

    Attributes:
        payload: Users on a standard injector at 70 % of its processor; None: none is published,
            and the other bounds decide.
        payload_source: Who says so.
        processor_us_per_request: Processor time of one request; None: the payload alone decides.
        memory_kib_per_user: Memory of one user.
        connections_per_user: Sockets that one user holds open to one destination.
        requests_per_million_s: Requests that one user makes in a million seconds.
        request_bytes: Sent per request, headers included.
        response_bytes: Received per request, headers included.
    """

    payload: int | None
    payload_source: str
    processor_us_per_request: int | None
    memory_kib_per_user: int
    connections_per_user: int
    requests_per_million_s: int
    request_bytes: int
    response_bytes: int


_LOADVIEW = "LoadView: https://wiki.dotcom-monitor.com/knowledge-base/calibration/"
_AZURE = (
    "Azure Load Testing, at most 250 per engine: "
    "https://learn.microsoft.com/azure/load-testing/how-to-high-scale-load"
)
_BROWSER = ProtocolFigures(
    payload=8,
    payload_source=f"the low end of 8-25; {_LOADVIEW}",
    processor_us_per_request=None,
    memory_kib_per_user=400 * 1_024,
    connections_per_user=6,
    requests_per_million_s=100_000,
    request_bytes=70_000,
    response_bytes=2_500_000,
)
_HTTP = ProtocolFigures(
    payload=500,
    payload_source=f"the low end of 500-1,000; {_LOADVIEW}",
    processor_us_per_request=950,
    memory_kib_per_user=40,
    connections_per_user=1,
    requests_per_million_s=1_000_000,
    request_bytes=1_000,
    response_bytes=16_000,
)
FIGURES = {
    Protocol.HTTP: _HTTP,
    Protocol.GRPC: ProtocolFigures(
        payload=500,
        payload_source="assumed: as HTTP, nobody publishes one",
        processor_us_per_request=950,
        memory_kib_per_user=40,
        connections_per_user=1,
        requests_per_million_s=1_000_000,
        request_bytes=500,
        response_bytes=2_000,
    ),
    Protocol.WEBSOCKET: ProtocolFigures(
        payload=None,
        payload_source="the sockets of one address; nobody publishes a payload",
        processor_us_per_request=950,
        memory_kib_per_user=100,
        connections_per_user=1,
        requests_per_million_s=100_000,
        request_bytes=200,
        response_bytes=200,
    ),
    Protocol.JMETER: ProtocolFigures(
        payload=250,
        payload_source=_AZURE,
        processor_us_per_request=None,
        memory_kib_per_user=5 * 1_024,
        connections_per_user=1,
        requests_per_million_s=1_000_000,
        request_bytes=1_000,
        response_bytes=16_000,
    ),
    Protocol.POSTMAN: ProtocolFigures(
        payload=20,
        payload_source=f"the low end of 20-100; {_LOADVIEW}",
        processor_us_per_request=None,
        memory_kib_per_user=100 * 1_024,
        connections_per_user=1,
        requests_per_million_s=1_000_000,
        request_bytes=1_000,
        response_bytes=16_000,
    ),
    Protocol.BROWSER: _BROWSER,
    Protocol.SELENIUM: _BROWSER,
    Protocol.STREAMING: ProtocolFigures(
        payload=8,
        payload_source=f"the low end of 8-25; {_LOADVIEW}",
        processor_us_per_request=None,
        memory_kib_per_user=400 * 1_024,
        connections_per_user=6,
        requests_per_million_s=250_000,
        request_bytes=1_000,
        response_bytes=2_500_000,
    ),
}
"""Figures by protocol.

Processor per request: Locust's HttpUser took 0.6-0.95 ms, measured on one core. Memory per user:
HttpUser 37-40 KiB, measured; JMeter 5 MiB (https://doc.octoperf.com/private-hosts/on-premise/);
a browser 300-500 MiB (https://nollagluiz.github.io/AI_forSE/ADR/0006-k6-load-test-fleet/); a
WebSocket about 100 KiB (https://github.com/processone/tsung/issues/184). Everything else (sockets
per user, requests per second, bytes) is assumed; a browser's request is a page, a stream's is four
seconds of video. A scenario replaces each of these by saying its own.
"""


@dataclass(frozen=True, slots=True)
class Demand:
    """What one user of a scenario takes; the fields are those of ``ProtocolFigures``.

    Attributes:
        paced: The scenario tells the pace of requests; otherwise it is the protocol's and bounds
            the network, but not the processor.
        unsaid: What was assumed, by the name of the field that would say it.
    """

    payload: int | None
    processor_us_per_request: int | None
    memory_kib_per_user: int
    connections_per_user: int
    requests_per_million_s: int
    request_bytes: int
    response_bytes: int
    paced: bool
    unsaid: tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class Capacity:
    """How many users a machine carries, and which bound that is."""

    users: int
    binding: str


def demand_of(scenario: Scenario) -> Demand:
    """What one user takes: what the scenario says, and the protocol's figures for the rest."""
    figures = FIGURES[scenario.protocol]
    pace = _requests_per_million_s(scenario)
    unsaid = []
    if pace is None:
        assumed = f"{figures.requests_per_million_s / 1_000_000:g} a second and user"
        without_pause = [each.name for each in scenario.user_classes if _pause_s(each) == 0]
        reason = (
            f"the user class {without_pause[0]!r} has no think time"
            if without_pause
            else "the scenario does not say how many requests a user makes"
        )
        unsaid.append(("requests_per_user_second", f"{reason}; assumed {assumed}"))
    for name, value, assumption in (
        ("payload.request_bytes", scenario.request_bytes, figures.request_bytes),
        ("payload.response_bytes", scenario.response_bytes, figures.response_bytes),
    ):
        if value is None:
            unsaid.append((name, f"the scenario does not say it; assumed {assumption:,} bytes"))
    return Demand(
        payload=figures.payload,
        processor_us_per_request=figures.processor_us_per_request,
        memory_kib_per_user=(
            figures.memory_kib_per_user
            if scenario.memory_mib_per_user is None
            else scenario.memory_mib_per_user * 1_024
        ),
        connections_per_user=scenario.connections_per_user or figures.connections_per_user,
        requests_per_million_s=figures.requests_per_million_s if pace is None else pace,
        request_bytes=_or_else(scenario.request_bytes, figures.request_bytes),
        response_bytes=_or_else(scenario.response_bytes, figures.response_bytes),
        paced=pace is not None,
        unsaid=tuple(unsaid),
    )


def capacity_of(host: Host, demand: Demand) -> Capacity:
    """The users that one machine carries; zero when not even one fits.

    Never fewer on a machine that has at least as much of everything.
    """
    users, binding = _users_by_processor(host, demand), CPU
    by_memory, by_sockets = _users_by_memory(host, demand), _users_by_sockets(demand)
    if users is None or by_memory < users:
        users, binding = by_memory, MEMORY
    if by_sockets < users:
        users, binding = by_sockets, SOCKETS
    for mbps, size in (
        (host.send_mbps, demand.request_bytes),
        (host.receive_mbps, demand.response_bytes),
    ):
        if mbps is not None and size > 0:
            by_network = mbps * 10**12 // (8 * size * demand.requests_per_million_s)
            if by_network < users:
                users, binding = by_network, NETWORK
    return Capacity(users, binding)


def _users_by_processor(host: Host, demand: Demand) -> int | None:
    users = None
    if demand.payload is not None:
        users = demand.payload * host.vcpus // STANDARD_INJECTOR.vcpus
    if demand.paced and demand.processor_us_per_request is not None:
        # Microseconds of processor in a million seconds, over those that one user takes.
        available_us = host.vcpus * 10**12 * PROCESSOR_CEILING_PERCENT // 100
        by_pace = available_us // (demand.processor_us_per_request * demand.requests_per_million_s)
        users = by_pace if users is None else min(users, by_pace)
    return users


def _users_by_memory(host: Host, demand: Demand) -> int:
    usable_mib = host.memory_mib * MEMORY_CEILING_PERCENT // 100 - SYSTEM_MEMORY_MIB
    return max(0, usable_mib * 1_024 // demand.memory_kib_per_user)


def _users_by_sockets(demand: Demand) -> int:
    return SOCKETS_PER_DESTINATION // demand.connections_per_user


def _requests_per_million_s(scenario: Scenario) -> int | None:
    """The pace that the scenario tells, or that its think times bound from above."""
    if scenario.requests_per_user_s is not None:
        return max(1, round(scenario.requests_per_user_s * 1_000_000))
    classes = scenario.user_classes
    if not classes or any(_pause_s(each) == 0 for each in classes):
        return None
    # A user cannot make more than one request per pause, however fast the target answers.
    pace = sum((each.weight / _pause_s(each) for each in classes), Fraction())
    return max(1, round(pace * 1_000_000 / sum(each.weight for each in classes)))


def _pause_s(user_class: UserClass) -> Fraction:
    least_s, most_s = user_class.think_time_s
    return (Fraction(least_s) + Fraction(most_s)) / 2


def _or_else(value: int | None, default: int) -> int:
    return default if value is None else value
