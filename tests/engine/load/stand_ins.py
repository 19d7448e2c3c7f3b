"""Stand-ins for load generators that cannot be had here: they take the same options, really load
the target, and write what they measured in the documented form of each.

    python stand_ins.py k6 run --paused ...

An option that is not known ends a stand-in with status 2, as it would end the real one.
"""

from __future__ import annotations

import argparse
import os
import ssl
import sys
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator, Mapping, Sequence
from fractions import Fraction
from http.server import BaseHTTPRequestHandler, HTTPServer
from itertools import pairwise
from pathlib import Path
from urllib.parse import urlsplit

PAUSE_S = 0.1
CONTEXTS: list[ssl.SSLContext] = []
"""Whose certificates are believed, where it is not the environment's to say."""
K6_HEADER = (
    "metric_name,timestamp,metric_value,check,error,error_code,expected_response,group,method,name,"
    "proto,scenario,service,status,subproto,tls_version,url,extra_tags"
)

Sample = tuple[float, float, int]
"""When it began, milliseconds, and the status of the answer; 0: there was none."""


def request(url: str) -> Sample:
    """Fetch a page."""
    began_s = time.time()
    try:
        with urllib.request.urlopen(  # noqa: S310 - http, as below
            url, timeout=60, context=CONTEXTS[0] if CONTEXTS else None
        ) as answer:
            answer.read()
            status = answer.status
    except urllib.error.HTTPError as error:
        status = error.code
    except OSError:
        status = 0
    return began_s, (time.time() - began_s) * 1000, status


def play(url: str, users_at: Callable[[float], int], duration_s: float) -> Iterator[list[Sample]]:
    """Hold as many users as the plan says; a list of what they measured every tenth of a second."""
    begun_s = time.time()
    while (at_s := time.time() - begun_s) < duration_s:
        samples: list[Sample] = []
        users = [
            threading.Thread(target=lambda done: done.append(request(url)), args=(samples,))
            for _ in range(users_at(at_s))
        ]
        for user in users:
            user.start()
        for user in users:
            user.join()
        yield samples
        time.sleep(PAUSE_S)


def put(line: str) -> None:
    """Write a line, and do not keep it back."""
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


def k6(arguments: Sequence[str]) -> int:
    """As ``k6 run``; the script is the path that it fetches, a status to end with, and users."""
    if arguments[0] == "version":
        put("k6 v1.3.0 (go1.24, linux/amd64)")
        return 0
    parser = argparse.ArgumentParser(allow_abbrev=False)
    parser.add_argument("command", choices=["run"])
    parser.add_argument("--quiet", action="store_true", required=True)
    parser.add_argument("--paused", action="store_true", required=True)
    parser.add_argument("--address", required=True)
    parser.add_argument("--out", required=True, choices=["csv=-"])
    parser.add_argument("--execution-segment", required=True)
    parser.add_argument("--execution-segment-sequence", required=True)
    parser.add_argument("--stage", action="append", default=[])
    parser.add_argument("--insecure-skip-tls-verify", action="store_true")
    parser.add_argument("script", type=Path)
    options = parser.parse_args(arguments)
    if options.insecure_skip_tls_verify:
        CONTEXTS.append(ssl._create_unverified_context())  # noqa: S323 - as told
    put(K6_HEADER)
    _wait_for_resume(options.address)
    low, high = (Fraction(each) for each in options.execution_segment.split(":"))
    bounds = [Fraction(each) for each in options.execution_segment_sequence.split(",")]
    if (low, high) not in set(pairwise(bounds)) or bounds[0] != 0 or bounds[-1] != 1:
        return 1
    path, status, *own = options.script.read_text().split()
    points = [(0.0, 0)]
    for stage in options.stage or own or ["2s:4"]:
        length, users = stage.split(":")
        scale = 1000 if length.endswith("ms") else 1
        points.append((points[-1][0] + float(length.rstrip("ms")) / scale, int(users)))
    _k6_rows(os.environ["LOADMUSTER_TARGET"] + path, points, low, high)
    return int(status)


def _k6_rows(url: str, points: Sequence[tuple[float, int]], low: Fraction, high: Fraction) -> None:
    def users_at(at_s: float) -> int:
        for (since_s, before), (until_s, after) in pairwise(points):
            if at_s < until_s:
                users = before + round((after - before) * (at_s - since_s) / (until_s - since_s))
                return int(users * high) - int(users * low)
        return 0

    begun_s = time.time()
    for samples in play(url, users_at, points[-1][0]):
        put(f"vus,{time.time():.0f},{users_at(time.time() - begun_s):.6f}" + "," * 15)
        for began_s, time_ms, status in samples:
            expected = str(200 <= status < 400).lower()
            error = "" if status else '"dial: refused, ""again"""'
            tags = f",,{error},,{expected},,GET,{url},HTTP/1.1,default,,{status},,,{url},"
            at_s = int(began_s + time_ms / 1000)
            put(f"http_reqs,{at_s},1.000000{tags}")
            put(f"http_req_duration,{at_s},{time_ms:.6f}{tags}")
            put(f"http_req_waiting,{at_s},{time_ms / 2:.6f}{tags}")


