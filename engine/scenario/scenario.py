"""Scenario: what a load test does, in values that nothing downstream changes.

Readers (``engine.readers``) turn files into these; estimates, fleets and runs are computed from
them. A field that is ``None`` was not said; the capacity model then says which assumption it made.
"""

from __future__ import annotations

from enum import StrEnum

from msgspec import Struct, field

from engine.scenario.profile import LoadProfile
from engine.scenario.program import LoadProgram
from engine.scenario.tls import Tls


class Protocol(StrEnum):
    """What a virtual user speaks; it decides how many of them one injector carries."""

    HTTP = "http"
    BROWSER = "browser"
    WEBSOCKET = "websocket"
    GRPC = "grpc"
    JMETER = "jmeter"
    POSTMAN = "postman"
    SELENIUM = "selenium"
    STREAMING = "streaming"


FAST_HTTP_USER = "FastHttpUser"


class Request(Struct, frozen=True, forbid_unknown_fields=True):
    """One request that a virtual user makes.

    Attributes:
        path: Path (and query) below the target's base URL.
        method: HTTP method.
        weight: How often it is chosen, relative to its siblings.
        name: Under which it is counted; default: method and path.
        body: What is sent, as text.
    """

    path: str
    method: str = "GET"
    weight: int = 1
    name: str | None = None
    body: str | None = None


class UserClass(Struct, frozen=True, forbid_unknown_fields=True):
    """One kind of virtual user: its share of the users, its pauses, its requests."""

    name: str
    weight: int = 1
    think_time_s: tuple[float, float] = (1.0, 1.0)
    requests: tuple[Request, ...] = (Request("/"),)


class RegionShare(Struct, frozen=True, forbid_unknown_fields=True):
    """The part of the load that comes from one region, as a share of 1."""

    region: str
    share: float = 1.0


class MachineWishes(Struct, frozen=True, forbid_unknown_fields=True):
    """Which machines a cloud may be asked for.

    Attributes:
        families: Only these, such as ``c7g`` or ``Dsv5``; empty: any.
        architecture: ``x86_64`` or ``arm64``; None: either.
        machines_max: At most so many machines, over all regions.
        vcpus_max: At most so many virtual processors in each region, as a cloud's quota has it.
        mixed: A region may have machines of several types, such as a small one for the remainder.
        nat: They are in private subnets, without public addresses, behind a NAT gateway; that
            decides on costs, and not on where a run puts them.
        types: Only these, by the cloud's name, such as ``c7g.large``; empty: any.
        spread: In each region at least so many machines, none with more than its share of the load.
        vcpus_each_max: At most so many virtual processors in one machine.
        cores_alike: Every virtual processor counts as much as any other, whatever was measured.
    """

    families: tuple[str, ...] = ()
    architecture: str | None = None
    machines_max: int | None = None
    vcpus_max: int | None = None
    mixed: bool = True
    nat: bool = False
    types: tuple[str, ...] = ()
    spread: int = 1
    vcpus_each_max: int | None = None
    cores_alike: bool = False


class Measured(Struct, frozen=True, forbid_unknown_fields=True):
    """What one user of this very test was measured to take on an injector.

    Attributes:
        processor_us_per_request: Processor time of one request, in microseconds.
        processor_low_us, processor_high_us: Between which it lies.
        requests_per_million_s: Requests that one user makes in a million seconds.
        memory_kib_per_user: Memory of one user; None: it was not measured.
        basis: What was measured, for people: ``a calibration of 2026-11-22 and 3 runs``.
        is_speed_known: The processor times are those of a core of known speed, whatever they were
            measured on; if not, those of some computer's.
    """

    processor_us_per_request: int
    processor_low_us: int
    processor_high_us: int
    requests_per_million_s: int
    memory_kib_per_user: int | None
    basis: str
    is_speed_known: bool = False


class Scenario(Struct, frozen=True, forbid_unknown_fields=True):
    """A load test.

    Attributes:
        name: For people, and for file and machine names.
        protocol: What the virtual users speak.
        profile: Load over time.
        format: Which kind of file it was read from.
        target: Base URL of the system under test.
        user_classes: What the virtual users do; empty when the file does not say.
        requests_per_user_s: Requests that one active user makes a second.
        request_bytes: Sent per request, headers included.
        response_bytes: Received per request, headers included.
        connections_per_user: Sockets that one user holds open to one destination.
        regions: Where the load comes from; empty: the provider's default region.
        load_engine: What puts the load on; a name in ``engine.load_engines.LOAD_ENGINES``.
        locust_user: Which of Locust's HTTP users plays the user classes, where Locust does:
            ``FastHttpUser``, or ``HttpUser``, which takes several times the processor.
        injectors: A fixed number of standard injectors, if wanted (R33).
        users_per_injector: A fixed payload, if wanted.
        reference_injector: One more injector per region with a single user, to measure against.
        machines_at_least: The part of the machines with which the test may go ahead when a cloud
            has no more, or some do not get ready.
        program: What puts the load on, where it is not Locust.
        memory_mib_per_user: Memory that one user takes on an injector.
        machines: Which machines a cloud may be asked for.
        measured: What one user takes, where the test was calibrated or has run; None: the figures
            of its protocol count.
        tls: Whose certificates are believed.
        left_out_runs: Runs of the test that are no evidence of what a user takes, and why, one line
            each; of an estimate, never on record.
    """

    name: str
    protocol: Protocol
    profile: LoadProfile
    format: str = "loadmuster"
    target: str | None = None
    user_classes: tuple[UserClass, ...] = ()
    requests_per_user_s: float | None = None
    request_bytes: int | None = None
    response_bytes: int | None = None
    connections_per_user: int | None = None
    regions: tuple[RegionShare, ...] = field(default=())
    load_engine: str = "locust"
    injectors: int | None = None
    users_per_injector: int | None = None
    reference_injector: bool = False
    machines_at_least: float = 1.0
    program: LoadProgram | None = None
    memory_mib_per_user: int | None = None
    machines: MachineWishes = MachineWishes()
    measured: Measured | None = None
    locust_user: str = FAST_HTTP_USER
    tls: Tls = Tls()
    left_out_runs: tuple[str, ...] = ()
