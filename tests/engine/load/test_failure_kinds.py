"""Why requests failed is told in a few words, whichever way libraries say it."""

from __future__ import annotations

import json
import socket
import ssl

import pytest
import requests

from engine.load import failure_kinds as kinds
from engine.load.tally import KINDS_MAX, SAMPLES_MAX, WINDOWS_MAX, Tally


def wrapped(inner: Exception) -> Exception:
    """As libraries do: in an argument, of an exception raised from another."""
    outer = RuntimeError("retries exceeded", inner)
    outer.__cause__ = ValueError("nothing to see here")
    return outer


@pytest.mark.parametrize(
    ("error", "kind"),
    [
        (ConnectionRefusedError(111, "Connection refused"), "connection refused"),
        (ConnectionResetError(104, "reset by peer"), "connection reset"),
        (socket.gaierror(-2, "Name or service not known"), "name not resolved"),
        (TimeoutError("timed out"), "timeout"),
        (ssl.SSLCertVerificationError(1, "self-signed certificate"), kinds.TLS_UNVERIFIED),
        (ssl.SSLError(1, "wrong version number"), "TLS handshake failed"),
        (OSError(24, "Too many open files"), "too many open files on the injector"),
        (OSError(99, "Cannot assign requested address"), "no port left on the injector"),
        (OSError(113, "No route to host"), "host not reachable"),
    ],
)
def test_every_kind_is_found_however_deep_it_is_wrapped(error: Exception, kind: str) -> None:
    assert kinds.kind_of_error(error, None) == kind
    assert kinds.kind_of_error(wrapped(wrapped(error)), 0) == kind


def test_what_a_real_client_says_of_a_dead_port() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        with pytest.raises(requests.ConnectionError) as refused:
            requests.get(f"http://127.0.0.1:{taken.getsockname()[1]}", timeout=5)
    assert kinds.kind_of_error(refused.value, None) == "connection refused"


def test_a_status_says_more_than_an_exception_and_a_test_may_refuse_an_answer() -> None:
    assert kinds.kind_of_error(RuntimeError("bad"), 503) == "HTTP 503"
    assert kinds.kind_of_error("no cart in it", 200) == kinds.OWN_CHECK


@pytest.mark.parametrize(
    ("code", "message", "kind"),
    [
        ("500", "", "HTTP 500"),
        ("200", "", kinds.OWN_CHECK),
        ("Non HTTP response code: java.net.ConnectException", "", "connection refused"),
        ("Non HTTP response code: java.net.UnknownHostException", "", "name not resolved"),
        ("Non HTTP response code: javax.net.ssl.SSLHandshakeException", "", kinds.TLS),
        ("Non HTTP response code: java.net.SocketTimeoutException", "", "timeout"),
        ("", "status.find.in(200,201), but actually found 502", "HTTP 502"),
        ("", "dial tcp 127.0.0.1:1: connect: connection refused", "connection refused"),
        ("", "x509: certificate signed by unknown authority", kinds.TLS_UNVERIFIED),
        ("", "lookup nowhere.invalid: no such host", "name not resolved"),
        ("", "request timeout", "timeout"),
        ("gRPC 14", "", "gRPC 14"),
        ("", "", kinds.UNKNOWN),
    ],
)
def test_the_samples_of_programs_are_understood(code: str, message: str, kind: str) -> None:
    assert kinds.kind_of_text(code, message) == kind


def test_a_hostile_target_fills_nothing_and_moves_no_cursor() -> None:
    tally = Tally()
    for number in range(5_000):
        text = kinds.printable(b"\x1b[2J\x00\r\n\xff" + b"x" * 100_000)
        tally.failed(f"kind {number}", f"GET /{number}", text)
        tally.answered(number * 10, number * 7, failed=True)
    document = tally.document()
    assert len(document["kinds"]) <= KINDS_MAX + 1
    assert sum(count for _, count in document["kinds"]) == 5_000
    assert len(document["samples"]) == SAMPLES_MAX
    assert all(len(each["text"]) <= kinds.TEXT_MAX for each in document["samples"])
    assert all(each["text"].isprintable() for each in document["samples"])
    assert len(document["windows"]) <= WINDOWS_MAX
    assert sum(requests for _, requests, _, _ in document["windows"]) == 5_000
    assert len(json.dumps(document)) < 60_000


def test_tallies_add_up_exactly_however_wide_their_windows_are() -> None:
    one, other = Tally(), Tally()
    for at_s in range(1_000):
        one.answered(at_s, at_s, failed=at_s % 3 == 0)
    for at_s in range(10):
        other.answered(at_s, 5, failed=False)
        other.end(other.begin(), cut_off=at_s % 2 == 0)
    other.add(json.loads(json.dumps(one.document())))
    assert other.window_s == one.window_s > 1
    assert sum(window.requests for window in other.windows.values()) == 1_010
    assert sum(window.failures for window in other.windows.values()) == 334
    assert other.windows[0].times[5] == 8 + 1, "of the first eight seconds"
    assert other.begun == 10
    assert other.cut_off is not None
    assert sum(other.cut_off.values()) == 5
    unknown = {**one.document(), "begun": None, "cut_off": None}
    other.add(unknown)
    document = other.document()
    assert (document["begun"], document["cut_off"]) == (None, None), "unknown and some is unknown"
