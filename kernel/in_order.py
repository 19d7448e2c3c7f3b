"""Work done by several threads at once, and handed out in the order in which it was given."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TypeVar

Given = TypeVar("Given")
Done = TypeVar("Done")


def in_order(work: Callable[[Given], Done], given: Iterable[Given], workers: int) -> Iterator[Done]:
    """Do a piece of work for each of what is given.

    No more is taken of it than the workers have to do: one piece each, and one that waits. With one
    worker it is all done by the caller's thread.

    Args:
        work: What is done.
        given: For what.
        workers: Threads, at least one.

    Raises:
        Exception: What the work raises, or what is given; pieces that were not begun are dropped.
    """
    if workers == 1:
        yield from map(work, given)
        return
    pool = ThreadPoolExecutor(workers)
    try:
        waiting: deque[Future[Done]] = deque()
        for each in given:
            waiting.append(pool.submit(work, each))
            if len(waiting) > workers:
                yield waiting.popleft().result()
        while waiting:
            yield waiting.popleft().result()
    finally:
        pool.shutdown(cancel_futures=True)
