"""Tables as Parquet files, by pyarrow, which is not installed with Muniment."""

from importlib import import_module
from typing import Any, BinaryIO, Generic

from service.cli.opening import Plainly
from service.cli.spreadsheet import Kind, Row, Table

ROWS_A_GROUP = 20_000
TYPES: dict[Kind, tuple[str, ...]] = {"text": ("string",), "number": ("int64",), "time": ("timestamp", "us", "UTC")}


class Parquet(Generic[Row]):
    """Writes the rows of a table in groups. The file is whole after `end`."""

    def __init__(self, table: Table[Row], file: BinaryIO) -> None:
        """Raises Plainly if pyarrow is not installed."""
        self._arrow = library("pyarrow")
        self._table = table
        self._schema = self._arrow.schema([(name, self._type(kind)) for name, kind in table.columns])
        self._writer = library("pyarrow.parquet").ParquetWriter(file, self._schema, compression="zstd")
        self._pending: list[Row] = []

    def begin(self, _first: int) -> None:
        """A table says nothing of its range."""

    def write(self, rows: list[Row]) -> None:
        self._pending += rows
        if len(self._pending) >= ROWS_A_GROUP:
            self._flush()

    def end(self, _last: int) -> None:
        self._flush()
        self._writer.close()

    def _flush(self) -> None:
        names = [name for name, _ in self._table.columns]
        rows = [dict(zip(names, self._table.cells(row), strict=True)) for row in self._pending]
        self._writer.write_table(self._arrow.Table.from_pylist(rows, schema=self._schema))
        self._pending.clear()

    def _type(self, kind: Kind) -> Any:
        name, *arguments = TYPES[kind]
        return getattr(self._arrow, name)(*arguments)


def library(name: str = "pyarrow") -> Any:
    """Returns the library. Raises Plainly if it is not installed."""
    try:
        return import_module(name)
    except ImportError as fault:
        raise Plainly(
            "--format parquet needs pyarrow, which is not installed: pip install pyarrow (or choose --format csv)."
        ) from fault
