"""Figures: the parts of a load's result that come in rows."""

from __future__ import annotations

from msgspec import Struct


class RequestFigures(Struct, frozen=True):
    """What one kind of request came to.

    Attributes:
        name: As the test calls it; ``other``: those for which there was no row.
        method: Of HTTP; empty: the load engine does not say.
        requests: Answered or failed.
        failures: How many of them failed.
        requests_per_s: Mean over the load.
        p50_ms: Median response time; None: there was no request. So for the other two.
        p95_ms: 95 % were answered within it.
        p99_ms: 99 % were answered within it.
    """

    name: str
    method: str
    requests: int
    failures: int
    requests_per_s: float
    p50_ms: int | None
    p95_ms: int | None
    p99_ms: int | None


class Window(Struct, frozen=True):
    """What a stretch of the load came to.

    Attributes:
        from_s: Seconds since the load began to flow.
        length_s: How long it is; the last may be shorter than the others.
        users: Most that were active at once; None: the load engine does not say.
        requests: Answered or failed in it.
        failures: How many of them failed.
        requests_per_s: Mean over it.
        planned_requests_per_s: What its users would have made, with the test's think time and the
            median response time of the whole load; None: the test has no pace that is known.
        p50_ms: Median response time; None: there was no request. So for the other two.
        p95_ms: 95 % were answered within it.
        p99_ms: 99 % were answered within it.
    """

    from_s: float
    length_s: float
    users: int | None
    requests: int
    failures: int
    requests_per_s: float
    planned_requests_per_s: float | None
    p50_ms: int | None
    p95_ms: int | None
    p99_ms: int | None

    @property
    def answered(self) -> int:
        """Requests that did not fail."""
        return self.requests - self.failures


class FailureKind(Struct, frozen=True):
    """Why requests failed, and how many.

    Attributes:
        kind: ``connection refused``, ``HTTP 500``, ...; ``other``: those for which there was no
            row.
        count: Requests.
    """

    kind: str
    count: int


class FailureSample(Struct, frozen=True):
    """What was said when a request failed.

    Attributes:
        kind: As in ``FailureKind``.
        request: Method and name.
        text: The beginning of the answer's body, or of the error: one line, printable.
    """

    kind: str
    request: str
    text: str
