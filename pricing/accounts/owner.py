"""The owner of an installation: who runs it and holds its database."""

OWNER = "owner"
"""Administrator of every account that was opened without naming others; sees all accounts, and may
ask in the name of whoever is vouched for. Every other user asks in the own name alone."""
