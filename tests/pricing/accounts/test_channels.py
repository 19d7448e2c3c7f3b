"""What each payment channel can do: a command either has an effect there, or is refused (C23)."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest

from engine.api import Engine
from engine.readers import read_scenario
from kernel.clock import ManualClock
from kernel.errors import RefusedError
from pricing.plans.channels import Channel

OPENED = datetime(2027, 1, 25, 9, tzinfo=UTC)
CHECKOUT = read_scenario(Path(__file__).resolve().parents[3] / "examples" / "checkout.yaml")

Act = Callable[[Engine], object]


def run_of_the_lab(engine: Engine) -> object:
    """A run that the department has no credits for."""
    return engine.runs.accept(
        CHECKOUT, account="acme", users=9, department="lab", provider="aws", dry_run=True
    )


def run_beyond_the_grant(engine: Engine) -> object:
    """A run that the whole grant does not cover."""
    return engine.runs.accept(
        CHECKOUT, account="acme", duration_s=86_400, injectors=6, provider="aws", dry_run=True
    )


ACTS: dict[str, tuple[Act, Act | None]] = {
    "upgrade": (lambda e: e.accounts.upgrade("acme", plan="advanced"), None),
    "downgrade": (lambda e: e.accounts.downgrade("acme", plan="starter"), None),
    "to-on-demand": (lambda e: e.accounts.to_on_demand("acme"), None),
    "boost": (lambda e: e.accounts.boost("acme"), None),
    "cancel": (lambda e: e.accounts.cancel("acme"), None),
    "card": (lambda e: e.accounts.set_card("acme", "tok_new"), None),
    "extra-credits": (lambda e: e.accounts.extra_credits("acme", 9_000), run_beyond_the_grant),
    "department limit": (lambda e: e.departments.limit("acme", "lab", 50_000_000), run_of_the_lab),
    "no extra-credits": (lambda e: e.accounts.extra_credits("acme", 0), None),
    "no department limit": (lambda e: e.departments.limit("acme", "lab", 0), None),
}
"""Each command, and what it is for, where that is another."""

REFUSED = {
    (Channel.INVOICE, "card"): "channel_cannot",
    (Channel.INVOICE, "extra-credits"): "extra_credits_refused",
    (Channel.AWS_MARKETPLACE, "upgrade"): "channel_cannot",
    (Channel.AWS_MARKETPLACE, "to-on-demand"): "channel_cannot",
    (Channel.AWS_MARKETPLACE, "boost"): "channel_cannot",
    (Channel.AWS_MARKETPLACE, "card"): "channel_cannot",
    (Channel.AWS_MARKETPLACE, "extra-credits"): "extra_credits_refused",
    (Channel.AWS_MARKETPLACE, "department limit"): "channel_cannot",
}


def refusal(act: Act, engine: Engine) -> str | None:
    """The code of the refusal; None: it was done."""
    try:
        act(engine)
    except RefusedError as error:
        return error.code
    return None


@pytest.mark.parametrize("channel", Channel)
def test_r101_r105_a_command_has_its_effect_or_is_refused_on_each_channel(
    migrated_file: Path, tmp_path: Path, channel: Channel
) -> None:
    for name, (act, use) in ACTS.items():
        file = tmp_path / f"{name}.db"
        shutil.copy(migrated_file, file)
        with Engine(f"sqlite:///{file}", clock=ManualClock(OPENED), environment={}) as engine:
            engine.accounts.open("acme", plan="professional", channel=channel)
            engine.departments.add("acme", "lab")
            before = engine.accounts.show("acme"), engine.departments.list("acme")
            code = refusal(act, engine)
            assert code == REFUSED.get((channel, name)), name
            if code is not None:
                after = engine.accounts.show("acme"), engine.departments.list("acme")
                assert after == before
            elif use is not None:
                use(engine)
