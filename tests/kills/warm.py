"""What a warm command has before it begins: imports, and the cloud's own description of its calls.

Imported by the process that all warm commands are forked from. It opens no connection.
"""

from __future__ import annotations

import functools
import importlib
import os
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

import botocore.loaders
import botocore.session

from loadmuster.cli.main import main
from tests.real_charges import charged_for_real

NEEDED = (
    "loadmuster.cli.run",
    "loadmuster.cli.run_session",
    "loadmuster.cli.serve",
    "engine.database.connect",
    "engine.readers.native.file",
    "engine.runs.clouds.registry",
    "engine.runs.controller",
    "engine.runs.reaper.reaper",
    "engine.runs.serving",
    "providers.aws.adapter",
    "providers.rehearsal.aws_cloud",
    "sqlalchemy.dialects.postgresql.psycopg",
)
"""What the commands import in their functions, with all that it imports."""

for each in NEEDED:
    importlib.import_module(each)
# Each session reads the descriptions again; here they are read once, before any fork.
botocore.session.create_loader = functools.cache(botocore.loaders.create_loader)
botocore.session.Session().create_client(
    "ec2",
    "us-east-1",
    aws_access_key_id="warm",
    aws_secret_access_key="warm",  # noqa: S106 - no secret
)


def execute(arguments: Sequence[str], environment: Mapping[str, str], log: str) -> None:
    """Be the command line, from its first line to its exit."""
    said = os.open(log, os.O_WRONLY | os.O_APPEND | os.O_CREAT)
    nothing = os.open(os.devnull, os.O_RDONLY)
    for source, target in ((nothing, 0), (said, 1), (said, 2)):
        os.dup2(source, target)
    os.environ.update(environment)
    os.chdir(Path(__file__).resolve().parents[2])
    sys.argv = ["loadmuster", *arguments]
    with charged_for_real():
        main(arguments)
