"""The embedded engine over the Parquet of one tier of a snapshot: its tables, and answers to expressions over them."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from queue import Empty, LifoQueue

import duckdb
import ibis
import pandas as pd

MOST_IDLE = 4  # connections kept open for the next question: as many as are likely to be asked at once


class Engine:
    """Tables by name, as expressions, and a connection for every question that is asked at the same time.

    A connection of DuckDB refuses a second question while it answers one, and pages run in threads: of several
    visitors, or of one who changes a filter twice. So connections are lent and given back, and made when none is idle;
    all share one database, and so its threads and its limit of memory.
    """

    def __init__(self, folder: Path):
        self._files = {file.stem: [file] for file in sorted(folder.glob("*.parquet"))}
        if incidents := sorted((folder / "incidents").glob("*.parquet")):
            self._files["incidents"] = incidents
        self._database = duckdb.connect()
        self._database.execute("SET parquet_metadata_cache = true")  # a snapshot's files never change
        self._idle: LifoQueue[ibis.BaseBackend] = LifoQueue()
        first = self._connected()
        self.tables = {name: first.table(name) for name in self._files}
        self._idle.put(first)

    def answer(self, question: ibis.Table) -> pd.DataFrame:
        """The rows of an expression over the tables."""
        with self._lent() as connection:
            return connection.execute(question)

    @contextmanager
    def _lent(self) -> Iterator[ibis.BaseBackend]:
        try:
            connection = self._idle.get_nowait()
        except Empty:
            connection = self._connected()
        try:
            yield connection
        finally:
            if self._idle.qsize() < MOST_IDLE:
                self._idle.put(connection)
            else:
                connection.disconnect()

    def _connected(self) -> ibis.BaseBackend:
        connection = ibis.duckdb.from_connection(self._database.cursor())
        for name, files in self._files.items():
            connection.read_parquet(files, table_name=name)
        return connection
