"""The load that a program's script was seen to play of its own, whatever it is told."""

from __future__ import annotations

from msgspec import Struct


class ScriptLoad(Struct, frozen=True, forbid_unknown_fields=True):
    """What was found in a script; none is kept of one that plays exactly what it is told.

    With ``u`` users quoted on ``n`` injectors it plays ``told * u`` and ``users``, the latter ``n``
    times if each injector plays them all.

    Attributes:
        where: The file, and what in it decides, for people.
        remedy: What to write instead, for people.
        users: Users at once of its own; None: how many cannot be told from the file.
        told: How often it plays the users that it is told.
        each_injector: Every injector plays ``users``; else the injectors share them.
        users_most: At most so many users at once, where ``users`` cannot be told; None: unknown.
        duration_s: How long it plays; None: as it is told, or that cannot be told from the file.
    """

    where: str
    remedy: str
    users: int | None = None
    told: int = 0
    each_injector: bool = False
    users_most: int | None = None
    duration_s: float | None = None

    def users_on(self, injectors: int, quoted_users: int) -> int | None:
        """Users at once that it plays on so many injectors, told so many in all."""
        if self.users is None:
            return None
        return self.told * quoted_users + self.users * (injectors if self.each_injector else 1)
