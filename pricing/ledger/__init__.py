"""The books: one double-entry ledger, lots of credits, and what is posted to them.

``ledger`` posts transactions that sum to zero, ``lots`` holds dated grants and derives balances,
``charges`` is where runs meet money, ``invoices`` numbers what was charged. History in it never
changes.
"""
