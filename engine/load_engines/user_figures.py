"""What one user of each load engine takes: dated figures with their sources.

Nobody publishes a capacity by engine that holds for whatever users do. These are what vendors and
independent measurements have said, and what was measured with ``make behaviours``; where nothing is
known of an engine, that is its source. A test's own calibration replaces them.
"""

from __future__ import annotations

from datetime import date

from msgspec import Struct
from msgspec.structs import replace


class UserFigures(Struct, frozen=True):
    """What one user of an engine takes, as far as that was published or measured.

    Attributes:
        as_of: When that was looked at.
        source: Who says so of processor and memory.
        memory_kib_per_user: Memory of one user.
        memory_kib_per_user_least, memory_kib_per_user_most: Between which it lies; None: there.
        payload: Users on a standard injector at 70 % of its processor; None: none is published.
        payload_least, payload_most: Between which the payloads lie that are published; None as for
            ``payload``.
        payload_source: Who says so; empty: nobody.
        processor_us_per_request: Processor time of one request on a connection that is kept, in
            microseconds; None: it is not known.
        processor_us_per_request_least: Of the lightest users that are known.
        processor_us_per_request_most: Of the heaviest.
        processor_us_per_mib: Processor time of a MiB that is sent or received.
        connection_us: Processor time of opening a connection without TLS, and a user with it.
        tls_connection_us: The same with TLS, handshake and all.
        users_per_process: That one process of the engine holds, of which a machine runs one; None:
            as many as the machine.
        users_per_process_most: That it was seen to hold; None as before.
    """

    as_of: date
    source: str
    memory_kib_per_user: int
    memory_kib_per_user_least: int | None = None
    memory_kib_per_user_most: int | None = None
    payload: int | None = None
    payload_least: int | None = None
    payload_most: int | None = None
    payload_source: str = ""
    processor_us_per_request: int | None = None
    processor_us_per_request_least: int | None = None
    processor_us_per_request_most: int | None = None
    processor_us_per_mib: int = 0
    connection_us: int = 0
    tls_connection_us: int = 0
    users_per_process: int | None = None
    users_per_process_most: int | None = None


_MEASURED = "measured with `make behaviours`"
_AUDIT = "https://softwaretestpilot.com/compare/jmeter-vs-k6-vs-gatling"
_ON = date(2026, 12, 1)

LOCUST_USER = UserFigures(
    as_of=_ON,
    source=(
        f"{_MEASURED}; at best 16,000 requests a second (FastHttpUser) or 4,000 (HttpUser) a "
        "process: https://docs.locust.io/en/stable/increase-performance.html"
    ),
    memory_kib_per_user=40,
    memory_kib_per_user_least=10,
    memory_kib_per_user_most=200,
    processor_us_per_request=950,
    processor_us_per_request_least=150,
    processor_us_per_request_most=3_000,
    processor_us_per_mib=2_700,
    connection_us=500,
    tls_connection_us=3_400,
)
"""A locustfile's: of either of Locust's users, or of one that works on every answer."""

FAST_HTTP_USER = replace(
    LOCUST_USER,
    memory_kib_per_user_most=100,
    processor_us_per_request_most=950,
    processor_us_per_mib=1_800,
    connection_us=200,
    tls_connection_us=1_800,
)
HTTP_USER = replace(
    LOCUST_USER,
    memory_kib_per_user_least=20,
    processor_us_per_request_least=300,
    processor_us_per_request_most=2_000,
)
JMETER_THREAD = UserFigures(
    as_of=_ON,
    source=(
        f"JMeter 5.5 {_MEASURED}; 5 MiB a thread: https://doc.octoperf.com/private-hosts/"
        f"on-premise/; 300 us a request and 2.3 MiB a thread on 16 vCPU: {_AUDIT}"
    ),
    memory_kib_per_user=5 * 1_024,
    memory_kib_per_user_least=300,
    memory_kib_per_user_most=8 * 1_024,
    payload=250,
    payload_least=200,
    payload_most=1_000,
    payload_source=(
        "Azure Load Testing, at most 250 per engine: "
        "https://learn.microsoft.com/azure/load-testing/how-to-high-scale-load; from 200 for a "
        "task of 2 vCPU (Distributed Load Testing on AWS) to 1,000 for a node (Flood)"
    ),
    processor_us_per_request=450,
    processor_us_per_request_least=150,
    processor_us_per_request_most=2_000,
    processor_us_per_mib=1_500,
    connection_us=500,
    tls_connection_us=4_100,
    # Flood's node is the largest that a vendor fills with them, by
    # https://help.flood.io/en/articles/597025-pricing-overview; 11,500 on one of 16 vCPU were seen.
    users_per_process=1_000,
    users_per_process_most=11_500,
)
K6_USER = UserFigures(
    as_of=_ON,
    source=(
        "not measured, as published: 1 to 5 MB a user, up to 300,000 requests a second and 40,000 "
        "users on one large machine: https://grafana.com/docs/k6/latest/testing-guides/"
        f"running-large-tests/; 110 us a request and 0.28 MiB a user on 16 vCPU: {_AUDIT}"
    ),
    memory_kib_per_user=3 * 1_024,
    memory_kib_per_user_least=280,
    memory_kib_per_user_most=5 * 1_024,
    processor_us_per_request=320,
    processor_us_per_request_least=100,
    processor_us_per_request_most=1_500,
    processor_us_per_mib=1_500,
    connection_us=500,
    tls_connection_us=3_000,
    users_per_process=40_000,
    users_per_process_most=40_000,
)
GATLING_USER = UserFigures(
    as_of=_ON,
    source=(
        "not measured and no figure found: the processor as JMeter's, which is Java too, without a "
        "thread for each user; memory is assumed"
    ),
    memory_kib_per_user=256,
    memory_kib_per_user_least=40,
    memory_kib_per_user_most=1_024,
    processor_us_per_request=450,
    processor_us_per_request_least=60,
    processor_us_per_request_most=2_000,
    processor_us_per_mib=1_500,
    connection_us=500,
    tls_connection_us=3_000,
)
CUSTOM_USER = UserFigures(
    as_of=_ON,
    source=(
        f"a command may take anything: {_MEASURED}, from a Node.js program to one that starts a "
        "process for each request"
    ),
    memory_kib_per_user=40,
    memory_kib_per_user_least=10,
    memory_kib_per_user_most=5 * 1_024,
    processor_us_per_request=950,
    processor_us_per_request_least=50,
    processor_us_per_request_most=12_000,
    processor_us_per_mib=1_500,
    connection_us=500,
    tls_connection_us=3_000,
)
