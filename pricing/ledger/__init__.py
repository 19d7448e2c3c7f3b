"""The books: one double-entry ledger, lots of credits, and what is kept beside them.

``ledger`` posts transactions that sum to zero, ``lots`` holds dated grants and derives balances,
``reservations`` sets aside what runs will be charged, ``invoices`` numbers what was charged.
History in it never changes.
"""
