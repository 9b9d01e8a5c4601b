"""The feeds of /api/v1/audit, as the API reference describes it."""

from events.codec import TYPES
from service.audit.event_json import AuditEvent
from service.endpoints import cursors
from service.endpoints.audit import EVENTS_PATH
from service.endpoints.audit_query import NOUNS
from service.endpoints.audit_tokens import TOKENS_PATH, AuditToken
from service.endpoints.cursors import ORDERS
from service.endpoints.event_stream import HEARTBEAT_SECONDS, STREAM_PATH
from service.endpoints.formats import EVENT_STREAM
from service.endpoints.moments import MOST_DIGITS
from service.endpoints.paging import MOST, USUAL
from service.endpoints.token_search import MOST_CLIENTS, MOST_NAMED, MOST_READ
from service.openapi.operation import Operation, Parameter, ResponseSpec
from service.problems import NotAcceptable
from service.values.scopes import AUDIT_READ

CLIENT = "oauth_client_0199f3a57c1e7d0a9b432f6f0d1c8e55"
EVENT = {
    "position": 4711,
    "recordedAt": "2026-11-27T09:30:00.123456Z",
    "type": "client.disabled",
    "streamId": "0199f3a5-7c1e-7d0a-9b43-2f6f0d1c8e55",
    "subject": CLIENT,
    "version": 4,
    "actor": {"by": "client", "clientId": "oauth_client_0199f3a57c1e7d0a9b432f6f0d1c8e01", "sub": "alice"},
    "requestId": "0199f3a5-8000-7d0a-9b43-2f6f0d1c8e77",
    "cause": None,
    "address": "192.0.2.7",
    "reason": "The secret leaked.",
    "data": {"by": "operator"},
}
PLACE = "`position:N`, a time, or a day such as 2026-03-03 (UTC). Included."
SINCE_PLACE = f"{PLACE} A time in the future, and a position beyond the next one, are refused."
UNTIL_PLACE = f"{PLACE} A time in the future, or a position beyond the end of the log, means up to now."


_KINDS = "|".join(sorted(TYPES | NOUNS)).replace(".", r"\.")
A_PLACE = {
    "oneOf": [
        {"type": "string", "pattern": "^position:[0-9]{1,18}$"},
        {"type": "string", "format": "date-time"},
        {"type": "string", "format": "date"},
    ]
}

NOT_BLANK = {"minLength": 1, "pattern": r"^[^\x00]*$"}


def _text(name: str, description: str, **more: object) -> Parameter:
    form = more or {"pattern": r"^[^\x00]*$"}
    return Parameter(name=name, place="query", description=description, schema={"type": "string", **form})


FILTERS = (
    _text(
        "type",
        "Only these types, such as `client.disabled`, or whole families, such as `client`; separated by commas.",
        pattern=f"^({_KINDS})(,({_KINDS}))*$",
    ),
    _text(
        "without",
        "Leave out these types or families: `audit` are the reads of the log, of which there may be more than of all else.",
        pattern=f"^({_KINDS})(,({_KINDS}))*$",
    ),
    _text("stream", "Only events of this stream.", format="uuid"),
    _text(
        "client",
        "Only events that concern this client (`clientId`, or the UUID that exports name it by).",
        pattern=r"^[!-.0-~]{1,255}$",
    ),
    _text("bot", "Only events that concern this bot, or a client that acts as it.", **NOT_BLANK),
    _text("user", "Only events that concern this user.", format="uuid"),
    _text(
        "actor",
        "Only what was done by this `sub`, client, user, session or operator, or by `muniment` itself.",
        **NOT_BLANK,
    ),
    _text("request", "Only what this request did (its `X-Request-Id`).", format="uuid"),
    _text("address", "Only what was done from this IP address (`unknown` if a proxy named none)."),
)
SINCE = Parameter(name="since", place="query", description=f"Where to begin: {SINCE_PLACE}", schema=A_PLACE)
PAGE = (
    SINCE,
    Parameter(name="until", place="query", description=f"Where to end: {UNTIL_PLACE}", schema=A_PLACE),
    Parameter(
        name="order",
        place="query",
        description="Which events come first.",
        schema={"type": "string", "enum": list(ORDERS), "default": ORDERS[0]},
    ),
    Parameter(
        name="limit",
        place="query",
        description="At most this many.",
        schema={"type": "integer", "minimum": 1, "maximum": MOST, "default": USUAL},
    ),
    _text(
        "cursor",
        "Where another page is. Follow the `Link` header instead of building this.",
        pattern=cursors.pattern(MOST_DIGITS),
    ),
)

