"""The boundary of a change is a period's number; what waits beneath a switch to on-demand."""

import sqlalchemy as sa
from alembic import op

revision = "0014_boundaries"
down_revision = "0013_sightings"

# What a switch that can still be undone withdrew at its own instant waits beneath it again: of each
# kind the last one. A confirmed cancellation cannot be among it, a switch is refused then.
_WAITING = """
UPDATE changes SET
    state = CASE WHEN effective_at IS NULL THEN 'requested' ELSE 'pending' END,
    ended_at = NULL
WHERE state = 'withdrawn' AND kind <> 'on_demand' AND id = (
    SELECT MAX(beneath.id) FROM changes AS beneath
    JOIN changes AS switch ON switch.subscription_id = beneath.subscription_id
    WHERE switch.kind = 'on_demand' AND switch.ended_at IS NULL
    AND beneath.subscription_id = changes.subscription_id AND beneath.kind = changes.kind
    AND beneath.state = 'withdrawn' AND beneath.ended_at = switch.requested_at
    AND beneath.id < switch.id
)
"""


def upgrade() -> None:
    op.add_column("changes", sa.Column("effective_period", sa.Integer))
    op.execute(_WAITING)
