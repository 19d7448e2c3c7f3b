"""The owner of an installation: who runs it and holds its database."""

from kernel.errors import RefusedError

OWNER = "owner"
"""Administrator of every account that was opened without naming others; sees all accounts, and may
ask in the name of whoever is vouched for. Every other user asks in the own name alone."""


class NotOwnerError(RefusedError):
    """What concerns all accounts is for the owner of the installation; facts: ``by``."""

    code = "not_owner"


def check_owner(user: str, what: str) -> None:
    """Whether somebody may do what concerns all accounts, or the seller's side.

    Args:
        user: Who asks.
        what: For people: "close a month".

    Raises:
        NotOwnerError: If that is not the owner of the installation.
    """
    if user != OWNER:
        raise NotOwnerError(
            f"{user} cannot {what}: that is for the owner of the installation", by=user
        )
