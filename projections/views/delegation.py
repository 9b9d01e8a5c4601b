"""Views of who else is trusted, and of the tokens that were exchanged for others."""

from projections.views.view import TIME, Column, View

TRUSTED_ISSUERS = View(
    name="trusted_issuers",
    says="The other servers whose signed tokens are accepted. Deleted ones are not among them.",
    tables=("trusted_issuers",),
    columns=(
        Column("trusted_issuer_id", "uuid", "t.stream_id", "Its id."),
        Column("issuer", "text", "t.issuer", "The iss of its tokens, or its SPIFFE trust domain."),
        Column("name", "text", "t.trust ->> 'name'", "What operators call it."),
        Column(
            "purposes",
            "text[]",
            "array(select jsonb_array_elements_text(t.trust -> 'purposes'))",
            "What its tokens are accepted for.",
        ),
        Column(
            "provisions",
            "boolean",
            "coalesce((t.trust ->> 'provisions')::boolean, false)",
            "Whether a user of its assertions who is unknown here becomes a user.",
        ),
        Column("state", "text", "t.state", "active or disabled."),
        Column("created_at", TIME, "t.created_at", "When it was registered."),
        Column(
            "keys",
            "jsonb",
            "t.trust -> 'keys'",
            "Where its public keys are: source is jwks_uri, discovery (its metadata says) or jwks (given here).",
        ),
        Column(
            "algorithms",
            "text[]",
            "array(select jsonb_array_elements_text(t.trust -> 'algorithms'))",
            "What its tokens may be signed with.",
        ),
        Column(
            "audiences",
            "text[]",
            "array(select jsonb_array_elements_text(t.trust -> 'audiences'))",
            "What its tokens may be for; empty: the issuer identifier of this server.",
        ),
    ),
    source="from read.trusted_issuers t",
)

EXCHANGES = View(
    name="exchanges",
    says="The tokens that were exchanged for others (RFC 8693). Each exchange is an event exchange.made.",
    tables=("exchanges",),
    columns=(
        Column("subject_jti", "uuid", "t.subject", "The token that was exchanged; of an ID token, its session."),
        Column("subject_client_id", "text", "t.subject_client", "The client that had got it."),
        Column("times", "integer", "t.version", "How often it was exchanged."),
        Column("exchanged_at", TIME, "t.exchanged_at", "When it was last exchanged."),
    ),
    source="from read.exchanges t",
)

VIEWS = (TRUSTED_ISSUERS, EXCHANGES)
