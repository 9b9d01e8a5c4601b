"""Arrays of Postgres' own types, which the driver need not ask about.

It knows the types themselves. About each kind of array that a connection meets it would ask the database: a recursive query, which takes
Postgres 5 to 15 ms on a new connection, in the middle of a request. The numbers are the same in each Postgres (its pg_type.dat).
"""

import asyncpg

NUMBERS = {
    "bool": (1000, 16),
    "bytea": (1001, 17),
    "int2": (1005, 21),
    "int4": (1007, 23),
    "text": (1009, 25),
    "int8": (1016, 20),
    "float8": (1022, 701),
    "date": (1182, 1082),
    "timestamptz": (1185, 1184),
    "uuid": (2951, 2950),
    "jsonb": (3807, 3802),
}
"""By the type's name: the number of its array, and its own."""

ARRAYS = [
    {
        "oid": array,
        "ns": "pg_catalog",
        "name": f"_{name}",
        "kind": b"b",
        "basetype": None,
        "elemtype": element,
        "elemtype_name": name,
        "elemdelim": ",",
        "range_subtype": None,
        "attrtypoids": None,
        "attrnames": None,
    }
    for name, (array, element) in NUMBERS.items()
]
"""As the driver's query would answer (asyncpg/introspection.py)."""


def register(connection: "asyncpg.Connection[asyncpg.Record]") -> None:
    """Tells the driver of one connection about them."""
    connection.get_settings().register_data_types(ARRAYS)
