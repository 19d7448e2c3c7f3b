"""A sweep against what one would write oneself: a loop, pandas, Polars, DuckDB.

All compute injectors, LI-minutes with the floors and the charge in micro-dollars, in whole numbers;
the results are checked to be the same. Each library uses all processors if it wants to, the sweep
one thread; a loop is timed on a part of the rows, and the ratio is a row's.
"""

from __future__ import annotations

from collections.abc import Callable

import duckdb
import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa

from benchmarks.measure import Figure, in_turn, shown
from engine.sweeping.columns import Column
from engine.sweeping.sweep import sweep
from pricing.tariffs import Tariff, load_tariff

ROWS = 5_000_000
ROWS_IN_A_LOOP = 500_000
ROUNDS = 5
SEED = 20_261_122
PAYLOAD = 500
SECONDS_PER_MINUTE = 60
MICROS_PER_CENT = 10_000

Columns = tuple[Column, Column, Column]


def figures(rows: int = ROWS, rounds: int = ROUNDS) -> list[Figure]:
    """How many times faster the sweep is than each."""
    chance = np.random.default_rng(SEED)
    users, duration_s = chance.integers(1, 400_000, rows), chance.integers(1, 14_400, rows)
    columns = {"users": users, "duration_s": duration_s}
    out = sweep(columns, compiled=True)
    expected = (out.injectors, out.li_minutes, out.usd_micros)
    rule = Rule(load_tariff("on-demand"))
    few = min(rows, ROWS_IN_A_LOOP)
    frame, lazy, table = pd.DataFrame(columns), pl.DataFrame(columns), pa.table(columns)
    peers: list[tuple[str, int, Callable[[], Columns]]] = [
        ("a Python loop", few, lambda: rule.in_a_loop(users[:few], duration_s[:few])),
        ("pandas", rows, lambda: rule.in_pandas(frame)),
        ("Polars", rows, lambda: rule.in_polars(lazy)),
        ("DuckDB", rows, lambda: rule.in_duckdb(table)),
    ]
    found = []
    for name, count, work in peers:
        for own, theirs in zip(expected, work(), strict=True):
            assert np.array_equal(own[:count], theirs), f"{name} gives something else"
        sweep_s, peer_s, _ = in_turn(
            lambda: sweep(columns, compiled=True, out=out), work, rounds=rounds
        )
        found.append(
            Figure(
                f"sweep of {rows:,} rows, times faster than {name}",
                shown(sweep_s),
                f"{name}, {count:,} rows in {shown(peer_s)}",
                (peer_s / count) / (sweep_s / rows),
                "reported",
            )
        )
    return found


class Rule:
    """The tariff's figures, and the same arithmetic in each library's own words."""

    def __init__(self, tariff: Tariff) -> None:
        (low, mid, high) = tariff.floors
        self.limits = (low.up_to_injectors or 0, mid.up_to_injectors or 0)
        self.minutes = tuple(each.minimum_s // SECONDS_PER_MINUTE for each in (low, mid, high))
        self.rate = tariff.usd_micros_per_unit or 0
        self.per_user = tariff.usd_micros_per_user

    def in_a_loop(self, users: Column, duration_s: Column) -> Columns:
        """Row by row in Python."""
        rows = []
        for each_users, each_s in zip(users.tolist(), duration_s.tolist(), strict=True):
            injectors = -(-each_users // PAYLOAD)
            minutes = -(-each_s // SECONDS_PER_MINUTE)
            if injectors <= self.limits[0]:
                minutes = max(minutes, self.minutes[0])
            elif injectors <= self.limits[1]:
                minutes = max(minutes, self.minutes[1])
            else:
                minutes = max(minutes, self.minutes[2])
            li_minutes = injectors * minutes
            exact = li_minutes * self.rate + each_users * self.per_user
            cents = (exact + MICROS_PER_CENT // 2) // MICROS_PER_CENT
            rows.append((injectors, li_minutes, cents * MICROS_PER_CENT))
        first, second, third = np.array(rows, np.int64).T
        return first, second, third

    def in_pandas(self, frame: pd.DataFrame) -> Columns:
        """Column arithmetic."""
        injectors = (frame["users"] + PAYLOAD - 1) // PAYLOAD
        minutes = (frame["duration_s"] + SECONDS_PER_MINUTE - 1) // SECONDS_PER_MINUTE
        least = np.select(
            [injectors <= self.limits[0], injectors <= self.limits[1]],
            self.minutes[:2],
            self.minutes[2],
        )
        li_minutes = injectors * minutes.clip(lower=least)
        exact = li_minutes * self.rate + frame["users"] * self.per_user
        usd_micros = (exact + MICROS_PER_CENT // 2) // MICROS_PER_CENT * MICROS_PER_CENT
        return injectors.to_numpy(), li_minutes.to_numpy(), usd_micros.to_numpy()

    def in_polars(self, frame: pl.DataFrame) -> Columns:
        """Expressions, lazily."""
        users = pl.col("users")
        least = (
            pl.when(pl.col("injectors") <= self.limits[0])
            .then(self.minutes[0])
            .when(pl.col("injectors") <= self.limits[1])
            .then(self.minutes[1])
            .otherwise(self.minutes[2])
        )
        minutes = (pl.col("duration_s") + SECONDS_PER_MINUTE - 1) // SECONDS_PER_MINUTE
        exact = pl.col("li_minutes") * self.rate + users * self.per_user
        found = (
            frame.lazy()
            .with_columns(((users + PAYLOAD - 1) // PAYLOAD).alias("injectors"))
            .with_columns(
                (pl.col("injectors") * pl.max_horizontal(minutes, least)).alias("li_minutes")
            )
            .select(
                "injectors",
                "li_minutes",
                ((exact + MICROS_PER_CENT // 2) // MICROS_PER_CENT * MICROS_PER_CENT).alias("usd"),
            )
            .collect()
        )
        return (
            found["injectors"].to_numpy(),
            found["li_minutes"].to_numpy(),
            found["usd"].to_numpy(),
        )

    def in_duckdb(self, table: pa.Table) -> Columns:
        """SQL over the Arrow table."""
        with duckdb.connect() as connection:
            connection.register("tests", table)
            found = connection.execute(
                f"""
                WITH sized AS (
                    SELECT users, (users + {PAYLOAD - 1}) // {PAYLOAD} AS injectors,
                        (duration_s + {SECONDS_PER_MINUTE - 1}) // {SECONDS_PER_MINUTE} AS minutes
                    FROM tests
                ), counted AS (
                    SELECT users, injectors, injectors * greatest(minutes, CASE
                        WHEN injectors <= {self.limits[0]} THEN {self.minutes[0]}
                        WHEN injectors <= {self.limits[1]} THEN {self.minutes[1]}
                        ELSE {self.minutes[2]} END) AS li_minutes
                    FROM sized
                )
                SELECT injectors, li_minutes,
                    (li_minutes * {self.rate} + users * {self.per_user} + {MICROS_PER_CENT // 2})
                        // {MICROS_PER_CENT} * {MICROS_PER_CENT} AS usd_micros
                FROM counted
                """  # noqa: S608 - the tariff's own whole numbers
            ).fetchnumpy()
        return found["injectors"], found["li_minutes"], found["usd_micros"]
