"""Figures: what one user of a protocol takes, as far as anybody has published or measured it.

Where requests are what counts, the load engine that makes them has figures of its own. A scenario
replaces each of these by saying its own, and a measurement of the very test replaces what it has
measured.
"""

from __future__ import annotations

from functools import lru_cache

from msgspec import Struct
from msgspec.structs import replace

from engine.load_engines import JMETER, LOAD_ENGINES, LOCUST, EngineFacts, UserFigures
from engine.scenario import Protocol, Scenario


class ProtocolFigures(Struct, frozen=True):
    """What one user of a protocol takes, unless the scenario says otherwise.

    Attributes:
        payload: Users on a standard injector at 70 % of its processor; None: none is published,
            and the other bounds decide.
        payload_least, payload_most: Between which the payloads lie that are published; None as for
            ``payload``.
        payload_source: Who says so.
        processor_us_per_request: Processor time of one request; None: the payload alone decides.
        processor_us_per_request_least, processor_us_per_request_most: Between which it lies.
        memory_kib_per_user: Memory of one user.
        connections_per_user: Sockets that one user holds open to one destination.
        requests_per_million_s: Requests that one user makes in a million seconds.
        request_bytes: Sent per request, headers included.
        response_bytes: Received per request, headers included.
        memory_kib_per_user_least, memory_kib_per_user_most: Between which it lies; None: there.
        processor_us_per_mib, connection_us, tls_connection_us, users_per_process,
            users_per_process_most: As in ``UserFigures``.
    """

    payload: int | None
    payload_least: int | None
    payload_most: int | None
    payload_source: str
    processor_us_per_request: int | None
    processor_us_per_request_least: int | None
    memory_kib_per_user: int
    connections_per_user: int
    requests_per_million_s: int
    request_bytes: int
    response_bytes: int
    processor_us_per_request_most: int | None = None
    memory_kib_per_user_least: int | None = None
    memory_kib_per_user_most: int | None = None
    processor_us_per_mib: int = 0
    connection_us: int = 0
    tls_connection_us: int = 0
    users_per_process: int | None = None
    users_per_process_most: int | None = None


_LOADVIEW = "LoadView: https://wiki.dotcom-monitor.com/knowledge-base/calibration/"


def _figures_of(engine: EngineFacts) -> UserFigures:
    assert engine.figures is not None, engine.name
    return engine.figures


