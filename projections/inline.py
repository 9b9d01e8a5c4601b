"""Every inline projection, by name: written in the append's own transaction, and rebuilt from the log to the same bytes."""

from projections import authorizations, bots, clients, consents, revoked_tokens, sessions, signing_keys, users
from projections.table import Table

INLINE: dict[str, Table] = {
    table.name: table
    for table in (
        clients.TABLE,
        bots.TABLE,
        signing_keys.TABLE,
        revoked_tokens.TABLE,
        users.TABLE,
        sessions.TABLE,
        consents.TABLE,
        authorizations.TABLE,
    )
}
