"""A story is played on the product and on the model, which are compared after each step."""

from __future__ import annotations

import shutil
import tempfile
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, fields
from datetime import datetime, timedelta
from pathlib import Path

from engine.database import open_database
from tests.independent_model.model.books import opened
from tests.independent_model.model.catalogue import as_toml
from tests.independent_model.model.story import Step, Story
from tests.independent_model.product.desk import ACCOUNT, Desk
from tests.independent_model.product.picture import glance_of, picture_of

WHOLE_EVERY = 1
"""After how many steps everything is compared, and not what ``account show`` tells alone."""


@dataclass(frozen=True)
class Difference:
    """Where product and model part.

    Attributes:
        step: The number of the step after which; 0: the opening.
        what: What differs, with both sides.
    """

    step: int
    what: str


@dataclass
class Tally:
    """What was played."""

    steps: Counter[str] = field(default_factory=Counter)
    refusals: Counter[str] = field(default_factory=Counter)


@dataclass(frozen=True)
class Ground:
    """Where lives are played: an empty database is copied for each."""

    folder: Path

    def renew(self) -> str:
        """The URL of an empty database, migrated long ago."""
        for file in self.folder.glob("books.db*"):
            if file.is_file():
                file.unlink()
        shutil.copy(self.folder / "empty.db", self.folder / "books.db")
        return f"sqlite:///{self.folder / 'books.db'}"

    @property
    def plans(self) -> Path:
        """The file of what is sold."""
        return self.folder / "plans.toml"


@contextmanager
def made_ground() -> Iterator[Ground]:
    """A ground that is gone afterwards, in memory where there is such a place."""
    shared_memory = Path("/dev/shm")  # noqa: S108 - a folder of our own is made in it
    parent = shared_memory if shared_memory.is_dir() else None
    with tempfile.TemporaryDirectory(prefix="lm-model-", dir=parent) as name:
        ground = Ground(Path(name))
        open_database(f"sqlite:///{ground.folder / 'empty.db'}").dispose()
        ground.plans.write_text(as_toml(), encoding="utf-8")
        yield ground


class Play:
    """One story on both sides."""

    def __init__(self, story: Story, ground: Ground, tally: Tally, *, whole_every: int) -> None:
        self.story = story
        self.tally = tally
        self.whole_every = whole_every
        self.desk = Desk(ground.renew(), ground.folder / "runs", ground.plans, story.opening)
        self.books, self._refused = opened(story.opening)
        self._runs = 0

    def play(self) -> Difference | None:
        """All of it; where the two sides part, if they do."""
        try:
            return self._play()
        finally:
            self.desk.close()

    def _play(self) -> Difference | None:
        code = self.desk.open()
        if bool(code) != bool(self._refused):
            return Difference(0, f"product: {code or 'done'}; model: {self._refused or 'done'}")
        if code:
            return None
        for number, step in enumerate(self.story.steps, start=1):
            is_last = number == len(self.story.steps)
            what = self._step(step, whole=is_last or number % self.whole_every == 0)
            if what:
                return Difference(number, what)
        return None

    def _step(self, step: Step, *, whole: bool) -> str:
        self.desk.clock.move_to(self._when(step))
        self.tally.steps[step.do] += 1
        match step.do:
            case "run":
                return self._reserve(step) or self._compare(whole=whole)
            case "start" | "end":
                return self._drive(step) or self._compare(whole=whole)
        at = self.desk.clock.now()
        code, view = self.desk.do(step)
        expected = self.books.do(step, at)
        if bool(code) != bool(expected):
            return f"product: {code or 'done'}; model: {expected or 'done'}"
        self.tally.refusals[code] += bool(code)
        if whole or view is None:
            return self._compare(whole=whole)
        return _differences(glance_of(view), self.books.glance(at))

    def _when(self, step: Step) -> datetime:
        now = self.desk.clock.now()
        since = now
        if step.until == "boundary":
            self.books.account.advance(now)
            since = self.books.account.next_event() or now
        return max(now, since + timedelta(seconds=step.wait_s))

    def _reserve(self, step: Step) -> str:
        self._runs += 1
        run_id, at = f"run-{self._runs}", self.desk.clock.now()
        code = self.desk.reserve(run_id, step)
        expected = self.books.reserve(run_id, step, at)
        self.tally.refusals[code] += bool(code)
        if bool(code) != bool(expected):
            return f"product: {code or 'accepted'}; model: {expected or 'accepted'}"
        return ""

    def _drive(self, step: Step) -> str:
        states = ("waiting",) if step.do == "start" else ("waiting", "started")
        candidates = self.books.runs.in_state(*states)
        if not candidates:
            return ""
        run = candidates[step.run % len(candidates)]
        if step.do == "start":
            times = self.desk.start(run.id, step.how)
        else:
            times = self.desk.end(run.id, step.how)
        self.books.follow(run, times)
        return ""

    def _compare(self, *, whole: bool) -> str:
        at = self.desk.clock.now()
        if whole:
            return _differences(picture_of(self.desk.engine, ACCOUNT), self.books.picture(at))
        shown = glance_of(self.desk.engine.accounts.show(ACCOUNT))
        return _differences(shown, self.books.glance(at))


def _differences(product: object, model: object) -> str:
    """Both sides of each field that differs."""
    if product == model:
        return ""
    if isinstance(product, tuple) and isinstance(model, tuple) and len(product) + len(model) > 2:
        ours, theirs = Counter(product), Counter(model)
        lines = [f"    product {each}" for each in (ours - theirs).elements()]
        return "\n".join(
            ["", *lines, *(f"    model   {each}" for each in (theirs - ours).elements())]
        )
    if type(product) is not type(model) or not hasattr(product, "__dataclass_fields__"):
        return f"\n    product {product}\n    model   {model}"
    found = []
    for each in fields(product):  # type: ignore[arg-type]
        ours, theirs = getattr(product, each.name), getattr(model, each.name)
        if ours != theirs:
            found.append(f"  {each.name}: {_differences(ours, theirs)}")
    return "\n".join(["", *found])


def play(
    story: Story, ground: Ground, tally: Tally | None = None, *, whole_every: int = WHOLE_EVERY
) -> Difference | None:
    """Play one story; where product and model part, if they do."""
    return Play(story, ground, tally or Tally(), whole_every=whole_every).play()
