"""What a Locust worker counts, looked at in a process of its own: Locust patches what it meets."""

from __future__ import annotations

from functools import partial
from types import SimpleNamespace
from typing import Any

from engine.load import locust_worker
from engine.load.locust_worker import Injector
from engine.load.tally import Tally


class Runner:
    """Locust's worker, whose users are answered while they are ended."""

    client_id = "worker-0"
    current_cpu_usage = 12.0

    def __init__(self) -> None:
        self.answered: list[int] = []
        self.tally = Tally()
        self.sent: list[str] = []
        fired = SimpleNamespace(fire=self.fire)
        self.environment = SimpleNamespace(events=SimpleNamespace(report_to_master=fired))
        self.report: dict[str, Any] = {}

    def fire(self, *, client_id: str, data: dict[str, Any]) -> None:
        assert client_id == self.client_id
        self.report = data

    def stop(self) -> None:
        for token in self.answered:
            self.tally.end(token, cut_off=False)
            self.tally.answered(1.0, 20.0, failed=False)

    def send_message(self, name: str, report: dict[str, Any]) -> None:
        assert report is self.report
        self.sent.append(name)


def answered_while_the_load_is_ended() -> None:
    runner = Runner()
    injector: Any = Injector(runner, slot=0)  # type: ignore[arg-type]
    runner.tally = injector.tally
    runner.answered = [injector.tally.begin() for _ in range(3)]
    injector.tally.begin()

    injector.stop()

    counted = runner.tally.document()
    assert counted["begun"] == 4
    assert sum(count for _, count in counted["cut_off"]) == 1
    assert sum(requests for _, requests, _, _ in counted["windows"]) == 3
    assert runner.sent == ["stats"]


def seconds_since_users_were_started() -> None:
    injector = Injector(Runner(), slot=0)  # type: ignore[arg-type]
    assert injector.load_s() == 0.0
    for start_s in (1_000.0, 1_000.4, 1_000.97):
        set_clock(start_s)
        injector.begin()
        tally, merged = Tally(), Tally()
        for tenth in range(30):
            set_clock(start_s + tenth / 10 + 0.05)
            tally.answered(injector.load_s(), 5.0, failed=False)
        merged.add(tally.document())
        assert [requests for _, requests, _, _ in merged.document()["windows"]] == [10, 10, 10]


def set_clock(now_s: float) -> None:
    vars(locust_worker)["time"] = SimpleNamespace(monotonic=partial(float, now_s))


if __name__ == "__main__":
    answered_while_the_load_is_ended()
    seconds_since_users_were_started()
