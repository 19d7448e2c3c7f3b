"""A small shop to put load on: ``python examples/shop.py --port 0``.

Prints its URL as one line once it listens, serves on loopback only, and ends on SIGTERM or Ctrl-C.
Pages take a few milliseconds and have sizes such as a small shop's JSON interface has.
"""

from __future__ import annotations

import argparse
import asyncio
import random
import signal
import socket
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, Response
from starlette.routing import Route

LOOPBACK = "127.0.0.1"
BACKLOG = 2048
GRACE_S = 2

PRODUCTS = [
    {
        "id": number,
        "name": f"Product {number}",
        "price": f"{5 + number % 40}.90",
        "description": "Made to be looked at, put into carts and bought. " * 5,
    }
    for number in range(1, 101)
]
HOME = f"<!doctype html><title>Shop</title><h1>Shop</h1>{'<p>Welcome.</p>' * 600}"


async def _work(mean_ms: float) -> None:
    """Take about as long as a database would: seldom, much longer."""
    await asyncio.sleep(random.lognormvariate(0, 0.4) * mean_ms / 1000)


async def home(_request: Request) -> Response:
    """The front page, 9 kB."""
    await _work(2)
    return HTMLResponse(HOME)


async def products(_request: Request) -> Response:
    """The first twenty products, 6 kB."""
    await _work(8)
    return JSONResponse(PRODUCTS[:20])


async def product(request: Request) -> Response:
    """One product, 0.3 kB."""
    await _work(4)
    number = request.path_params["number"]
    if not 1 <= number <= len(PRODUCTS):
        return JSONResponse({"error": f"no product {number}"}, status_code=404)
    return JSONResponse(PRODUCTS[number - 1])


async def search(request: Request) -> Response:
    """Products whose name contains ``q``: at most ten, up to 3 kB."""
    await _work(15)
    wanted = request.query_params.get("q", "").lower()
    found = [each for each in PRODUCTS if wanted in str(each["name"]).lower()]
    return JSONResponse({"found": len(found), "products": found[:10]})


async def cart(request: Request) -> Response:
    """Put something into the cart; what is sent is read and forgotten."""
    received = len(await request.body())
    await _work(6)
    return JSONResponse({"accepted_bytes": received}, status_code=201)


async def checkout(request: Request) -> Response:
    """Buy the cart: the slowest of all."""
    await request.body()
    await _work(30)
    return JSONResponse({"order": random.randrange(10**9)}, status_code=201)  # noqa: S311 - no secret


ROUTES = [
    Route("/", home),
    Route("/products", products),
    Route("/products/{number:int}", product),
    Route("/search", search),
    Route("/cart", cart, methods=["POST"]),
    Route("/checkout", checkout, methods=["POST"]),
]


def main() -> None:
    """Listen, say where, and serve until told to stop."""
    parser = argparse.ArgumentParser(description="A small shop to put load on.")
    parser.add_argument("--port", type=int, default=8080, help="0: any free port")
    port = parser.parse_args().port
    # Also once uvicorn has stopped in order: it then raises the signal again.
    for stop in (signal.SIGINT, signal.SIGTERM):
        signal.signal(stop, lambda *_: sys.exit(0))
    listener = socket.socket()
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((LOOPBACK, port))
    except (OSError, OverflowError) as error:
        print(f"shop: port {port}: {error}; --port 0 picks a free one", file=sys.stderr)  # noqa: T201 - its answer
        sys.exit(2)
    listener.listen(BACKLOG)

    @asynccontextmanager
    async def say_where(_app: Starlette) -> AsyncIterator[None]:
        """Once it is served, lest a signal come between the line and the server."""
        print(f"http://{LOOPBACK}:{listener.getsockname()[1]}", flush=True)  # noqa: T201 - its answer
        yield

    app = Starlette(routes=ROUTES, lifespan=say_where)
    config = uvicorn.Config(
        app, log_level="warning", access_log=False, timeout_graceful_shutdown=GRACE_S
    )
    uvicorn.Server(config).run(sockets=[listener])


if __name__ == "__main__":
    main()
