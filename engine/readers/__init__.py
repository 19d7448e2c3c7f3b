"""Readers: files that people or other programs wrote, turned into a ``Scenario``.

``read_scenario`` tells the format by the content and applies what the command line overrides. A
reader is a folder here, and a row of ``registry.READERS`` that says what tells its files; it checks
its format at the rim and hands out frozen values; what it refuses, it refuses with one line that
says where and what would be right.
"""

from engine.readers.read import read_scenario
from engine.readers.registry import READERS, Reader

__all__ = ["READERS", "Reader", "read_scenario"]
