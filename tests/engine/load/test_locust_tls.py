"""What Locust's users believe is read once for all of them, and nothing is added to it."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from benchmarks.measured_behaviours import certificate

USERS = """
import ssl, sys
from gevent import monkey

monkey.patch_all()
from geventhttpclient import HTTPClient
from locust.contrib.fasthttp import FastHttpUser
from engine.load.locust_tls import believe

reads = []
read = ssl.SSLContext.load_verify_locations

def counted(self, *args, **named):
    reads.append(named)
    return read(self, *args, **named)

ssl.SSLContext.load_verify_locations = counted
believe(verify=True, ca_file=sys.argv[1])
clients = [
    HTTPClient("127.0.0.1", 443, ssl=True, ssl_context_factory=FastHttpUser.ssl_context_factory)
    for _ in range(20)
]
(context,) = {client._connection_pool.ssl_context for client in clients}
print(len(reads), len(context.get_ca_certs()))
"""


def test_authorities_are_read_once_and_are_the_scenarios_alone(tmp_path: Path) -> None:
    _, ca_pem = certificate(tmp_path)
    arguments = [sys.executable, "-c", USERS, str(ca_pem)]
    root = Path(__file__).resolve().parents[3]
    ended = subprocess.run(arguments, capture_output=True, text=True, cwd=root, check=True)
    assert ended.stdout.split() == ["1", "1"]
