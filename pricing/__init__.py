"""Money: what machines cost, what services and plans charge, and the books that keep it.

Pure rules (``money``, ``periods``, ``plans``, ``quotes``, ``tariffs``, ``catalog``) stand above
one double-entry ledger (``ledger``, ``accounts``, ``charges``, ``invoices``) that takes an open
database connection, so that a charge commits together with the state that it pays for. Nothing
here knows machines or load tests.
"""
