"""The example shop answers as a shop does, and starts and ends in order."""

from __future__ import annotations

import json
import signal
import socket
import subprocess
import sys
from pathlib import Path
from urllib.error import HTTPError
from urllib.request import Request, urlopen

import pytest

from tests.patience import PATIENCE_S

SHOP = Path(__file__).parents[3] / "examples" / "shop.py"


@pytest.mark.parametrize(
    ("path", "least_bytes"),
    [("/", 5000), ("/products", 4000), ("/products/7", 200), ("/search?q=product", 1000)],
)
def test_its_pages_have_realistic_sizes(shop: str, path: str, least_bytes: int) -> None:
    with urlopen(shop + path, timeout=PATIENCE_S) as answer:  # noqa: S310 - loopback
        assert len(answer.read()) >= least_bytes


@pytest.mark.parametrize("path", ["/cart", "/checkout"])
def test_it_takes_carts_and_orders(shop: str, path: str) -> None:
    body = json.dumps({"product_id": 3, "quantity": 1}).encode()
    with urlopen(Request(shop + path, data=body), timeout=PATIENCE_S) as answer:  # noqa: S310 - loopback
        assert answer.status == 201


def test_a_product_that_it_does_not_have_is_not_found(shop: str) -> None:
    with pytest.raises(HTTPError) as refused:
        urlopen(f"{shop}/products/999", timeout=PATIENCE_S)  # noqa: S310 - loopback
    refused.value.close()
    assert refused.value.code == 404


@pytest.mark.parametrize("stop", [signal.SIGTERM, signal.SIGINT])
def test_it_prints_one_line_and_stops_in_order(stop: signal.Signals) -> None:
    with subprocess.Popen(
        [sys.executable, str(SHOP), "--port", "0"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline().startswith("http://127.0.0.1:")
        process.send_signal(stop)
        rest, errors = process.communicate(timeout=PATIENCE_S)
    assert (process.returncode, rest, errors) == (0, "", "")


def test_a_taken_port_is_one_clear_line() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = str(taken.getsockname()[1])
        refused = subprocess.run(
            [sys.executable, str(SHOP), "--port", port],
            capture_output=True,
            text=True,
            timeout=PATIENCE_S,
            check=False,
        )
    assert refused.returncode == 2
    assert refused.stderr.count("\n") == 1
    assert port in refused.stderr
