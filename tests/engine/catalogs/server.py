"""Both price lists on loopback: they page, throttle, expire and break as the real ones do.

Azure's answers ``GET /api/retail/prices``, AWS's the JSON protocol of the Price List and the query
protocol of EC2, all on one port.
"""

from __future__ import annotations

import gzip
import json
import re
import socket
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit
from xml.sax.saxutils import escape

EC2_XML = "http://ec2.amazonaws.com/doc/2016-11-15/"
_CLAUSE = re.compile(r"(\w+) eq '([^']*)'")
_AZURE_FIELDS = {"priceType": "type"}


@dataclass
class PriceLists:
    """What both lists hold, and what goes wrong with the calls to come.

    Attributes:
        products: Texts of AWS's products.
        items: Rows of Azure's list.
        types: Entries of DescribeInstanceTypes: name, vCPUs, MiB, architecture, Gbps, burstable.
        spot: Rows of DescribeSpotPriceHistory: region, type, zone, price, system.
        page_rows: Rows of a page.
        faults: By the number of a call, from 1 on: what goes wrong with it.
        calls: What was asked, in order.
        gate: A call that hangs is answered once it is open.
    """

    products: list[str] = field(default_factory=list)
    items: list[dict[str, Any]] = field(default_factory=list)
    types: list[tuple[str, int, int, str, float, bool]] = field(default_factory=list)
    spot: list[tuple[str, str, str, str, str]] = field(default_factory=list)
    page_rows: int = 100
    faults: dict[int, str] = field(default_factory=dict)
    calls: list[str] = field(default_factory=list)
    gate: threading.Event = field(default_factory=threading.Event)

    @property
    def called(self) -> int:
        """How often anything was asked."""
        return len(self.calls)


@dataclass(frozen=True)
class Reply:
    """An answer, and how it breaks."""

    status: int
    body: bytes
    headers: Mapping[str, str] = field(default_factory=dict)
    is_cut: bool = False


