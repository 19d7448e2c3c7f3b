"""Failure kinds: why a request failed, in a few words that many failures share.

Needs nothing but Python: injectors that play with Locust have this file and little else of
loadmuster. What is told here comes from a target, so texts are bounded and printable.
"""

from __future__ import annotations

import errno
import re
import socket
import ssl
from collections.abc import Iterator

TEXT_MAX = 300
"""Characters of a body or message that are kept; ten times that are looked at."""

KIND_MAX = 80
"""Characters of a kind that no rule of ours names."""

CHAIN_MAX = 12
"""How many exceptions are looked into: libraries wrap the one that says why."""

TIMEOUT = "timeout"
REFUSED = "connection refused"
RESET = "connection reset"
CLOSED = "connection closed without an answer"
UNRESOLVED = "name not resolved"
UNREACHABLE = "host not reachable"
TLS_UNVERIFIED = "TLS certificate verify failed"
TLS = "TLS handshake failed"
OWN_CHECK = "the test's own check"
NO_PORT = "no port left on the injector"
NO_FILE = "too many open files on the injector"
UNKNOWN = "no reason was given"

_BY_ERRNO = {
    errno.ECONNREFUSED: REFUSED,
    errno.ECONNRESET: RESET,
    errno.EPIPE: RESET,
    errno.ECONNABORTED: RESET,
    errno.ETIMEDOUT: TIMEOUT,
    errno.EHOSTUNREACH: UNREACHABLE,
    errno.ENETUNREACH: UNREACHABLE,
    errno.EADDRNOTAVAIL: NO_PORT,
    errno.EMFILE: NO_FILE,
}

_BY_WORDS = tuple(
    (re.compile(pattern, re.IGNORECASE), kind)
    for pattern, kind in (
        (r"certificate|x509|PKIX|CERT_", TLS_UNVERIFIED),
        (r"\btls\b|\bssl|SSLHandshake|handshake", TLS),
        (r"UnknownHost|no such host|name or service|getaddrinfo|\blookup\b|resolve", UNRESOLVED),
        (r"time[d]? ?-?out|timeout|deadline exceeded", TIMEOUT),
        (r"refused|HttpHostConnect|ConnectException", REFUSED),
        (r"reset|broken pipe", RESET),
        (r"NoHttpResponse|RemoteDisconnected|ConnectionClosed|premature|\bEOF\b", CLOSED),
        (r"unreachable|no route", UNREACHABLE),
    )
)
_STATUS = re.compile(r"^\s*([45]\d\d)\b|(?:found|status|code)\D{0,12}([45]\d\d)\b", re.IGNORECASE)
_STATUS_FAILED_MIN = 400


def kind_of_error(error: object, status: int | None) -> str:
    """The kind of a request that failed in Locust.

    Args:
        error: What Locust says: an exception, or a text of the test's own.
        status: Of the answer; None or 0: there was none.
    """
    if status is not None and status >= _STATUS_FAILED_MIN:
        return f"HTTP {status}"
    for each in _chain(error):
        if (kind := _kind_of_one(each)) is not None:
            return kind
    if status:
        # It was answered, and not with an error: the test was not content with what it was.
        return OWN_CHECK
    return kind_of_text("", f"{type(error).__name__}: {error}")


def kind_of_text(code: str, message: str) -> str:
    """The kind of a request that failed in a program, by the code and message of its sample."""
    for text in (code, message):
        if (status := _STATUS.search(text)) is not None:
            return f"HTTP {status[1] or status[2]}"
    both = f"{code} {message}"
    for words, kind in _BY_WORDS:
        if words.search(both):
            return kind
    if re.fullmatch(r"\s*[123]\d\d\s*", code):
        return OWN_CHECK
    return printable(both, KIND_MAX) or UNKNOWN


def printable(text: str | bytes | None, most: int = TEXT_MAX) -> str:
    """The beginning of a text, on one line, without anything that a terminal would obey."""
    if not text:
        return ""
    beginning = text[: most * 10]
    if isinstance(beginning, bytes):
        beginning = beginning.decode("utf-8", errors="replace")
    shown = "".join(each if each.isprintable() else " " for each in beginning)
    return " ".join(shown.split())[:most]


def _kind_of_one(error: BaseException) -> str | None:
    """The kind of one exception of a chain; None: it says nothing."""
    if isinstance(error, ssl.SSLCertVerificationError):
        return TLS_UNVERIFIED
    if isinstance(error, ssl.SSLError):
        return TLS_UNVERIFIED if "certificate" in str(error).lower() else TLS
    if isinstance(error, socket.gaierror):
        return UNRESOLVED
    if isinstance(error, TimeoutError):
        return TIMEOUT
    if isinstance(error, OSError) and error.errno in _BY_ERRNO:
        return _BY_ERRNO[error.errno]
    name = type(error).__name__
    if "Timeout" in name:
        return TIMEOUT
    if name in {"HTTPConnectionClosed", "RemoteDisconnected", "IncompleteRead", "HTTPParseError"}:
        return CLOSED
    return None


def _chain(error: object) -> Iterator[BaseException]:
    """An exception and those that it wraps, in whichever way, the innermost first."""
    found: list[BaseException] = []
    waiting = [error]
    while waiting and len(found) < CHAIN_MAX:
        each = waiting.pop(0)
        if not isinstance(each, BaseException) or any(each is one for one in found):
            continue
        found.append(each)
        wrapped = (each.__cause__, each.__context__, getattr(each, "reason", None), *each.args)
        waiting += wrapped
    return reversed(found)
