"""The command line: one module a group of commands, nothing but arguments and output in them.

``main`` is the console script. Command modules are imported only when they are asked for, and
they import the engine inside their functions, so that ``loadmuster --help`` stays instant.
"""

from loadmuster.cli.main import main

__all__ = ["main"]
