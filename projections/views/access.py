"""Views of who may do what, and of what was issued: sessions, consents, grants, tokens, and the keys that signed them."""

from projections.views.terms import client_id, token_field
from projections.views.view import TIME, Column, View

USER = Column("user_id", "uuid", "t.user_id", "The user.")

SESSIONS = View(
    name="sessions",
    says="The sessions of users, without what tells the device.",
    tables=("sessions",),
    columns=(
        Column("session_id", "uuid", "t.stream_id", "The sid of its ID tokens."),
        USER,
        Column("amr", "text[]", "t.amr", "How the user authenticated (RFC 8176)."),
        Column("acr", "text", "t.acr", "The authentication context that the sign-in reached."),
        Column("state", "text", "t.state", "open or ended."),
        Column("started_at", TIME, "t.started_at", "When the user signed in."),
        Column("authenticated_at", TIME, "t.authenticated_at", "When the user last authenticated."),
        Column("expires_at", TIME, "t.expires_at", "When it ends by itself."),
        Column("ended_at", TIME, "t.ended_at", "When it ended; null while it is open."),
    ),
    source="from read.sessions t",
)

CONSENTS = View(
    name="consents",
    says="What users allowed clients, also if they withdrew it.",
    tables=("consents",),
    columns=(
        USER,
        Column("client_id", "text", "t.client_id", "The client that was allowed it."),
        Column("resource", "text", "t.resource", "The API that it is for (RFC 8707); null for the default."),
        Column("scopes", "text[]", "t.scopes", "What is allowed now."),
        Column("state", "text", "t.state", "given or withdrawn."),
        Column("given_at", TIME, "t.given_at", "When the user last allowed something."),
        Column("withdrawn_at", TIME, "t.withdrawn_at", "When the user last withdrew it."),
    ),
    source="from read.consents t",
)

GRANTS = View(
    name="grants",
    says="The authorizations that users gave clients: each led to a code, and may have led to refresh tokens.",
    tables=("authorizations", "clients"),
    columns=(
        Column("authorization_id", "uuid", "t.stream_id", "Its id."),
        Column("client_id", "text", client_id("t.client"), "The client."),
        USER,
        Column(
            "session_id",
            "uuid",
            "nullif(t.session_id, '00000000-0000-0000-0000-000000000000')",
            "The session in which it was given; null if a trusted issuer asserted the user.",
        ),
        Column("scopes", "text[]", "t.scopes", "What the client may do."),
        Column("resource", "text", "t.resource", "The API that it is for; null for the default."),
        Column("state", "text", "t.state", "active or revoked."),
        Column("granted_at", TIME, "t.granted_at", "When it was given."),
        Column(
            "redeemed_at",
            TIME,
            "t.redeemed_at",
            "When the code was exchanged; null if it was not.",
        ),
        Column("used_at", TIME, "t.used_at", "When a token was last got with it."),
        Column(
            "refresh_until",
            TIME,
            "t.refresh_until",
            "Until when a refresh token can be used; null if there is none.",
        ),
        Column("revoked_at", TIME, "t.revoked_at", "When it was revoked."),
        Column("why", "text", "t.why", "Why it was revoked."),
        Column("asserted_by", "text", "t.asserted_by", "The trusted issuer that asserted the user."),
    ),
    source="from read.authorizations t",
)

DEVICE_AUTHORIZATIONS = View(
    name="device_authorizations",
    says="The devices that asked to sign a user in (RFC 8628), also those that nobody answered.",
    tables=("device_authorizations", "clients"),
    columns=(
        Column("device_authorization_id", "uuid", "t.stream_id", "Its id."),
        Column("client_id", "text", client_id("t.client"), "The client of the device."),
        Column("scopes", "text[]", "t.scopes", "What the device asked for."),
        Column("resource", "text", "t.resource", "The API that it asked for; null for the default."),
        Column("state", "text", "t.state", "waiting, approved or denied; a waiting one has expired after expires_at."),
        Column("requested_at", TIME, "t.requested_at", "When the device asked."),
        Column("expires_at", TIME, "t.expires_at", "Until when a user could answer."),
        Column("answered_at", TIME, "t.answered_at", "When a user answered; null if none did."),
        Column("user_id", "uuid", "t.user_id", "The user who answered."),
        Column("authorization_id", "uuid", "t.authorization_id", "The grant that the approval made."),
    ),
    source="from read.device_authorizations t",
)

