"""What a load engine is, in one table.

A new engine is a folder of agent scripts below ``engine/load/sliced/agent``, the entry by which
scenario files name it, and a row here.
"""

from engine.load_engines.facts import EngineFacts
from engine.load_engines.table import JMETER, LOAD_ENGINES, LOCUST
from engine.load_engines.user_figures import UserFigures

__all__ = ["JMETER", "LOAD_ENGINES", "LOCUST", "EngineFacts", "UserFigures"]
