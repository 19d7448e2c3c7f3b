"""Money: what machines cost, what services and plans charge, and the books that keep it.

Pure rules stand at the top of the folder (``money``, ``periods``, ``plans``, ``quotes``) and in
``tariffs`` and ``catalog``. Below them is one double-entry ledger in ``books``; ``life`` moves
subscriptions through it, ``sharing`` divides it among departments, ``payments`` collects, and
``reports`` reads it; ``tables`` has the schema of it all. What writes takes an open database
connection, so that a charge commits together with the state that it pays for. Nothing here knows
machines or load tests.
"""
