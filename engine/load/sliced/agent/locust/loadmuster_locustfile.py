"""Somebody's own locustfile: imported as Locust imports it, its shape on the common clock.

Its folder is ``files`` in the working folder. What is wrong with it is said in one line, with file
and line, in the file ``problem``.
"""

from __future__ import annotations

import importlib.util
import logging
import os
import sys
import time
import traceback
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

from locust import LoadTestShape
from locust.util.load_locustfile import is_shape_class, is_user_class

HERE = Path.cwd()
FILES = HERE / "files"
PROBLEM = HERE / "problem"
LINE_MAX = 400


def say_problem(line: str) -> None:
    """Leave the line for whoever looks why this process ended."""
    PROBLEM.write_text(line[:LINE_MAX] + "\n", encoding="utf-8")


def told(error: BaseException) -> str:
    """An error in one line: the place in the user's files where it came from, and what it is."""
    place = ""
    if isinstance(error, SyntaxError) and error.filename:
        place = f"{_below(error.filename) or error.filename}:{error.lineno}: "
    else:
        for frame in reversed(traceback.extract_tb(error.__traceback__)):
            if (file := _below(frame.filename)) is not None:
                place = f"{file}:{frame.lineno}: "
                break
    said = error.msg if isinstance(error, SyntaxError) else str(error)
    return f"{place}{type(error).__name__}: {' '.join(said.split())}"[:LINE_MAX]


def _below(file: str) -> str | None:
    path = Path(file)
    return path.relative_to(FILES).as_posix() if path.is_relative_to(FILES) else None


def load_own(main: str) -> tuple[dict[str, type[Any]], type[Any] | None]:
    """User classes by name, and the shape's class if there is one.

    A file that cannot be loaded ends the process, with its problem said.
    """
    path = FILES / main
    _make_room(path.parent)
    os.chdir(FILES)
    try:
        module = _imported(path)
    except BaseException as error:
        say_problem(told(error))
        raise
    finally:
        # Locust reads settings from the working folder; those of the user's are for other loads.
        os.chdir(HERE)
    found = vars(module)
    users = {name: each for name, each in found.items() if is_user_class(each)}
    if not users:
        say_problem(f"{main}: has no user class; write one that is derived from locust.User")
        sys.exit(1)
    shapes = [each for each in found.values() if is_shape_class(each)]
    return users, shapes[0] if shapes else None


def _make_room(folder: Path) -> None:
    """Let the user's modules be found first, whatever ours are called."""
    ours = [entry for entry in sys.path if Path(entry or ".").resolve() == HERE]
    sys.path[:] = [str(folder), str(FILES), *(each for each in sys.path if each not in ours)]
    for name, module in list(sys.modules.items()):
        file = getattr(module, "__file__", None)
        is_ours = file is not None and Path(file).parent == HERE
        if is_ours and any((each / f"{name}.py").exists() for each in (folder, FILES)):
            del sys.modules[name]


def _imported(path: Path) -> ModuleType:
    name = "locustfile" if path.stem == "locust" else path.stem
    spec = importlib.util.spec_from_file_location(name, path)
    assert spec is not None, "a file whose name ends with .py"
    assert spec.loader is not None, "likewise"
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    spec.loader.exec_module(module)
    return module


class OwnShape:
    """The user's shape, asked by the clock that all processes share.

    Attributes:
        played_s: How far the load is.
        count_users: How many users all processes have.
        scale: Seconds of the test that one second plays.
    """

    def __init__(
        self,
        shape_class: type[LoadTestShape],
        played_s: Callable[[], float],
        count_users: Callable[[], int],
        scale: float = 1.0,
    ) -> None:
        self.played_s, self.scale = played_s, scale
        shape: Any = shape_class
        self._shape: Any = shape()
        self._shape.get_current_user_count = count_users

    def tick(self, runner: object) -> Any:  # noqa: ANN401 - whatever theirs answers
        """What the user's shape wants now; None: the load's end."""
        self._shape.runner = runner
        self._shape.start_time = time.perf_counter() - self.played_s() * self.scale
        return self._shape.tick()


class ListenerErrors(logging.Handler):
    """Keeps what went wrong in listeners, which Locust logs and passes over."""

    KEPT_MAX = 5

    def __init__(self) -> None:
        super().__init__(logging.ERROR)
        self.notes: dict[str, None] = {}

    def emit(self, record: logging.LogRecord) -> None:
        """Keep the line of an error that was not caught."""
        error = sys.exc_info()[1]
        if (
            error is not None
            and record.getMessage().startswith("Uncaught exception in event handler")
            and len(self.notes) < self.KEPT_MAX
        ):
            self.notes[f"a listener failed: {told(error)}"] = None
