"""The hosts that an account's runs may load from a real cloud."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from engine.commands.arguments import checked
from engine.commands.context import EngineContext

if TYPE_CHECKING:
    from engine.runs.targets import AllowedTarget


@checked
class TargetCommands:
    """Allowing, forbidding and listing targets."""

    def __init__(self, context: EngineContext) -> None:
        self._context = context

    def allow(
        self, account_id: str, host: str, *, request_id: str | None = None
    ) -> Sequence[AllowedTarget]:
        """Let runs of the account load a host from a cloud; returns all that are allowed."""
        from engine.runs.targets import allow, allowed

        use = self._context
        with use.changing(account_id, "allow-target") as conn:
            allow(conn, account_id, host, request_id=use.id_of(request_id), now=use.clock.now())
            return allowed(conn, account_id)

    def forbid(
        self, account_id: str, host: str, *, request_id: str | None = None
    ) -> Sequence[AllowedTarget]:
        """Take the leave to load a host back; returns all that are still allowed."""
        from engine.runs.targets import allowed, forbid

        use = self._context
        with use.changing(account_id, "forbid-target") as conn:
            forbid(conn, account_id, host, request_id=use.id_of(request_id), now=use.clock.now())
            return allowed(conn, account_id)

    def check(self, account_id: str, target: str | None) -> None:
        """Refuse a base URL whose host the account has not allowed.

        Raises:
            BadInputError: The account does not exist.
            AccountDeletedError: It was deleted.
            TargetNotAllowedError: Saying how to allow it.
        """
        from engine.runs.targets import check_target
        from pricing.accounts.account import check_not_deleted, find_account

        with self._context.reading() as conn:
            find_account(conn, account_id)
            check_not_deleted(conn, account_id)
            check_target(conn, account_id, target)

    def list(self, account_id: str) -> Sequence[AllowedTarget]:
        """The hosts that runs of the account may load from a cloud, by name."""
        from engine.runs.targets import allowed

        with self._context.reading() as conn:
            return allowed(conn, account_id)
