"""Arrays of numbers, UUIDs and names, as the text that Postgres reads them from.

The driver asks of each element of a list whether it is a list itself. For a commit of eight authorizations this took more time than
everything else that it did with their columns.
"""

from collections.abc import Iterable
from uuid import UUID


def literal(values: Iterable[UUID | int | str | None]) -> str:
    """Returns the array. Texts are types of events: nothing is quoted, so none may have a comma, quotation mark, brace, backslash or space."""
    return f"{{{','.join(['NULL' if value is None else str(value) for value in values])}}}"
