"""Figures: what one user of a protocol takes, as far as anybody has published or measured it.

A scenario replaces each of these by saying its own, and a measurement of the very test replaces
what it has measured.
"""

from __future__ import annotations

from msgspec import Struct

from engine.load_engines import JMETER, LOCUST, EngineFacts, UserFigures
from engine.scenario import Protocol


class ProtocolFigures(Struct, frozen=True):
    """What one user of a protocol takes, unless the scenario says otherwise.

    Attributes:
        payload: Users on a standard injector at 70 % of its processor; None: none is published,
            and the other bounds decide.
        payload_least, payload_most: Between which the payloads lie that are published; None as for
            ``payload``.
        payload_source: Who says so.
        processor_us_per_request: Processor time of one request; None: the payload alone decides.
        processor_us_per_request_least: Of the lightest user that has been measured.
        memory_kib_per_user: Memory of one user.
        connections_per_user: Sockets that one user holds open to one destination.
        requests_per_million_s: Requests that one user makes in a million seconds.
        request_bytes: Sent per request, headers included.
        response_bytes: Received per request, headers included.
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


_LOADVIEW = "LoadView: https://wiki.dotcom-monitor.com/knowledge-base/calibration/"


def _figures_of(engine: EngineFacts) -> UserFigures:
    assert engine.figures is not None, engine.name
    return engine.figures


_LOCUST, _JMETER = _figures_of(LOCUST), _figures_of(JMETER)
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
    Protocol.JMETER: ProtocolFigures(
        payload=_JMETER.payload,
        payload_least=_JMETER.payload_least,
        payload_most=_JMETER.payload_most,
        payload_source=_JMETER.payload_source,
        processor_us_per_request=_JMETER.processor_us_per_request,
        processor_us_per_request_least=_JMETER.processor_us_per_request_least,
        memory_kib_per_user=_JMETER.memory_kib_per_user,
        connections_per_user=1,
        requests_per_million_s=1_000_000,
        request_bytes=1_000,
        response_bytes=16_000,
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
    Protocol.SELENIUM: _BROWSER,
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
"""Figures by protocol.

Processor per request: the heaviest of Locust's users, as its facts say, counts until the test
itself is measured. Memory per user: that of Locust's or of JMeter's, as their facts say; a browser
300-500 MiB (https://nollagluiz.github.io/AI_forSE/ADR/0006-k6-load-test-fleet/); a WebSocket about
100 KiB (https://github.com/processone/tsung/issues/184). Everything else (sockets per user,
requests per second, bytes) is assumed; a browser's request is a page, a stream's is four seconds of
video. A scenario replaces each of these by saying its own.
"""
