"""A locustfile as people have them: two kinds of users, tasks with weights, a listener of its own.

`own-users.yaml` beside it plays it against `shop.py`.
"""

from __future__ import annotations

import random
from typing import Any

from locust import FastHttpUser, HttpUser, between, events, task

SLOW_MS = 1_000
slow: list[str] = []


@events.request.add_listener
def note_slow(name: str, response_time: float, **_: Any) -> None:  # noqa: ANN401 - Locust's
    """Keep the names of what took longer than a second."""
    if response_time > SLOW_MS:
        slow.append(name)


class Visitor(FastHttpUser):
    """Looks around."""

    weight = 3
    wait_time = between(0.2, 0.6)

    @task(2)
    def home(self) -> None:
        """The front page."""
        self.client.get("/")

    @task
    def product(self) -> None:
        """One of the products, all counted under one name."""
        number = random.randint(1, 9)  # noqa: S311 - no secret
        self.client.get(f"/products/{number}", name="/products/[number]")


class Buyer(HttpUser):
    """Fills a cart and pays."""

    weight = 1
    wait_time = between(0.4, 0.8)

    def on_start(self) -> None:
        """Come in by the front page."""
        self.client.get("/")

    @task
    def buy(self) -> None:
        """One product after the other."""
        self.client.post("/cart", json={"product_id": 3})
        self.client.post("/checkout")
