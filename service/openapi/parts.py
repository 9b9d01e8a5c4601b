"""The parts that many operations share: headers of requests and responses, and the meaning of each refusal."""

from collections.abc import Mapping
from typing import Any

from msgspec import Struct

from service.endpoints import reason_header
from service.endpoints.paging import MOST, USUAL
from service.endpoints.several import MOST_IDS
from service.idempotency import MOST_CHARACTERS
from service.openapi.forms import OAuthError
from service.openapi.operation import Parameter, ResponseSpec
from service.problems import (
    Clash,
    ComeAgain,
    Forbidden,
    Invalid,
    NoPrecondition,
    NotAcceptable,
    NotFound,
    NotJson,
    Problem,
    Stale,
    TooLarge,
    TooMany,
    Unauthenticated,
    Unforeseen,
)
from service.values.reason import MOST as MOST_OF_REASON

MIN_POSITION = Parameter(
    name="Muniment-Min-Position",
    place="header",
    description="The response is from no older state than this position, which an earlier response named in `Muniment-Position`.",
    schema={"type": "integer", "minimum": 0},
)
REASON = Parameter(
    name=reason_header.REASON,
    place="header",
    description="Why you make this change: recorded with it, and shown in its history. UTF-8, percent-encoded where it is not ASCII "
    "(scripts of a browser must) or plain; `%` is always `%25`. At most 500 characters. On a change of a user it is encrypted with the "
    "user's data key, and erased with the user; other reasons stay for ever, so do not name people in them.",
    schema={
        "type": "string",
        "minLength": 1,
        "maxLength": MOST_OF_REASON,
        "pattern": r"^[!-$&-~]([ -$&-~]*[!-$&-~])?$",
    },
    example="ticket 4711",
)
IDEMPOTENCY_KEY = Parameter(
    name="Idempotency-Key",
    place="header",
    description="Choose a new key for each new request. Sent again within 24 hours with the same body and reason, it gets the first "
    "response again, and nothing happens twice. With another body or reason it is refused (409).",
    schema={"type": "string", "maxLength": MOST_CHARACTERS, "pattern": r"^[!-~]([ -~]*[!-~])?$"},
    example="7f3c1e9a-registration",
)
DPOP = Parameter(
    name="DPoP",
    place="header",
    description="A DPoP proof (RFC 9449 section 4): a JWT for this one request, signed by the client's key. It is refused when it is sent a second time.",
    schema={"type": "string", "maxLength": 8192, "pattern": r"^[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+$"},
)
_TAG = '(W/)?"[0-9]{1,9}"'
_IF_MATCH = {"type": "string", "pattern": rf"^(\*|{_TAG}( *, *{_TAG})*)$"}
IF_MATCH = Parameter(
    name="If-Match",
    place="header",
    description="The `ETag` that you read, or several. Refused (412) if the version has changed since. `*` is any version.",
    schema=_IF_MATCH,
)
IF_MATCH_REQUIRED = Parameter(
    name="If-Match",
    place="header",
    description="The `ETag` that you read, or several. Refused if missing (428), or if the version has changed since (412). `*` is any version.",
    schema=_IF_MATCH,
    required=True,
    example='"3"',
)
LIMIT = Parameter(
    name="limit",
    place="query",
    description="At most this many, oldest first.",
    schema={"type": "integer", "minimum": 1, "maximum": MOST, "default": USUAL},
)
CURSOR = Parameter(
    name="cursor",
    place="query",
    description="Where the next page begins. Follow the `Link` header instead of building this.",
    schema={"type": "string", "pattern": "^[0-9a-f]{32}$"},
)
CURSOR_OF_SORTED = Parameter(
    name="cursor",
    place="query",
    description=CURSOR.description,
    schema={"type": "string", "pattern": "^[0-9a-f]{32}(-[0-9A-Za-z_-]{0,2000})?$"},
)
IDS = Parameter(
    name="ids",
    place="query",
    description=f"Only those of these ids, at most {MOST_IDS}, with spaces between them. An id that you may not see, or that there is not, is "
    "left out. Not together with `as_of`.",
    schema={"type": "string", "pattern": "^[^\\x00]*$"},
)
AS_OF = Parameter(
    name="as_of",
    place="query",
    description="The state at this moment of the past: a time (RFC 3339), which includes everything up to that microsecond, a day (UTC), "
    "which stands for its end, or `position:N`, a position of the log. `Muniment-Position` in the response says which position it stands "
    "for; links to next pages have the same. "
    "`lastUsedUtc` is null then, and there is no `ETag`.",
    schema={"type": "string", "pattern": r"^(position:[0-9]{1,18}|[0-9]{4}-[0-9]{2}-[0-9]{2}(T.+)?)$"},
    example="position:0",
)

RATE_LIMIT = ("RateLimit-Limit", "RateLimit-Remaining", "RateLimit-Reset")
_WHOLE = {"type": "integer", "minimum": 0}
_TEXT = {"type": "string"}


class Header(Struct, frozen=True):
    description: str
    schema: Mapping[str, Any]


