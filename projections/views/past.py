"""Views of the past: events, earlier versions of clients, the checkpoints that prove the log, and how far each projection is."""

from events.batches import RECORDED_AT
from projections import registry
from projections.views.terms import client_id
from projections.views.view import TIME, Column, View

SNAPSHOT = "h.snapshot ->> '{name}'"
NAMED = "array(select jsonb_array_elements_text(h.snapshot -> '{name}'))"

EVENTS = View(
    name="events",
    says="The events of the log: who did what to whom, when. Conditions on type, client, bot_id, user_id, actor, request_id, address and recorded_at use indexes.",
    tables=("audit_events", "clients"),
    columns=(
        Column("position", "bigint", "e.position", "Its position in the log."),
        Column("recorded_at", TIME, "e.recorded_at", "When it was recorded."),
        Column("type", "text", "a.type", "What happened, such as client.registered."),
        Column("stream_id", "uuid", "a.stream_id", "The stream of what it happened to."),
        Column("version", "bigint", "a.version", "Its number in the stream."),
        Column(
            "client_id",
            "text",
            f"case when a.client is not null then {client_id('a.client')} end",
            "The client it concerns.",
        ),
        Column("bot_id", "text", "a.bot", "The bot it concerns."),
        Column("user_id", "uuid", "a.user_id", "The user it concerns."),
        Column(
            "actor", "text", "a.actor", "Who caused it: a sub, a user's id, an operator's name, or muniment itself."
        ),
        Column("agent", "text", "a.agent", "The client, or the session, that acted for the actor."),
        Column("request_id", "text", "a.request_id", "The request that caused it."),
        Column("address", "text", "a.address", "From where."),
        Column(
            "client",
            "uuid",
            "a.client",
            "The stream_id of the client. A condition on it is fast, one on client_id is not.",
        ),
        Column("data", "jsonb", "log.public_fields(e.data)", "What it says, without hashes and what is encrypted."),
    ),
    source="from log.events e join read.audit_events a on a.position = e.position and a.stream_id = e.stream_id and a.version = e.version",
)

CLIENT_HISTORY = View(
    name="client_history",
    says="Each version of each client, deleted ones included. The version of a moment has from_time <= moment < to_time.",
    tables=("client_history",),
    columns=(
        Column("client_id", "text", SNAPSHOT.format(name="client_id"), "The client_id of OAuth."),
        Column("version", "bigint", "h.version", "The number of the event that began this version."),
        Column("from_position", "bigint", "h.from_position", "The position of that event."),
        Column(
            "to_position",
            "bigint",
            "nullif(h.to_position, 9223372036854775807)",
            "The event that ended it; null for the current version.",
        ),
        Column("from_time", TIME, "h.from_time", "When this version began."),
        Column("to_time", TIME, "h.to_time", "When it ended; null for the current version."),
        Column("owner", "text", SNAPSHOT.format(name="owner"), "Who registered it."),
        Column("display_name", "text", SNAPSHOT.format(name="display_name"), "Its name for people."),
        Column("grant_type", "text", SNAPSHOT.format(name="grant_type"), "client_credentials or authorization_code."),
        Column("bot_user_id", "text", SNAPSHOT.format(name="bot_user_id"), "The bot as which it acted."),
        Column("scopes", "text[]", NAMED.format(name="scopes"), "The scopes that it could have."),
        Column("redirect_uris", "text[]", NAMED.format(name="redirect_uris"), "Where users could be sent back to."),
        Column("state", "text", SNAPSHOT.format(name="state"), "active or disabled."),
        Column("secrets", "integer", "jsonb_array_length(h.snapshot -> 'secrets')", "How many secrets it had."),
        Column("stream_id", "uuid", "h.stream_id", "Its stream: the column client of other views."),
        Column(
            "security",
            "jsonb",
            "coalesce(h.snapshot -> 'security', '{}')",
            "Its security settings that were not as usual; {} if all were.",
        ),
    ),
    source="from read.client_history h",
)

CHECKPOINTS = View(
    name="checkpoints",
    says="The signed checkpoints of both transparency logs.",
    tables=(),
    columns=(
        Column("tree", "text", "k.tree", "The log: log for events, or issuance."),
        Column("size", "bigint", "k.size", "How many entries it covers: the position of the last one."),
        Column("made_at", TIME, "k.made_at", "When it was signed."),
        Column("root", "text", "encode(k.root, 'hex')", "The root hash of the tree (RFC 9162), in hexadecimal digits."),
        Column(
            "cosignatures",
            "bigint",
            "(select count(*) from log.cosignatures s where s.tree = k.tree and s.size = k.size)",
            "How many witnesses cosigned it.",
        ),
    ),
    source="from log.checkpoints k",
)

# Every log has its own chain, so the chain value of a checkpoint tells which log it is of.
_FOLLOWED = """
from (select name, version, state, position, failed_position, error, updated_at, chain from read.checkpoints
      union all
      select inline, null, 'inline', (select max(last_position) from log.batches), null, null, null, null
        from unnest(array[{inline}]) as inline) p
 cross join lateral (select exists (select from log.issuance_batches b where b.last_position = p.position and b.chain = p.chain) as is_issuance) l
 cross join lateral (select case when is_issuance then (select max(last_position) from log.issuance_batches)
                                 else (select max(last_position) from log.batches) end as position) e
 cross join lateral (select case when is_issuance
                                 then ({since_of_token}) else ({since_of_event}) end as since) w
  left join read.verifications v on v.name = p.name
"""

PROJECTIONS = View(
    name="projections",
    says="How far each table that is derived from a log is, and what its last verification found.",
    tables=(),
    columns=(
        Column("name", "text", "p.name", "Its name, which muniment projections takes."),
        Column("version", "bigint", "p.version", "The version of its code; null for a table written with each event."),
        Column(
            "state",
            "text",
            "p.state",
            "active; failed until an operator resumes or rebuilds it; inline for a table written with each event.",
        ),
        Column("position", "bigint", "p.position", "The last entry that it has taken in."),
        Column("failed_position", "bigint", "p.failed_position", "The entry at which it failed."),
        Column("error", "text", "p.error", "Why it failed."),
        Column("updated_at", TIME, "p.updated_at", "When it last moved."),
        Column("lag", "bigint", "e.position - p.position", "The entries that it has not taken in yet."),
        Column(
            "lag_seconds",
            "double precision",
            "coalesce(greatest(extract(epoch from clock_timestamp() - w.since), 0), 0)",
            "How long the oldest of them has been in the log.",
        ),
        Column("verified_at", TIME, "v.verified_at", "When it was last compared with the log."),
        Column(
            "verification",
            "text",
            "v.outcome",
            "agrees, differs, or failed if the log cannot be folded; null before the first one.",
        ),
        Column("verified_position", "bigint", "v.position", "Up to which entry it was compared."),
        Column("rows", "bigint", "v.rows", "How many rows it had then."),
        Column("digest", "text", "v.digest", "The digest of these rows, in any order."),
        Column("differing", "text[]", "v.differing", "The keys of at most ten rows that differed."),
    ),
    source=_FOLLOWED.format(
        inline=", ".join(f"'{name}'" for name in registry.INLINE),
        since_of_token=RECORDED_AT.format(batches="log.issuance_batches", position="p.position + 1"),
        since_of_event=RECORDED_AT.format(batches="log.batches", position="p.position + 1"),
    ).strip(),
)

VIEWS = (EVENTS, CLIENT_HISTORY, CHECKPOINTS, PROJECTIONS)
