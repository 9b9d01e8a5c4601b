"""Views of what there is now: clients, their secrets, bots, users."""

from events.ids import client_id_in_sql
from projections.views.view import TIME, Column, View

_USED = "left join read.last_used u on u.kind = '{kind}' and u.id = {id}"
LAST_USED = Column(
    "last_used_at",
    TIME,
    "u.used_at",
    "When the last access token was issued to it; null if none ever was.",
)
TOKENS = Column("tokens", "bigint", "coalesce(u.tokens, 0)", "How many access tokens were issued to it.")
_ALL_ROLES = "u.roles || array(select r from unnest(u.group_roles) as r where r <> all (u.roles))"
VERSION = "The number of its last event, which is also its ETag over HTTP."

CLIENTS = View(
    name="clients",
    says="The clients that exist. Deleted ones are in client_history.",
    tables=("clients", "last_used"),
    columns=(
        Column("client_id", "text", "c.client_id", "The client_id of OAuth."),
        Column(
            "owner",
            "text",
            "c.owner",
            "Who registered it: the sub of the client that called, or the name of an operator.",
        ),
        Column("display_name", "text", "c.display_name", "Its name for people; null if it has none."),
        Column(
            "grant_type", "text", "c.grant_type", "client_credentials for machines, authorization_code for sign-in."
        ),
        Column(
            "bot_user_id", "text", "c.bot_user_id", "The bot as which a machine client acts: the sub of its tokens."
        ),
        Column("scopes", "text[]", "c.scopes", "The scopes that it may have."),
        Column("redirect_uris", "text[]", "c.redirect_uris", "Where users may be sent back to."),
        Column("public", "boolean", "c.public", "Whether it has no secret (RFC 6749 section 2.1)."),
        Column("state", "text", "c.state", "active or disabled."),
        Column("disabled_by", "text", "c.disabled_by", "owner or operator: who disabled it; null while it is active."),
        Column(
            "secrets", "integer", "jsonb_array_length(c.secrets)", "How many secrets it has, expired ones included."
        ),
        Column("created_at", TIME, "c.created_at", "When it was registered."),
        Column("version", "bigint", "c.version", VERSION),
        LAST_USED,
        TOKENS,
        Column(
            "stream_id", "uuid", "c.stream_id", "Its stream: the column client of other views, which they find it by."
        ),
        Column(
            "apis",
            "jsonb",
            "c.apis",
            "The APIs that it is granted: [{identifier, scopes}]; null: any resource that is no registered API.",
        ),
        Column(
            "document_sha256",
            "text",
            "c.document ->> 'digest'",
            "The SHA-256 (hex) of the metadata document at the URL that is its client_id; null for other clients.",
        ),
        Column(
            "auth_method",
            "text",
            "coalesce(c.security ->> 'token_endpoint_auth_method', case when c.public then 'none' else 'client_secret_basic' end)",
            "How it authenticates: tokenEndpointAuthMethod of the API.",
        ),
        Column(
            "security",
            "jsonb",
            "c.security",
            "Its security settings that are not as usual, such as workload_identities and token_exchange; {} if all are.",
        ),
    ),
    source="from read.clients c " + _USED.format(kind="client", id=client_id_in_sql("c.stream_id")),
)

SECRETS = View(
    name="secrets",
    says="The secrets of the clients that exist. Neither a secret nor its hash is in the database's views.",
    tables=("clients", "last_used"),
    columns=(
        Column("secret_id", "uuid", "s.secret_id", "Its id."),
        Column("client_id", "text", "c.client_id", "Whose secret it is."),
        Column("name", "text", "s.name", "Its name for people."),
        Column("hint", "text", "s.hint", "Its last characters, by which its owner recognizes it."),
        Column("created_at", TIME, "s.created_at", "When it was made."),
        Column("expires_at", TIME, "s.expires_at", "When it stops working; null for never."),
        LAST_USED,
        TOKENS,
    ),
    source="from read.clients c cross join lateral jsonb_to_recordset(c.secrets)"
    " as s (secret_id uuid, name text, hint text, created_at timestamptz, expires_at timestamptz) "
    + _USED.format(kind="secret", id="s.secret_id::text"),
)

KEYS = View(
    name="client_keys",
    says="The public keys of the clients that exist, without those at a jwksUri.",
    tables=("clients", "last_used"),
    columns=(
        Column("key_id", "uuid", "k.key_id", "Its id."),
        Column("client_id", "text", "c.client_id", "Whose key it is."),
        Column("name", "text", "k.name", "Its name for people."),
        Column("kid", "text", "k.kid", "What the client calls it in its assertions."),
        Column("thumbprint", "text", "k.thumbprint", "Its SHA-256 thumbprint (RFC 7638)."),
        Column("created_at", TIME, "k.created_at", "When it was added."),
        Column("expires_at", TIME, "k.expires_at", "When it stops working; null for never."),
        LAST_USED,
        TOKENS,
    ),
    source="from read.clients c cross join lateral jsonb_to_recordset(c.keys)"
    " as k (key_id uuid, name text, kid text, thumbprint text, created_at timestamptz, expires_at timestamptz) "
    + _USED.format(kind="secret", id="k.key_id::text"),
)