_LOCUST = _figures_of(LOCUST)
_BROWSER = ProtocolFigures(
    payload=8,
    payload_least=8,
    payload_most=25,
    payload_source=f"the low end of 8-25; {_LOADVIEW}",
    processor_us_per_request=None,
    processor_us_per_request_least=None,
    memory_kib_per_user=400 * 1_024,
    connections_per_user=6,
    requests_per_million_s=100_000,
    request_bytes=70_000,
    response_bytes=2_500_000,
)
_HTTP = ProtocolFigures(
    payload=500,
    payload_least=500,
    payload_most=1_000,
    payload_source=f"the low end of 500-1,000; {_LOADVIEW}",
    processor_us_per_request=_LOCUST.processor_us_per_request,
    processor_us_per_request_least=_LOCUST.processor_us_per_request_least,
    memory_kib_per_user=_LOCUST.memory_kib_per_user,
    connections_per_user=1,
    requests_per_million_s=1_000_000,
    request_bytes=1_000,
    response_bytes=16_000,
)
FIGURES = {
    Protocol.HTTP: _HTTP,
    Protocol.JMETER: _HTTP,
    Protocol.GRPC: ProtocolFigures(
        payload=500,
        payload_least=500,
        payload_most=1_000,
        payload_source="assumed: as HTTP, nobody publishes one",
        processor_us_per_request=_LOCUST.processor_us_per_request,
        processor_us_per_request_least=_LOCUST.processor_us_per_request_least,
        memory_kib_per_user=_LOCUST.memory_kib_per_user,
        connections_per_user=1,
        requests_per_million_s=1_000_000,
        request_bytes=500,
        response_bytes=2_000,
    ),
    Protocol.WEBSOCKET: ProtocolFigures(
        payload=None,
        payload_least=None,
        payload_most=None,
        payload_source="nobody publishes one; the processor of each request, at the assumed pace",
        processor_us_per_request=_LOCUST.processor_us_per_request,
        processor_us_per_request_least=_LOCUST.processor_us_per_request_least,
        memory_kib_per_user=100,
        connections_per_user=1,
        requests_per_million_s=100_000,
        request_bytes=200,
        response_bytes=200,
    ),
    Protocol.POSTMAN: ProtocolFigures(
        payload=20,
        payload_least=20,
        payload_most=100,
        payload_source=f"the low end of 20-100; {_LOADVIEW}",
        processor_us_per_request=None,
        processor_us_per_request_least=None,
        memory_kib_per_user=100 * 1_024,
        connections_per_user=1,
        requests_per_million_s=1_000_000,
        request_bytes=1_000,
        response_bytes=16_000,
    ),
    Protocol.BROWSER: _BROWSER,
    Protocol.SELENIUM: replace(
        _BROWSER,
        payload_least=5,
        payload_source=(
            f"the low end of 8-25; {_LOADVIEW}; from 5 for a node (Flood): "
            "https://help.flood.io/en/articles/597025-pricing-overview"
        ),
    ),
    Protocol.STREAMING: ProtocolFigures(
        payload=8,
        payload_least=8,
        payload_most=25,
        payload_source=f"the low end of 8-25; {_LOADVIEW}",
        processor_us_per_request=None,
        processor_us_per_request_least=None,
        memory_kib_per_user=400 * 1_024,
        connections_per_user=6,
        requests_per_million_s=250_000,
        request_bytes=1_000,
        response_bytes=2_500_000,
    ),
}
"""Figures by protocol, where nothing is known of a load engine.

Processor per request: Locust's, as its facts say, counts until the test itself is measured. Memory
per user: that of Locust; a browser 300-500 MiB
(https://nollagluiz.github.io/AI_forSE/ADR/0006-k6-load-test-fleet/); a WebSocket about 100 KiB
(https://github.com/processone/tsung/issues/184). Everything else (sockets per user, requests per
second, bytes) is assumed; a browser's request is a page, a stream's is four seconds of video. A
scenario replaces each of these by saying its own.
"""

BY_ENGINE = frozenset({Protocol.HTTP, Protocol.GRPC, Protocol.WEBSOCKET, Protocol.JMETER})
"""Protocols whose users are the load engine's own, so that its figures count."""


def figures_of(scenario: Scenario) -> ProtocolFigures:
    """The figures of the scenario's protocol, with those of its load engine's users."""
    user = "" if scenario.program is not None else scenario.locust_user
    return _figures(scenario.protocol, users_of(scenario.protocol, scenario.load_engine, user))


def users_of(protocol: Protocol, load_engine: str, user: str = "") -> UserFigures | None:
    """What is known of a load engine's users.

    Args:
        protocol: What they speak; JMeter's own is JMeter's, whatever is to play it.
        load_engine: A name in ``LOAD_ENGINES``.
        user: Which of its users, where it has several; empty: nobody says.
    """
    if protocol not in BY_ENGINE:
        return None
    engine = JMETER if protocol is Protocol.JMETER else LOAD_ENGINES[load_engine]
    return engine.figures_by_user.get(user, engine.figures)


@lru_cache(maxsize=256)
def _figures(protocol: Protocol, users: UserFigures | None) -> ProtocolFigures:
    own = FIGURES[protocol]
    if users is None:
        return own
    payload = (own.payload, own.payload_least, own.payload_most, own.payload_source)
    if users.payload is not None:
        payload = (users.payload, users.payload_least, users.payload_most, users.payload_source)
    return replace(
        own,
        payload=payload[0],
        payload_least=payload[1],
        payload_most=payload[2],
        payload_source=payload[3],
        processor_us_per_request=users.processor_us_per_request,
        processor_us_per_request_least=users.processor_us_per_request_least,
        processor_us_per_request_most=users.processor_us_per_request_most,
        # A protocol may need more of it than requests that come and go.
        memory_kib_per_user=max(own.memory_kib_per_user, users.memory_kib_per_user),
        memory_kib_per_user_least=users.memory_kib_per_user_least,
        memory_kib_per_user_most=users.memory_kib_per_user_most,
        processor_us_per_mib=users.processor_us_per_mib,
        connection_us=users.connection_us,
        tls_connection_us=users.tls_connection_us,
        users_per_process=users.users_per_process,
        users_per_process_most=users.users_per_process_most,
    )
