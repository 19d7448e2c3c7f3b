"""Who a machine of this computer is, written where the operating system shows it.

A machine's tags are its command line, so that it is found by looking at the processes alone,
without any file. Everything that a machine starts inherits the same words in one environment
variable, so that a process which left the family, or lost its parents, is still known as a part
of its machine.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from pathlib import Path

from msgspec import Struct

from providers.contract import Machine, MachineState

PROGRAM = "providers.local.machine"
MARK = "LOADMUSTER_MACHINE"
MACHINE_TYPE = "process"
# The unit separator of ASCII: in no id and in no path.
SEPARATOR = "\x1f"


class Identity(Struct, frozen=True):
    """The tags of one machine, and its place in the launch.

    Attributes:
        run_id: Which run it is for.
        attempt: Which attempt of the run launched it.
        owner: The account that pays.
        region: As the launch named it; this computer has only one.
        created_at: When the intent was recorded.
        launched_at: When the launch began.
        expires_at: When the machine ends itself, whatever happened.
        index: 0, 1, ... within the launch.
        folder: Where it works and writes its logs.
    """

    run_id: str
    attempt: int
    owner: str
    region: str
    created_at: datetime
    launched_at: datetime
    expires_at: datetime
    index: int
    folder: Path

    def machine(self, state: MachineState) -> Machine:
        """This machine as the contract shows it."""
        return Machine(
            machine_id=f"{self.run_id}-{self.attempt}-{self.index}",
            run_id=self.run_id,
            region=self.region,
            machine_type=MACHINE_TYPE,
            state=state,
            launched_at=self.launched_at,
            expires_at=self.expires_at,
        )


def to_arguments(identity: Identity) -> list[str]:
    """The identity as the options of the machine's command line."""
    return [
        f"--run={identity.run_id}",
        f"--attempt={identity.attempt}",
        f"--owner={identity.owner}",
        f"--region={identity.region}",
        f"--created-at={identity.created_at.isoformat()}",
        f"--launched-at={identity.launched_at.isoformat()}",
        f"--expires-at={identity.expires_at.isoformat()}",
        f"--index={identity.index}",
        f"--folder={identity.folder}",
    ]


def from_arguments(arguments: Sequence[str]) -> Identity | None:
    """The identity that a command line shows; None if it is not one of ours."""
    options = option_values(arguments)
    try:
        return Identity(
            run_id=options["run"],
            attempt=int(options["attempt"]),
            owner=options["owner"],
            region=options["region"],
            created_at=datetime.fromisoformat(options["created-at"]),
            launched_at=datetime.fromisoformat(options["launched-at"]),
            expires_at=datetime.fromisoformat(options["expires-at"]),
            index=int(options["index"]),
            folder=Path(options["folder"]),
        )
    except (KeyError, ValueError):
        return None


def option_values(arguments: Sequence[str]) -> dict[str, str]:
    """``--name=value`` words by name; other words are left out."""
    words = (argument[2:].partition("=") for argument in arguments if argument.startswith("--"))
    return {name: value for name, equals, value in words if equals}


def to_mark(identity: Identity) -> str:
    """The identity as the value of the environment variable ``MARK``."""
    return SEPARATOR.join(to_arguments(identity))


def from_mark(mark: str) -> Identity | None:
    """The identity that an environment carries; None if it is not one of ours."""
    return from_arguments(mark.split(SEPARATOR))
