"""What a locustfile says of itself, read without running it: hosts, and whether it has a shape."""

from __future__ import annotations

import ast

SHAPE = "LoadTestShape"
"""Locust's base class of shapes; a file that never names it has none of its own."""


class LocustfileSyntaxError(ValueError):
    """It is no Python; the message says where."""


def no_user_class(main: str) -> str:
    """What is wrong with a locustfile that Locust finds no users in."""
    return f"{main}: has no user class; write one that is derived from locust.User"


def own_host(file: str, content: bytes) -> str | None:
    """The one host that its user classes name literally; None: none does, or they differ.

    Raises:
        LocustfileSyntaxError: The file is no Python.
    """
    try:
        tree = ast.parse(content, file)
    except (SyntaxError, ValueError, RecursionError) as error:
        line = f"{file}:{error.lineno}" if isinstance(error, SyntaxError) else file
        said = error.msg if isinstance(error, SyntaxError) else str(error)
        raise LocustfileSyntaxError(
            f"{line}: SyntaxError: {said}; correct the locustfile"
        ) from None
    hosts = {
        statement.value.value
        for each in ast.walk(tree)
        if isinstance(each, ast.ClassDef)
        for statement in each.body
        if isinstance(statement, ast.Assign | ast.AnnAssign)
        and isinstance(statement.value, ast.Constant)
        and isinstance(statement.value.value, str)
        and "host" in _names(statement)
    }
    return hosts.pop() if len(hosts) == 1 else None


def _names(statement: ast.Assign | ast.AnnAssign) -> set[str]:
    targets = statement.targets if isinstance(statement, ast.Assign) else [statement.target]
    return {each.id for each in targets if isinstance(each, ast.Name)}
