"""Rows: SQLAlchemy Core on SQLite in WAL mode, one connection, one short transaction per call.

The service is one process with one event loop, and a transaction takes about a millisecond: it runs on the loop itself,
so calls never wait for each other's locks. What was committed survives `kill -9` (the log is written before
the answer leaves; only a power failure of the host could lose the last moments).
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from sqlalchemy.pool import StaticPool

from . import migrations

Row = sa.RowMapping


class Transaction:
    """Reads and writes of one call; `after` runs once they are committed."""

    def __init__(self, connection: sa.Connection) -> None:
        self._connection = connection
        self._after: list[Callable[[], None]] = []

    def rows(self, query: sa.Select[Any], **values: Any) -> Sequence[Row]:
        """All rows of a query; `values` fill its bound parameters."""
        return self._connection.execute(query, values).mappings().all()

    def row(self, query: sa.Select[Any], **values: Any) -> Row | None:
        """The first row of a query, or None."""
        return self._connection.execute(query, values).mappings().first()

    def scalar(self, query: sa.Select[Any], **values: Any) -> Any:
        """The first value of the first row, or None."""
        return self._connection.execute(query, values).scalar()

    def insert(self, table: sa.Table, values: Mapping[str, Any]) -> int:
        """Adds a row; returns its id."""
        key = self._connection.execute(sa.insert(table), dict(values)).inserted_primary_key
        assert key is not None
        return int(key[0])

    def insert_many(self, table: sa.Table, rows: Sequence[Mapping[str, Any]]) -> None:
        """Adds rows."""
        if rows:
            self._connection.execute(sa.insert(table), [dict(row) for row in rows])

    def execute(self, statement: sa.Update | sa.Delete | sa.Insert, **values: Any) -> int:
        """Changes rows; returns how many."""
        return int(self._connection.execute(statement, values).rowcount)

    def after(self, action: Callable[[], None]) -> None:
        """Does something once the transaction is committed (tell subscribers, wake a poll)."""
        self._after.append(action)

    def _committed(self) -> None:
        for action in self._after:
            action()


class CannotOpen(Exception):
    """The data directory is not one that this program can use now; the text says why."""


class Store:
    """The data base of one data directory."""

    def __init__(self, path: Path) -> None:
        self._engine = sa.create_engine(
            f"sqlite:///{path}",
            poolclass=StaticPool,
            connect_args={"isolation_level": None, "check_same_thread": False, "cached_statements": 512},
        )
        sa.event.listen(self._engine, "connect", _configure)
        sa.event.listen(self._engine, "begin", _begin)
        try:
            self._migrate()
        except BaseException:
            self.close()
            raise

    @contextlib.contextmanager
    def transaction(self) -> Iterator[Transaction]:
        """Everything in it is stored, or nothing is."""
        with self._engine.begin() as connection:
            transaction = Transaction(connection)
            yield transaction
        transaction._committed()

    def _migrate(self) -> None:
        with self._engine.begin() as connection:
            connection.execute(sa.text("CREATE TABLE IF NOT EXISTS schema_version (version INTEGER NOT NULL)"))
            done = connection.execute(sa.text("SELECT coalesce(max(version), 0) FROM schema_version")).scalar() or 0
            if done > len(migrations.STEPS):
                known = len(migrations.STEPS)
                raise CannotOpen(f"its data are of version {done}, this program knows up to {known}; take a newer one")
            for version, step in enumerate(migrations.STEPS[done:], start=done + 1):
                for statement in step:
                    connection.execute(sa.text(statement))
                connection.execute(sa.text("INSERT INTO schema_version VALUES (:v)"), {"v": version})

    def close(self) -> None:
        """Closes the data base."""
        self._engine.dispose()


def _configure(connection: Any, _record: object) -> None:
    for pragma in ("journal_mode=WAL", "synchronous=NORMAL", "foreign_keys=ON", "busy_timeout=5000"):
        connection.execute(f"PRAGMA {pragma}").close()


def _begin(connection: sa.Connection) -> None:
    connection.exec_driver_sql("BEGIN IMMEDIATE")