def _wait_for_resume(address: str) -> None:
    """Serve k6's REST API until a request ends the pause."""
    resumed = threading.Event()

    class Status(BaseHTTPRequestHandler):
        def do_PATCH(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            right = self.path == "/v1/status" and b'"paused":false' in body
            self.send_response(200 if right else 400)
            self.end_headers()
            if right:
                resumed.set()

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002
            pass

    host, port = address.split(":")
    server = HTTPServer((host, int(port)), Status)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    resumed.wait()
    server.shutdown()
    server.server_close()


def jmeter(arguments: Sequence[str]) -> int:
    """As ``jmeter -n``; the plan is the path that it fetches, and perhaps threads of its own."""
    parser = argparse.ArgumentParser(allow_abbrev=False)
    parser.add_argument("-n", action="store_true", required=True)
    parser.add_argument("-t", type=Path, required=True)
    parser.add_argument("-l", type=Path, required=True)
    parser.add_argument("-j", required=True)
    parser.add_argument("-J", action="append", default=[])
    options = parser.parse_args(arguments)
    properties = dict(each.split("=", 1) for each in options.J)
    kept = {
        name.removeprefix("jmeter.save.saveservice."): value
        for name, value in properties.items()
        if name.startswith("jmeter.save.saveservice.")
    }
    # What JMeter saves unless it is told not to comes between the columns that are needed.
    columns = ["timeStamp", "elapsed"]
    columns += ["label"] if kept.get("label") != "false" else []
    columns += ["responseCode"] if kept.get("response_code") == "true" else []
    columns += ["success"]
    columns += ["grpThreads", "allThreads"] if kept.get("thread_counts") == "true" else []
    path, *own = options.t.read_text().split()
    users, duration_s = int((own or [properties["users"]])[0]), float(properties["duration_s"])
    ramp_up_s = max(0.001, float(properties["ramp_up_s"]))

    def users_at(at_s: float) -> int:
        return min(users, int(users * at_s / ramp_up_s) + 1)

    url = properties["target"] + path
    begun_s = time.time()
    with options.l.open("w", buffering=1) as jtl:
        print(",".join(columns), file=jtl)
        for samples in play(url, users_at, duration_s):
            threads = users_at(time.time() - begun_s)
            for began_s, time_ms, status in samples:
                values = {
                    "timeStamp": int(began_s * 1000),
                    "elapsed": int(time_ms),
                    "label": '"home, sweet ""home"""',
                    "responseCode": status or "Non HTTP response code: java.net.ConnectException",
                    "success": str(status == 200).lower(),
                    "grpThreads": threads,
                    "allThreads": threads,
                }
                print(",".join(str(values[name]) for name in columns), file=jtl)
    return 0


def java(arguments: Sequence[str]) -> int:
    """As Gatling 3.9 in Java; the class path is a file that holds the path that it fetches, what
    its log is, and perhaps users of its own."""
    parser = argparse.ArgumentParser(allow_abbrev=False)
    parser.add_argument("-cp", type=Path, required=True)
    parser.add_argument("-D", action="append", default=[])
    parser.add_argument("main", choices=["io.gatling.app.Gatling"])
    parser.add_argument("--simulation", required=True)
    parser.add_argument("--results-folder", type=Path, required=True)
    parser.add_argument("--no-reports", action="store_true", required=True)
    options = parser.parse_args(arguments)
    properties = dict(each.split("=", 1) for each in options.D)
    CONTEXTS.append(_trust_of_gatling(properties))
    path, text, *own = options.cp.read_text().split()
    folder = options.results_folder / "checkout-20270125091500000"
    folder.mkdir(parents=True)
    if text != "text":
        (folder / "simulation.log").write_bytes(b"\x00\x00\x00\x063.13.1")
        time.sleep(5)
        return 0
    users, name = int((own or [properties["users"]])[0]), options.simulation
    now_ms = int(time.time() * 1000)
    with (folder / "simulation.log").open("w", buffering=1) as log:
        print("RUN", name, "checkout", now_ms, " ", "3.9.5", sep="\t", file=log)
        for _ in range(users):
            print("USER", "shopping", "START", now_ms, sep="\t", file=log)
        url = properties["target"] + path
        for samples in play(url, lambda _: users, float(properties["duration_s"])):
            for began_s, time_ms, status in samples:
                start, end = int(began_s * 1000), int(began_s * 1000 + time_ms)
                said = ("OK", " ") if status == 200 else ("KO", f"status {status}")
                print("REQUEST", "", "home", start, end, *said, sep="\t", file=log)
        for _ in range(users):
            print("USER", "shopping", "END", int(time.time() * 1000), sep="\t", file=log)
    return 0


def _trust_of_gatling(properties: Mapping[str, str]) -> ssl.SSLContext:
    """Any certificate, unless it is told otherwise; those of a Java store, if there is one."""
    if properties.get("gatling.ssl.useInsecureTrustManager") != "false":
        return ssl._create_unverified_context()  # noqa: S323 - as Gatling does
    assert properties["gatling.http.enableHostnameVerification"] == "true"
    file = properties.get("gatling.ssl.trustStore.file")
    if file is None:
        return ssl.create_default_context()
    from cryptography.hazmat.primitives.serialization import Encoding, pkcs12

    assert properties["gatling.ssl.trustStore.type"] == "PKCS12"
    password = properties["gatling.ssl.trustStore.password"].encode()
    held = pkcs12.load_pkcs12(Path(file).read_bytes(), password).additional_certs
    pem = b"".join(each.certificate.public_bytes(Encoding.PEM) for each in held)
    return ssl.create_default_context(cadata=pem.decode())


def install(folder: Path) -> None:
    """Put executables of the generators' names into a folder."""
    folder.mkdir(exist_ok=True)
    for name in ("k6", "jmeter", "java"):
        program = folder / name
        program.write_text(f'#!/bin/sh\nexec "{sys.executable}" "{__file__}" {name} "$@"\n')
        program.chmod(0o755)


if __name__ == "__main__":
    assert urlsplit(os.environ.get("LOADMUSTER_TARGET", "//127.0.0.1")).hostname == "127.0.0.1"
    sys.exit({"k6": k6, "jmeter": jmeter, "java": java}[sys.argv[1]](sys.argv[2:]))
