"""Money: what machines cost, what services and plans charge, and the books that keep it.

A stack of folders, each of which imports only those below it; ``README.md`` draws it. Pure rules
are at its foot (``money``, ``periods``, ``tariffs``, ``plans``), one double-entry ledger stands on
them in ``ledger``, and ``tables`` has the schema of it all. What writes takes an open database
connection, so that a charge commits together with the state that it pays for. Nothing here knows
machines or load tests.
"""
