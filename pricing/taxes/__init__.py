"""Tax on what is sold: who owes it where, at which rate, and what that comes to."""
