"""What a view is, and the statements that make it."""

from msgspec import Struct

READER = "muniment_reader"
"""The role of those who query. It may select from the views, and reaches nothing else."""

TIME = "timestamp with time zone"


class Column(Struct, frozen=True):
    """`type` is an SQL type, to which the value of `sql` is cast, so that it stays the same whatever the table has."""

    name: str
    type: str
    sql: str
    says: str


class View(Struct, frozen=True, kw_only=True):
    """`tables` are the tables of projections that the view reads: when one of them is rebuilt, the view must move to the new table.

    `source` is the rest of the query, from `from` on.
    """

    name: str
    says: str
    tables: tuple[str, ...]
    columns: tuple[Column, ...]
    source: str

    @property
    def sql(self) -> str:
        """The statements that create the view, or replace what it reads."""
        view = f"muniment.{self.name}"
        selected = ", ".join(f'({column.sql})::{column.type} as "{column.name}"' for column in self.columns)
        described = [f"comment on column {view}.{column.name} is {_text(column.says)}" for column in self.columns]
        return "; ".join(
            (
                f"create or replace view {view} as select {selected} {self.source}",
                f"comment on view {view} is {_text(self.says)}",
                *described,
                f"grant select on {view} to {READER}",
            )
        )


def _text(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"
