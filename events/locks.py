"""The numbers of the advisory locks in the database, and the SQL that takes them."""

MIGRATION = 4700
"""One process at a time migrates the schema or makes the roles of the embedded cluster."""

EVENTS = 4701
"""One append to the event log at a time, so that commits have the order of the positions."""

ISSUANCE = 4702
"""One append to the issuance log at a time, for the same reason."""

PARTITIONS = 4703
"""One process at a time makes the issuance log's day partitions."""

KEYS = 4704
"""One process at a time rotates or rewraps the signing keys, because it reads them before it changes them."""

REBUILD = 4705
"""One rebuild at a time, because two would write into the same table."""

BACKCHANNEL = 4706
"""Its holder is the process that sends back-channel logout tokens."""

FOLLOWER = 4707
"""Its holder (the lock also has the name of a group of projections) is the process that follows the logs for that group."""

FOLLOWER_APART = 4714
"""Its holder (the lock has the same names) is the process that does nothing else than to follow: while there is one, no serving process follows."""

INSTALLATION = 4708
"""One process at a time makes the tables of the projections."""

REHEARSAL = 4709
"""One request at a time rehearses a policy, because it reads much."""

PUSH = 4712
"""Its holder is the process that pushes the events of the log to the audit webhook."""

WITNESSES = 4710
"""Its holder is the process that submits checkpoints to witnesses."""

VERIFIER = 4713
"""Its holder is the process that verifies projections in the background."""


def in_transaction(number: int) -> str:
    """Returns the query that waits for the lock and holds it until the transaction ends."""
    return f"select pg_advisory_xact_lock({number})"


def in_transaction_shared(number: int) -> str:
    """Returns the query that waits until the lock is free and keeps others from it until the transaction ends."""
    return f"select pg_advisory_xact_lock_shared({number})"


def in_transaction_if_free(number: int) -> str:
    """Returns the query that takes the lock until the transaction ends if it is free, and says whether it did."""
    return f"select pg_try_advisory_xact_lock({number})"


def in_session(number: int) -> str:
    """Returns the query that waits for the lock and holds it until the connection ends."""
    return f"select pg_advisory_lock({number})"


def in_session_if_free(number: int) -> str:
    """Returns the query that takes the lock if it is free, and says whether it did."""
    return f"select pg_try_advisory_lock({number})"


def of_name_if_free(number: int) -> str:
    """Returns the same query for the lock with this number and the name in $1."""
    return f"select pg_try_advisory_lock({number}, hashtext($1))"


def of_name_is_free(number: int) -> str:
    """Returns the query that says whether nobody holds this lock. Those who ask at the same time do not disturb each other."""
    return f"select pg_try_advisory_xact_lock_shared({number}, hashtext($1))"


def of_name_given_up(number: int) -> str:
    """Returns the query that gives the lock up."""
    return f"select pg_advisory_unlock({number}, hashtext($1))"