TOKENS = View(
    name="tokens",
    says="The access tokens that were issued, while their records are kept. A condition on issued_at reads only the days that it names.",
    tables=("clients", "revoked_tokens"),
    columns=(
        Column("position", "bigint", "i.position", "Its position in the issuance log."),
        Column("issued_at", TIME, "i.issued_at", "When it was issued."),
        Column("jti", "uuid", "i.jti", "Its id."),
        Column("client_id", "text", client_id("i.client"), "The client that got it."),
        Column(
            "secret_id",
            "uuid",
            "nullif(i.secret, '00000000-0000-0000-0000-000000000000')",
            "The secret that the client used.",
        ),
        Column("subject", "text", token_field("sub"), "Its sub: a bot or a user."),
        Column("scope", "text", token_field("scope"), "Its scopes, with spaces between them."),
        Column("key_id", "text", token_field("kid"), "The kid of the key that signed it."),
        Column(
            "expires_at",
            TIME,
            f"to_timestamp(({token_field('exp')})::bigint)",
            "When it expires.",
        ),
        Column(
            "address", "text", token_field("address"), "From where a machine asked for it; null for a token of a user."
        ),
        Column(
            "authorization_id",
            "uuid",
            token_field("authorization"),
            "The grant that it came from; null for a machine.",
        ),
        Column("revoked_at", TIME, "r.revoked_at", "When it was itself revoked; null if it was not."),
        Column(
            "audience",
            "text",
            token_field("audience"),
            "The API that it is for (RFC 8707); null for the default, and for a token from before this was recorded.",
        ),
        Column("client", "uuid", "i.client", "The stream_id of the client."),
        Column(
            "secret",
            "uuid",
            "i.secret",
            "As secret_id, with a UUID of zeros for none. A condition on it is fast, one on secret_id is not.",
        ),
        Column(
            "jkt",
            "text",
            "convert_from(i.data, 'UTF8')::json -> 'cnf' ->> 'jkt'",
            "The thumbprint of the key that it is bound to (RFC 9449); null for a bearer token.",
        ),
        Column(
            "subject_jti",
            "uuid",
            f"({token_field('subject_token')})::uuid",
            "The token that it was exchanged for (RFC 8693); null if it was not.",
        ),
        Column("actor", "text", token_field("actor"), "Who acts for its subject; null if nobody does."),
    ),
    source="from log.issuance i left join read.revoked_tokens r on r.stream_id = i.jti",
)

USAGE_DAILY = View(
    name="usage_daily",
    says="How many access tokens each client got on each day (UTC), also after the records of the tokens were deleted.",
    tables=("clients", "usage_daily"),
    columns=(
        Column("day", "date", "t.day", "The day."),
        Column("client_id", "text", client_id("t.client"), "The client that got them."),
        Column(
            "secret_id",
            "uuid",
            "nullif(t.secret, '00000000-0000-0000-0000-000000000000')",
            "The secret that the client used; null if it has none.",
        ),
        Column("bot_id", "text", "t.bot", "The bot as which it acted; null if users authorized the tokens."),
        Column("audience", "text", "t.audience", "The API that they are for; null for the default."),
        Column(
            "scope",
            "text",
            "t.scope",
            "Their scopes, with spaces between them; null for deleted tokens whose scopes were not kept.",
        ),
        Column("tokens", "bigint", "t.tokens", "How many there were."),
        Column("first_at", TIME, "t.first_at", "When the first of them was issued."),
        Column("last_at", TIME, "t.last_at", "When the last of them was issued."),
        Column(
            "client",
            "uuid",
            "t.client",
            "The stream_id of the client. A condition on it is fast, one on client_id is not.",
        ),
    ),
    source="from read.usage_daily t",
)

SIGNING_KEYS = View(
    name="signing_keys",
    says="The keys that sign tokens.",
    tables=("signing_keys",),
    columns=(
        Column("key_id", "text", "t.kid", "Its kid."),
        Column("algorithm", "text", "t.alg", "Its alg (RFC 7518)."),
        Column("state", "text", "t.state", "published, active or retired."),
        Column("published_at", TIME, "t.published_at", "When its public half was published."),
        Column("activated_at", TIME, "t.activated_at", "When it began to sign."),
        Column("retired_at", TIME, "t.retired_at", "When it stopped signing."),
    ),
    source="from read.signing_keys t",
)

VIEWS = (SESSIONS, CONSENTS, GRANTS, DEVICE_AUTHORIZATIONS, TOKENS, USAGE_DAILY, SIGNING_KEYS)
