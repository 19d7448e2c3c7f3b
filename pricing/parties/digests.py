"""Digests of what people said: made with a secret of the account, which is deleted with it.

Names, cards and tax ids are few enough to be tried one by one, so a digest alone would tell them.
With the secret it tells them to who has the database only; once the secret is gone, to nobody, also
where the digest stands in a row that stays (C79).
"""

from __future__ import annotations

import hashlib
import hmac

from sqlalchemy import Connection, bindparam, select

from pricing.tables import ACCOUNTS

_KEY = select(ACCOUNTS.c.digest_key).where(ACCOUNTS.c.id == bindparam("of"))


def digests_of(conn: Connection, account_id: str, said: bytes) -> tuple[str, str]:
    """The digest that something is put on record with, and the one of an earlier version.

    Args:
        conn: An open connection.
        account_id: Whose secret; without one, or an account, both digests are the same.
        said: Equal where it means the same.
    """
    plain = hashlib.sha256(said).hexdigest()
    key = conn.execute(_KEY, {"of": account_id}).scalar_one_or_none()
    if key is None:
        return plain, plain
    return hmac.new(key.encode(), said, hashlib.sha256).hexdigest(), plain