BOTS = View(
    name="bots",
    says="The bots, deleted ones included.",
    tables=("bots", "last_used"),
    columns=(
        Column("bot_id", "text", "b.bot_id", "Its id: the sub of the tokens of its clients."),
        Column("owner", "text", "b.owner", "Who registered it."),
        Column("email", "text", "b.email", "Its address; null once it is deleted."),
        Column("first_name", "text", "b.first_name", "Its first name."),
        Column("last_name", "text", "b.last_name", "Its last name."),
        Column("state", "text", "b.state", "active, disabled or deleted."),
        Column("created_at", TIME, "b.created_at", "When it was registered."),
        Column("version", "bigint", "b.version", VERSION),
        LAST_USED,
        TOKENS,
    ),
    source="from read.bots b " + _USED.format(kind="bot", id="b.bot_id"),
)

USERS = View(
    name="users",
    says="The users, without what is encrypted: nobody is named. Erased ones are included.",
    tables=("users",),
    columns=(
        Column("user_id", "uuid", "u.stream_id", "The sub of the user's tokens."),
        Column("state", "text", "u.state", "active, disabled or erased."),
        Column("email_verified", "boolean", "u.verified", "Whether the user has proved to own the address."),
        Column("has_password", "boolean", "u.password is not null", "False for a user of the upstream provider alone."),
        Column("factors", "integer", "jsonb_array_length(u.factors)", "How many second factors the user has."),
        Column("created_at", TIME, "u.created_at", "When the user was registered."),
        Column("version", "bigint", "u.version", VERSION),
        Column("roles", "text[]", _ALL_ROLES, "What the user is in the console: operator, auditor or owner."),
        Column("given_roles", "text[]", "u.roles", "Those of the roles that a person gave."),
        Column(
            "group_roles",
            "text[]",
            "u.group_roles",
            "Those of the roles that come through groups of the upstream provider. A role may come both ways.",
        ),
    ),
    source="from read.users u",
)

APIS = View(
    name="apis",
    says="The registered APIs (resource servers), deleted ones included. Those of the server itself are settings.",
    tables=("apis",),
    columns=(
        Column("identifier", "text", "a.identifier", "The resource of requests, and the audience of tokens."),
        Column("name", "text", "a.terms ->> 'name'", "Its name for people."),
        Column(
            "scopes",
            "text[]",
            "array(select s ->> 'name' from jsonb_array_elements(a.terms -> 'scopes') as s)",
            "Its scopes.",
        ),
        Column("access_token_alg", "text", "a.terms ->> 'access_token_alg'", "What signs its tokens; null: the usual."),
        Column(
            "token_lifetime",
            "integer",
            "a.terms ->> 'token_lifetime'",
            "Seconds its tokens live at most; null: as usual.",
        ),
        Column(
            "any_client",
            "boolean",
            "coalesce(a.terms ->> 'any_client', 'false')",
            "Whether any client may ask a user for it.",
        ),
        Column("state", "text", "a.state", "active or deleted."),
        Column("created_at", TIME, "a.created_at", "When it was registered."),
        Column("version", "bigint", "a.version", VERSION),
    ),
    source="from read.apis a",
)

INITIAL_ACCESS_TOKENS = View(
    name="initial_access_tokens",
    says="The tokens with which clients register themselves (RFC 7591), also those that are used up, expired or revoked.",
    tables=("initial_access_tokens",),
    columns=(
        Column("initial_access_token_id", "uuid", "t.stream_id", "Its id."),
        Column("owner", "text", "t.owner", "Who owns the clients that it registers."),
        Column("name", "text", "t.name", "Its name for people."),
        Column("hint", "text", "t.hint", "Its last characters."),
        Column("scopes", "text[]", "t.scopes", "The scopes that these clients may have."),
        Column("machines", "boolean", "t.machines", "Whether it also registers machine clients."),
        Column("uses", "integer", "t.uses", "How many clients it may register."),
        Column("used", "integer", "t.used", "How many it has registered."),
        Column("state", "text", "t.state", "active or revoked; an active one may be used up or expired."),
        Column("created_at", TIME, "t.created_at", "When it was made."),
        Column("expires_at", TIME, "t.expires_at", "Until when it registers clients; null: for ever."),
        Column("last_used_at", TIME, "t.last_used_at", "When it last registered a client; null if never."),
        Column("version", "bigint", "t.version", VERSION),
    ),
    source="from read.initial_access_tokens t",
)

VIEWS = (CLIENTS, SECRETS, KEYS, BOTS, USERS, APIS, INITIAL_ACCESS_TOKENS)
