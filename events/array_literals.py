"""Arrays of numbers, UUIDs and names, as the text that Postgres reads them from.

The driver asks of each element of a list whether it is a list itself. For a commit of eight authorizations that took more time than all
else that it did with their columns.
"""

from collections.abc import Iterable
from uuid import UUID


def literal(values: Iterable[UUID | int | str | None]) -> str:
    """Returns the array. A text among the values is a name of ours, which needs no quotation marks."""
    return f"{{{','.join(['NULL' if value is None else str(value) for value in values])}}}"
