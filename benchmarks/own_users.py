"""Users of somebody's own, as a locustfile has them: they search each page for what it holds."""

from __future__ import annotations

import hashlib
import json
import re

from locust import HttpUser, constant, task

WORD = re.compile(r"x{5}")


class Searching(HttpUser):
    """Fetches a page, counts its words, and keeps a document of them."""

    wait_time = constant(1)

    @task
    def search(self) -> None:
        """One page."""
        with self.client.get("/20000", catch_response=True) as page:
            words = WORD.findall(page.text)
            kept = json.dumps({"words": words, "sum": hashlib.sha256(page.content).hexdigest()})
            if len(json.loads(kept)["words"]) != len(words):
                page.failure("lost words")
