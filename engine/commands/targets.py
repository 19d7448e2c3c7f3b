"""The hosts that an account's runs may load from a real cloud."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from engine.commands.base import Commands

if TYPE_CHECKING:
    from engine.runs.targets import AllowedTarget


class TargetCommands(Commands):
    """Allowing, forbidding and listing targets."""

    def allow_target(
        self, account_id: str, host: str, *, request_id: str | None = None
    ) -> Sequence[AllowedTarget]:
        """Let runs of the account load a host from a cloud; returns all that are allowed."""
        from engine.runs.targets import allow, allowed

        with self._transaction() as conn:
            allow(conn, account_id, host, request_id=self._id_of(request_id), now=self.clock.now())
            return allowed(conn, account_id)

    def forbid_target(
        self, account_id: str, host: str, *, request_id: str | None = None
    ) -> Sequence[AllowedTarget]:
        """Take the leave to load a host back; returns all that are still allowed."""
        from engine.runs.targets import allowed, forbid

        with self._transaction() as conn:
            forbid(conn, account_id, host, request_id=self._id_of(request_id), now=self.clock.now())
            return allowed(conn, account_id)

    def check_target(self, account_id: str, target: str | None) -> None:
        """Refuse a base URL whose host the account has not allowed.

        Raises:
            BadInputError: The account does not exist.
            TargetNotAllowedError: Saying how to allow it.
        """
        from engine.runs.targets import check_target
        from pricing.accounts.account import find_account

        with self._reading() as conn:
            find_account(conn, account_id)
            check_target(conn, account_id, target)

    def allowed_targets(self, account_id: str) -> Sequence[AllowedTarget]:
        """The hosts that runs of the account may load from a cloud, by name."""
        from engine.runs.targets import allowed

        with self._reading() as conn:
            return allowed(conn, account_id)