@contextmanager
def serving(lists: PriceLists) -> Iterator[str]:
    """Answer on a free port of this computer; yields the address."""

    class Door(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            self.send(azure_reply(lists, self.path))

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            target = self.headers.get("X-Amz-Target")
            self.send(
                aws_reply(lists, json.loads(body))
                if target is not None
                else ec2_reply(lists, parse_qs(body.decode()), self.headers["Authorization"])
            )

        def send(self, reply: Reply) -> None:
            body = reply.body
            headers = dict(reply.headers)
            if "gzip" in self.headers.get("Accept-Encoding", "") and reply.status == 200:
                body = gzip.compress(body)
                headers["Content-Encoding"] = "gzip"
            self.send_response(reply.status)
            for name, value in headers.items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            if reply.is_cut:
                self.wfile.write(body[: len(body) // 2])
                self.wfile.flush()
                self.close_connection = True
                self.connection.shutdown(socket.SHUT_RDWR)
            else:
                self.wfile.write(body)

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - http.server's name
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Door)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def azure_reply(lists: PriceLists, path: str) -> Reply:
    """A page of Azure's list."""
    parts = urlsplit(path)
    query = {name: values[0] for name, values in parse_qs(parts.query).items()}
    lists.calls.append(f"azure {query.get('$filter')} {query.get('$skip', '0')}")
    fault = lists.faults.get(lists.called, "")
    if fault == "hang":
        lists.gate.wait(60)
    refusal = _azure_refusal(fault)
    if refusal is not None:
        return refusal
    if parts.path != "/api/retail/prices" or query.get("currencyCode") != "'USD'":
        return Reply(400, b'{"Error":{"Code":"BadRequest","Message":"Invalid currency."}}')
    wanted = _CLAUSE.findall(query["$filter"])
    rows = [
        row
        for row in lists.items
        if all(row.get(_AZURE_FIELDS.get(name, name)) == value for name, value in wanted)
    ]
    skip = int(query.get("$skip", "0"))
    page = rows[skip : skip + lists.page_rows]
    link = None
    if skip + lists.page_rows < len(rows) and fault != "no link":
        # The real one names the port, and another host than a reader may have asked.
        following = f"{parts.query.partition('&%24skip')[0]}&%24skip={skip + len(page)}"
        link = f"https://prices.azure.com:443/api/retail/prices?{following}"
    document = {
        "BillingCurrency": "USD",
        "CustomerEntityId": "Default",
        "CustomerEntityType": "Retail",
        "Items": page,
        "NextPageLink": link if link or not skip else "",
        "Count": len(page) + (1 if fault == "wrong count" else 0),
    }
    left = {"x-ms-ratelimit-remaining-retailPrices-requests": "0" if fault == "none left" else "57"}
    return Reply(200, json.dumps(document).encode(), left, is_cut=fault == "cut")


def _azure_refusal(fault: str) -> Reply | None:
    if fault.startswith("429"):
        after = fault.removeprefix("429").strip()
        said = b'{"error":{"code":"429","message":"Too many requests."}}'
        return Reply(429, said, {"Retry-After": after} if after else {})
    if fault == "500":
        return Reply(500, b"<html>oops</html>")
    if fault == "no json":
        return Reply(200, b"<html>a proxy's page</html>")
    return Reply(400, b'{"Error":{"Message":"Invalid filter"}}') if fault == "400" else None


def aws_reply(lists: PriceLists, asked: dict[str, Any]) -> Reply:
    """A page of AWS's Price List."""
    filters = {each["Field"]: each["Value"] for each in asked["Filters"]}
    where = filters.get("regionCode") or filters.get("fromLocation")
    kind = filters.get("productFamily") or filters.get("group") or filters.get("transferType")
    token = asked.get("NextToken", "")
    lists.calls.append(f"aws {where} {kind} {token}".rstrip())
    fault = lists.faults.get(lists.called, "")
    if fault.endswith("Exception"):
        error = {"__type": fault, "message": f"{fault} as rehearsed"}
        return Reply(500 if fault == "InternalErrorException" else 400, json.dumps(error).encode())
    found = [text for text in lists.products if _matches(text, asked["ServiceCode"], filters)]
    start = int(token.partition("-")[2] or 0)
    page = found[start : start + lists.page_rows]
    document: dict[str, Any] = {"FormatVersion": "aws_v1", "PriceList": page}
    if start + len(page) < len(found):
        document["NextToken"] = f"token-{start + len(page)}"
    return Reply(
        200,
        json.dumps(document).encode(),
        {"Content-Type": "application/x-amz-json-1.1"},
        is_cut=fault == "cut",
    )


def _matches(text: str, service: str, filters: Mapping[str, str]) -> bool:
    """As the list does it: exactly, and case-sensitively."""
    product = json.loads(text)
    said = {
        **product["product"]["attributes"],
        "productFamily": product["product"]["productFamily"],
    }
    return said.get("servicecode") == service and all(
        said.get(name) == value for name, value in filters.items()
    )


def ec2_reply(lists: PriceLists, asked: Mapping[str, list[str]], signed: str) -> Reply:
    """What EC2 says of machine types, or of spot prices."""
    (action,) = asked["Action"]
    region = signed.split("/")[2]
    lists.calls.append(f"ec2 {region} {action}")
    if action == "DescribeInstanceTypes":
        wanted = [values[0] for name, values in asked.items() if ".Value." in name]
        items = "".join(_type(each) for each in lists.types if each[0] in wanted)
        body = f"<instanceTypeSet>{items}</instanceTypeSet>"
    else:
        token = asked.get("NextToken", ["0"])[0]
        rows = [each for each in lists.spot if each[0] == region]
        start = int(token)
        page = rows[start : start + lists.page_rows]
        body = f"<spotPriceHistorySet>{''.join(map(_spot, page))}</spotPriceHistorySet>"
        if start + len(page) < len(rows):
            body += f"<nextToken>{start + len(page)}</nextToken>"
    text = f'<{action}Response xmlns="{EC2_XML}"><requestId>r</requestId>{body}</{action}Response>'
    return Reply(200, text.encode(), {"Content-Type": "text/xml;charset=UTF-8"})


def _type(entry: tuple[str, int, int, str, float, bool]) -> str:
    name, vcpus, memory_mib, architecture, gbps, burstable = entry
    return (
        f"<item><instanceType>{escape(name)}</instanceType><bareMetal>false</bareMetal>"
        f"<burstablePerformanceSupported>{str(burstable).lower()}</burstablePerformanceSupported>"
        f"<vCpuInfo><defaultVCpus>{vcpus}</defaultVCpus></vCpuInfo>"
        f"<memoryInfo><sizeInMiB>{memory_mib}</sizeInMiB></memoryInfo>"
        f"<processorInfo><supportedArchitectures><item>{architecture}</item>"
        "</supportedArchitectures></processorInfo><networkInfo><networkCards><item>"
        f"<baselineBandwidthInGbps>{gbps}</baselineBandwidthInGbps>"
        f"<peakBandwidthInGbps>{2 * gbps}</peakBandwidthInGbps>"
        "</item></networkCards></networkInfo></item>"
    )


def _spot(row: tuple[str, str, str, str, str]) -> str:
    _, name, zone, price, system = row
    return (
        f"<item><instanceType>{name}</instanceType><productDescription>{system}"
        f"</productDescription><spotPrice>{price}</spotPrice>"
        "<timestamp>2026-11-22T08:00:00.000Z</timestamp>"
        f"<availabilityZone>{zone}</availabilityZone></item>"
    )
