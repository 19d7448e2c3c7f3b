"""How a Python process of ours is started: never from what lies in the user's working folder.

``python -m`` puts the working folder before everything that is installed, so a folder ``engine``
or a file ``json.py`` in it would be imported in the place of ours. ``-P`` keeps it off the path;
it is an argument of each of our programs and not ``PYTHONSAFEPATH`` in their environment, which
would reach the user's own programs that they start: those must go on finding their own modules.
"""

from __future__ import annotations

import sys

INTERPRETER_VARIABLE = "LOADMUSTER_PYTHON"
"""Names, for the scripts of an injector, a Python that has the load generator."""


def python_program(module: str, *arguments: str) -> list[str]:
    """The command line that runs an installed module with this interpreter, wherever it is started.

    Args:
        module: As ``python -m`` takes it.
        arguments: Of the module.
    """
    return [sys.executable, "-P", "-m", module, *arguments]


def injector_interpreter() -> dict[str, str]:
    """The part of an injector's environment that names this interpreter, for one on this computer.

    What an injector runs lies in its own folder, by itself; its modules are imported from there.
    """
    return {INTERPRETER_VARIABLE: sys.executable}