TOKEN = {
    "position": 48211,
    "issuedAt": "2026-11-27T09:30:00.123456Z",
    "clientId": CLIENT,
    "secretId": "0199f3a5-7c1e-7d0a-9b43-2f6f0d1c8e66",
    "jti": "0199f3a5-8000-7d0a-9b43-2f6f0d1c8e77",
    "sub": "bot-abc123",
    "scope": "api:public",
    "kid": "b2k3mVyTnZ5a7H0Yw1xQeQ",
    "expiresAt": "2026-11-27T10:30:00Z",
    "address": "192.0.2.7",
    "authorization": None,
    "jkt": None,
    "state": "revoked",
    "stoppedAt": "2026-11-27T09:41:12.654321Z",
}
TOKEN_FILTERS = (
    _text(
        "client",
        "Only tokens of this client (`clientId`, or the UUID that exports name it by).",
        pattern=r"^[!-.0-~]{1,255}$",
    ),
    _text("secret", "Only tokens that this secret got (`secretId`).", format="uuid"),
    _text(
        "bot", f"Only tokens of the machine clients that act as this bot (the latest {MOST_CLIENTS:,}).", **NOT_BLANK
    ),
    _text("subject", "Only tokens with this `sub`: a bot's, or a user's.", **NOT_BLANK),
    _text("user", "Only tokens that this user authorized.", format="uuid"),
    _text("authorization", "Only tokens that were issued from this authorization.", format="uuid"),
    _text("key", "Only tokens that this key signed (its `kid`).", **NOT_BLANK),
    _text(
        "client_key",
        "Only tokens that the `client` got by this key of its: a `kid` or thumbprint, that of a key at `jwksUri` or of a certificate (SHA-256, in "
        "base64url or hexadecimal), or the subject of a workload identity, also after its issuer and a space.",
        **NOT_BLANK,
    ),
    _text("jkt", "Only tokens that are bound to this key (its thumbprint, RFC 9449).", **NOT_BLANK),
    _text("jti", "Only this token.", format="uuid"),
    _text(
        "subject_token",
        "Only tokens that the token with this `jti` was exchanged for (RFC 8693). Events of the type `exchange.made` say which tokens were "
        "exchanged at all, by whom and for whom.",
        format="uuid",
    ),
)

FEED = (
    Operation(
        method="get",
        path=EVENTS_PATH,
        operation_id="listAuditEvents",
        summary="List events",
        tag="Audit",
        description="What happened, newest first. With several filters, only events that agree with all of them.\n\n"
        "`Accept` chooses the format: `application/json`, `application/x-ndjson` (an event a line) or `text/csv`. "
        "`Muniment-Position` says how far in the log the feed is, usually within a second of its end.",
        scope=AUDIT_READ,
        parameters=(*FILTERS, *PAGE),
        answers=(
            ResponseSpec(
                description="One page of events. `Link` has the next page and the previous one.",
                shape=list[AuditEvent],
                headers=("Link", "Muniment-Position"),
                example=[EVENT],
            ),
        ),
        refusals=(NotAcceptable,),
    ),
    Operation(
        method="get",
        path=STREAM_PATH,
        operation_id="streamAuditEvents",
        summary="Follow events",
        tag="Audit",
        description="Events as they are committed, as Server-Sent Events: each once, in order, without gaps. `data` is an event as in the "
        "list, and `id` its position. It begins with what comes next, with `since`, or after `Last-Event-ID`.\n\n"
        f"A comment comes every {HEARTBEAT_SECONDS:.0f} s. The event `end` says why the stream ends: the token expired or was revoked, the "
        "client was disabled or lost the scope, the server is shutting down, or the reader read nothing for a minute.",
        scope=AUDIT_READ,
        parameters=(
            *FILTERS,
            SINCE.__replace__(
                description=f"Where to begin: {PLACE} A time in the future is refused, a position is waited for."
            ),
            Parameter(
                name="Last-Event-ID",
                place="header",
                description="The `id` of the last event that you have.",
                schema={"type": "integer", "minimum": 0},
            ),
        ),
        answers=(
            ResponseSpec(
                description="A stream without an end.",
                shape={"type": "string"},
                media=EVENT_STREAM,
                headers=("Muniment-Position",),
            ),
        ),
        refusals=(NotAcceptable,),
    ),
    Operation(
        method="get",
        path=TOKENS_PATH,
        operation_id="listAuditTokens",
        summary="List issued tokens",
        tag="Audit",
        description="Which tokens a secret, a client, a bot, a user, an authorization or a signing key got, newest first. With several "
        "filters, only tokens that agree with all of them. `position` is a position of the issuance log.\n\n"
        f"The filter that finds the fewest tokens leads: `jti`, `subject_token`, `authorization`, `user`, `secret`, `client`, `bot`, `subject`, `key`, in this "
        f"order. A request reads at most {MOST_READ:,} tokens of the leading filter ({MOST_NAMED:,} of a user or an authorization). So a "
        "page may have fewer tokens than `limit`, even none, and a next page: follow the `Link` header until it has none.\n\n"
        "`Accept` chooses the format, as for events.",
        scope=AUDIT_READ,
        parameters=(*TOKEN_FILTERS, *PAGE),
        answers=(
            ResponseSpec(
                description="One page of tokens. `Link` has the next page and the previous one.",
                shape=list[AuditToken],
                headers=("Link",),
                example=[TOKEN],
            ),
        ),
        refusals=(NotAcceptable,),
    ),
)