HEADERS: Mapping[str, Header] = {
    "Location": Header("The path of what was created, or the redirect target.", _TEXT),
    "ETag": Header("The version, for `If-Match`.", _TEXT),
    "Link": Header(
        'The next page, if there is one: `<…>; rel="next"` (RFC 8288). Some lists have the previous one, too: `rel="prev"`.',
        _TEXT,
    ),
    "Muniment-Position": Header(
        "The position of the log that the response stands for: that of the change (absent if nothing changed), or of `as_of`.",
        _WHOLE,
    ),
    "Muniment-Quorum": Header(
        "Whether the checkpoint has its quorum of witnesses. Absent if no witnesses are set.",
        {"type": "string", "enum": ["met", "not met"]},
    ),
    "Idempotent-Replayed": Header(
        "`true` if this is the first response, sent again.", {"type": "string", "enum": ["true"]}
    ),
    "X-Request-Id": Header("The id of this request in the service's log.", {"type": "string", "format": "uuid"}),
    "RateLimit-Limit": Header("How many requests you may send in a minute.", _WHOLE),
    "RateLimit-Remaining": Header("How many requests are left in this minute.", _WHOLE),
    "RateLimit-Reset": Header("How many seconds are left in this minute.", _WHOLE),
    "DPoP-Nonce": Header(
        "The nonce of the next DPoP proof (RFC 9449 section 8): where the deployment requires nonces, and with the error `use_dpop_nonce`.",
        _TEXT,
    ),
    "Retry-After": Header("Try again after this many seconds.", _WHOLE),
    "WWW-Authenticate": Header("How to authenticate, and what was wrong (RFC 6750 section 3, RFC 7617).", _TEXT),
    "Cache-Control": Header("How long the response may be cached.", _TEXT),
}


class Refusal(Struct, frozen=True):
    """The meaning of a problem, an example of its detail, and its headers."""

    meaning: str
    detail: str
    headers: tuple[str, ...] = ()
    errors: Mapping[str, list[str]] | None = None


EVERY_CALL: tuple[type[Problem], ...] = (Invalid, Unauthenticated, Forbidden, TooMany, Unforeseen, ComeAgain)
"""The refusals that every call of the management API may get."""

REFUSALS: Mapping[type[Problem], Refusal] = {
    Invalid: Refusal(
        "The request is malformed. `errors` names every invalid field at once.",
        "The request has faults in: botUserId. See errors.",
        errors={"botUserId": ["is required for a machine-to-machine client (m2m: true)"]},
    ),
    Unauthenticated: Refusal(
        "The bearer token is missing, malformed, expired, revoked or not of this server.",
        "The token has expired.",
        ("WWW-Authenticate",),
    ),
    Forbidden: Refusal(
        "The token is valid but lacks the scope, or you grant a scope that you do not have.",
        "This requires a token with the scope clients:write.",
        ("WWW-Authenticate",),
    ),
    NotFound: Refusal("You have nothing with this id.", "You have no client with this id."),
    NotAcceptable: Refusal(
        "The answer has none of the formats that `Accept` names.",
        "This answer has the formats application/json, application/x-ndjson and text/csv; name one of them in Accept.",
    ),
    Clash: Refusal(
        "The request contradicts the current state: an `Idempotency-Key` used for another request, a lost race, a limit reached.",
        "This Idempotency-Key was used for another request in the last 24 hours; use a new key for a new request.",
    ),
    Stale: Refusal("`If-Match` does not name the current version.", "The current version is 4, not 3. Read it again."),
    TooLarge: Refusal("The body is longer than 64 KiB.", "The body is longer than 64 KiB."),
    NotJson: Refusal("The body is not JSON.", "Send the body as Content-Type: application/json."),
    NoPrecondition: Refusal(
        "`If-Match` is missing.", 'Name the version that you want to change: If-Match: "<the ETag you read>".'
    ),
    TooMany: Refusal(
        "You sent more requests in this minute than are allowed.",
        "More than 600 requests in this minute; try again in 17 s.",
        ("Retry-After",),
    ),
    Unforeseen: Refusal(
        "Something went wrong. The response says nothing but the request id.",
        "Something went wrong. The operator finds the details in the log under request id 0199f3a5-7c1e-7d0a-9b43-2f6f0d1c8e55.",
    ),
    ComeAgain: Refusal(
        "The database is unavailable, or there is more to do than can be done in time: nothing was confirmed.",
        "The database is unavailable: nothing was confirmed. Try again.",
        ("Retry-After",),
    ),
}


def _oauth(status: int, error: str, description: str, headers: tuple[str, ...] = (), *, meaning: str) -> ResponseSpec:
    example = {"error": error, "error_description": description}
    return ResponseSpec(status=status, description=meaning, shape=OAuthError, headers=headers, example=example)


OAUTH_REFUSALS = (
    _oauth(
        400,
        "invalid_scope",
        "This client may not have: operate. It may have: api:public.",
        ("DPoP-Nonce",),
        meaning="The request is wrong, or asks for what the client may not have; `error_description` says more.",
    ),
    _oauth(
        401,
        "invalid_client",
        "Client authentication failed: check client_id and client_secret, and that neither the client nor its bot is disabled.",
        ("WWW-Authenticate",),
        meaning="Client authentication failed. The text is the same for every reason. Only an Authorization header gets a challenge.",
    ),
    _oauth(413, "invalid_request", "The body is longer than 64 KiB.", meaning="The body is longer than 64 KiB."),
    _oauth(
        429,
        "invalid_client",
        "Too many failed client authentications from here; try again in 17 s.",
        ("Retry-After",),
        meaning="Too many failed authentications. Successful ones are never limited.",
    ),
    _oauth(
        503,
        "temporarily_unavailable",
        "Nothing was issued: the database cannot be used for the moment. Try again.",
        ("Retry-After",),
        meaning="The database is unavailable, or there is more to do than can be done in time: nothing was confirmed.",
    ),
)
