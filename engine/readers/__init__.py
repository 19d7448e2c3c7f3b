"""Readers: files that people or other programs wrote, turned into a ``Scenario``.

``read_scenario`` tells the format by the content and applies what the command line overrides. A
reader module checks its format at the rim and hands out frozen values; what it refuses, it refuses
with one line that says where and what would be right.
"""

from engine.readers.read import FORMATS, read_scenario

__all__ = ["FORMATS", "read_scenario"]
