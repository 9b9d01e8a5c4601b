"""The advisory locks of the database: each has one number, which nothing else may use. SQL is composed from these."""

MIGRATION = 4700
"""One process at a time migrates the schema, or makes the roles of the embedded cluster."""

EVENTS = 4701
"""Appends to the event log: the order of the commits is the order of the positions."""

ISSUANCE = 4702
"""Appends to the issuance log, for the same reason."""

PARTITIONS = 4703
"""One process at a time makes the issuance log's day partitions."""

KEYS = 4704
"""One process at a time rotates or rewraps the signing keys: it looks first and then acts."""

REBUILD = 4705
"""One rebuild at a time: two would build in each other's table."""

BACKCHANNEL = 4706
"""The process that holds it is the one that sends back-channel logout tokens."""

FOLLOWER = 4707
"""The process that holds it, with the name of a group of projections, is the one that follows the logs for them."""

INSTALLATION = 4708
"""One process at a time makes the tables of projections."""


def in_transaction(number: int) -> str:
    """The query that waits for the lock and holds it until the transaction ends."""
    return f"select pg_advisory_xact_lock({number})"


def in_session(number: int) -> str:
    """The query that waits for the lock and holds it until the connection ends."""
    return f"select pg_advisory_lock({number})"


def in_session_if_free(number: int) -> str:
    """The query that answers whether the connection holds the lock from now on."""
    return f"select pg_try_advisory_lock({number})"


def of_name_if_free(number: int) -> str:
    """The same for the lock of this number and of the name in $1."""
    return f"select pg_try_advisory_lock({number}, hashtext($1))"
