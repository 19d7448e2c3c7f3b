"""A story that shows a difference, with all steps left out that it does not need."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from tests.independent_model.model.story import Step, Story

TRIES_MAX = 400


def shrink(story: Story, differs: Callable[[Story], bool]) -> Story:
    """The shortest story that still differs, as far as leaving things out goes.

    Args:
        story: One that differs.
        differs: Whether another one does; asked ``TRIES_MAX`` times at most.
    """
    tries = 0

    def still(other: Story) -> bool:
        nonlocal tries
        tries += 1
        return tries <= TRIES_MAX and differs(other)

    size = max(1, len(story.steps) // 2)
    while size:
        first, shorter = 0, False
        while first < len(story.steps):
            other = story.without(first, size)
            if still(other):
                story, shorter = other, True
            else:
                first += size
        if not shorter or size > 1:
            size = size // 2 if size > 1 else 0
    for plain in (
        {"activated": None},
        {"timezone": "UTC"},
        {"card": "pays"},
        {"payment_days": None},
    ):
        other = replace(story, opening=replace(story.opening, **plain))
        if other != story and still(other):
            story = other
    for number in range(len(story.steps)):
        story = _simpler(story, number, still)
    return story


def _simpler(story: Story, number: int, still: Callable[[Story], bool]) -> Story:
    """One step with less in it: no wait, no department, fewer injectors."""
    for change in ({"wait_s": 0}, {"until": ""}, {"run": 0}, {"how": ""}, {"department": ""}):
        step = story.steps[number]
        name = next(iter(change))
        if getattr(step, name) == change[name] or (name, step.do) in _NEEDED:
            continue
        other = _with(story, number, replace(step, **change))
        if still(other):
            story = other
    return story


_NEEDED = {("how", "card"), ("department", "add-department"), ("department", "allocate")} | {
    ("department", "limit")
}


def _with(story: Story, number: int, step: Step) -> Story:
    return replace(story, steps=(*story.steps[:number], step, *story.steps[number + 1 :]))
