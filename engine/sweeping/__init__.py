"""Sweeping: the whole estimate over columns, millions of what-ifs at once.

``sweep`` is the pure function over columns; ``grid`` makes what-ifs and reduces them on the fly;
``files``, ``frames`` and ``spread`` bring in Parquet and CSV files, data frames and clusters. Each
row is to the micro-dollar what ``engine.planning.estimate`` says of that load test alone.
"""
