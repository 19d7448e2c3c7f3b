"""Capacity: how many virtual users one machine carries, and what stops it there.

The users that a machine carries are the least of these bounds:

- processor: a payload known for the protocol on the standard injector, in proportion to the
  virtual processors and to how much each of them does; and, where it is known what a request
  takes, the requests that the processors can make in time, at the pace that the network has to
  carry, too. Where the test itself was measured, only the latter. Both at 70 % of the processor:
  vendors calibrate to that
  (https://wiki.dotcom-monitor.com/knowledge-base/calibration/), as busier injectors measure
  themselves (Locust showed 210 ms for a target that took 1 ms at 43 % already);
- memory: 90 % of the machine's, less what the system takes
  (https://grafana.com/docs/k6/latest/testing-guides/running-large-tests/);
- sockets: ports from one address to one destination;
- network: what the machine can hold for the whole test, not what it can burst to;
- threads: what one process of the load engine holds, where a machine runs one and that is known.

All arithmetic is on integers, so that a single estimate and a column of a million give the same.
"""

from __future__ import annotations

from msgspec import Struct

from engine.planning.capacity.demand import Demand

PROCESSOR_CEILING_PERCENT = 70
MEMORY_CEILING_PERCENT = 90

SYSTEM_MEMORY_MIB = 256
"""Assumed for the operating system, the agent and an idle load engine (Locust: 55 MiB measured)."""

SOCKETS_PER_DESTINATION = 28_232
"""Linux's default ephemeral ports, 32768-60999: https://github.com/gorilla/websocket/issues/678."""

CPU, MEMORY, SOCKETS, NETWORK, THREADS = "cpu", "memory", "sockets", "network", "threads"
GIVEN = "given"
"""What binds when the scenario fixes the payload or the number of injectors."""


class Host(Struct, frozen=True):
    """What a machine offers to a load engine.

    Attributes:
        vcpus: Virtual processors.
        memory_mib: Memory in MiB.
        send_mbps: Megabits a second that it can send for ever; None: not published.
        receive_mbps: The same for receiving; None: not limited, or not published.
        vcpu_percent: How much one of its virtual processors does, of what one of the standard
            injector does, while all are busy.
        core_percent: How much a processor does on which a request was measured by itself, of the
            same. More than 100 where that had its core for itself, and the standard injector's
            share theirs.
    """

    vcpus: int
    memory_mib: int
    send_mbps: int | None
    receive_mbps: int | None
    vcpu_percent: int = 100
    core_percent: int = 100

    @property
    def work(self) -> int:
        """What all of its processors do, in hundredths of one of the standard injector's."""
        return self.vcpus * self.vcpu_percent


STANDARD_INJECTOR = Host(vcpus=2, memory_mib=4_096, send_mbps=781, receive_mbps=781)
"""The unit that plans count: 2 vCPU, 4 GiB, with the baseline network of such a machine on AWS."""


class Capacity(Struct, frozen=True):
    """How many users a machine carries, and which bound that is."""

    users: int
    binding: str


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
    by_network = _users_by_network(host, demand)
    if by_network is not None and by_network < users:
        users, binding = by_network, NETWORK
    by_process = demand.users_per_process
    if by_process is not None and by_process < users:
        users, binding = by_process, THREADS
    return Capacity(users, binding)


def bounds_of(host: Host, demand: Demand) -> tuple[Capacity, ...]:
    """Every bound by itself, the one that binds first; by how much is the distance to the next."""
    bounds = {
        CPU: _users_by_processor(host, demand),
        MEMORY: _users_by_memory(host, demand),
        SOCKETS: _users_by_sockets(demand),
        NETWORK: _users_by_network(host, demand),
        THREADS: demand.users_per_process,
    }
    known = [Capacity(users, name) for name, users in bounds.items() if users is not None]
    return tuple(sorted(known, key=lambda bound: bound.users))


def _users_by_processor(host: Host, demand: Demand) -> int | None:
    users = None
    if demand.payload is not None:
        users = demand.payload * host.work // STANDARD_INJECTOR.work
    if demand.processor_us_per_request is not None:
        # Microseconds of processor in a million seconds, over those that one user takes.
        available_us = host.work * 10**10 * PROCESSOR_CEILING_PERCENT // host.core_percent
        by_pace = available_us // (demand.processor_us_per_request * demand.requests_per_million_s)
        users = by_pace if users is None else min(users, by_pace)
    return users


def _users_by_memory(host: Host, demand: Demand) -> int:
    usable_mib = host.memory_mib * MEMORY_CEILING_PERCENT // 100 - SYSTEM_MEMORY_MIB
    return max(0, usable_mib * 1_024 // demand.memory_kib_per_user)


def _users_by_sockets(demand: Demand) -> int:
    return SOCKETS_PER_DESTINATION // demand.connections_per_user


def _users_by_network(host: Host, demand: Demand) -> int | None:
    """By what is sent or received, whichever fills its way first; None: neither is limited."""
    users = None
    for mbps, size in (
        (host.send_mbps, demand.request_bytes),
        (host.receive_mbps, demand.response_bytes),
    ):
        if mbps is not None and size > 0:
            one_way = mbps * 10**12 // (8 * size * demand.requests_per_million_s)
            users = one_way if users is None else min(users, one_way)
    return users
