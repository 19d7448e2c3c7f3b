"""The door through which Locust comes in: it looks for user classes and a shape in this module.

Executed by Locust only, as master and as worker; never imported by us.
"""

from __future__ import annotations

import sys
from pathlib import Path

# Locust has just put the working directory before all installed packages; to the end with it,
# lest something that lies there stands in for ours.
sys.path.sort(key=str(Path.cwd()).__eq__)

from engine.load import locust_users

globals().update(locust_users.found_by_locust())
