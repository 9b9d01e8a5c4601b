"""What many operations share: headers asked for and given, and what each refusal means."""

from collections.abc import Mapping
from typing import Any

from msgspec import Struct

from service.endpoints.paging import MOST, USUAL
from service.idempotency import MOST_CHARACTERS
from service.openapi.forms import OAuthError
from service.openapi.operation import Parameter, ResponseSpec
from service.problems import (
    Clash,
    ComeAgain,
    Forbidden,
    Invalid,
    NoPrecondition,
    NotFound,
    NotJson,
    Problem,
    Stale,
    TooLarge,
    TooMany,
    Unauthenticated,
    Unforeseen,
)

MIN_POSITION = Parameter(
    name="Muniment-Min-Position",
    place="header",
    description="Answer from no older state than this position, which an earlier answer named in `Muniment-Position`.",
    schema={"type": "integer", "minimum": 0},
)
IDEMPOTENCY_KEY = Parameter(
    name="Idempotency-Key",
    place="header",
    description="Chosen by you, new for each new request. Sent again within 24 hours with the same body, it gets the first answer "
    "again, and nothing happens twice. With another body it is refused (409).",
    schema={"type": "string", "maxLength": MOST_CHARACTERS, "pattern": r"^[!-~]([ -~]*[!-~])?$"},
    example="7f3c1e9a-registration",
)
_TAG = '(W/)?"[0-9]{1,9}"'
_IF_MATCH = {"type": "string", "pattern": rf"^(\*|{_TAG}( *, *{_TAG})*)$"}
IF_MATCH = Parameter(
    name="If-Match",
    place="header",
    description="The `ETag` that you read, or several; refused (412) if it was changed since. `*` is any version.",
    schema=_IF_MATCH,
)
IF_MATCH_REQUIRED = Parameter(
    name="If-Match",
    place="header",
    description="The `ETag` that you read, or several; refused if missing (428), or if it was changed since (412). `*` is any version.",
    schema=_IF_MATCH,
    required=True,
    example='"3"',
)
LIMIT = Parameter(
    name="limit",
    place="query",
    description="At most so many, oldest first.",
    schema={"type": "integer", "minimum": 1, "maximum": MOST, "default": USUAL},
)
CURSOR = Parameter(
    name="cursor",
    place="query",
    description="Where the next page begins. Follow the `Link` header rather than making one.",
    schema={"type": "string", "pattern": "^[0-9a-f]{32}$"},
)

RATE_LIMIT = ("RateLimit-Limit", "RateLimit-Remaining", "RateLimit-Reset")
_WHOLE = {"type": "integer", "minimum": 0}
_TEXT = {"type": "string"}


class Header(Struct, frozen=True):
    description: str
    schema: Mapping[str, Any]


HEADERS: Mapping[str, Header] = {
    "Location": Header("The path of what was made, or the way on.", _TEXT),
    "ETag": Header("The version, for `If-Match`.", _TEXT),
    "Link": Header('The next page, if there is one: `<…>; rel="next"` (RFC 8288).', _TEXT),
    "Muniment-Position": Header("Where in the log it is written; absent when nothing changed.", _WHOLE),
    "Idempotent-Replayed": Header("`true` on the first answer, given again.", {"type": "string", "enum": ["true"]}),
    "X-Request-Id": Header("Names this request in the log of the service.", {"type": "string", "format": "uuid"}),
    "RateLimit-Limit": Header("How many requests a minute you may make.", _WHOLE),
    "RateLimit-Remaining": Header("How many of them are left in this minute.", _WHOLE),
    "RateLimit-Reset": Header("How many seconds this minute has left.", _WHOLE),
    "Retry-After": Header("Ask again after so many seconds.", _WHOLE),
    "WWW-Authenticate": Header("How to authenticate, and what was wrong (RFC 6750 section 3, RFC 7617).", _TEXT),
    "Cache-Control": Header("How long this may be kept.", _TEXT),
}


class Refusal(Struct, frozen=True):
    """What a problem means, an example's detail, and the headers that come with it."""

    meaning: str
    detail: str
    headers: tuple[str, ...] = ()
    errors: Mapping[str, list[str]] | None = None


EVERY_CALL: tuple[type[Problem], ...] = (Invalid, Unauthenticated, Forbidden, TooMany, Unforeseen, ComeAgain)
"""How any call of the management API may be refused."""

REFUSALS: Mapping[type[Problem], Refusal] = {
    Invalid: Refusal(
        "The request's form is wrong. `errors` names every field at fault, all at once.",
        "The request has faults in: botUserId. See errors.",
        errors={"botUserId": ["is required for a machine-to-machine client (m2m: true)"]},
    ),
    Unauthenticated: Refusal(
        "There is no bearer token, or it is malformed, expired, revoked or not of this server.",
        "The token has expired.",
        ("WWW-Authenticate",),
    ),
    Forbidden: Refusal(
        "The token is good, and lacks the scope; or a scope was given away that you do not hold.",
        "This takes a token with the scope clients:write.",
        ("WWW-Authenticate",),
    ),
    NotFound: Refusal("You have nothing of that id.", "You have no client of that id."),
    Clash: Refusal(
        "What is asked contradicts what is: an `Idempotency-Key` used for something else, a lost race, a limit reached.",
        "This Idempotency-Key was used for another request in the last 24 hours; use a new key for a new request.",
    ),
    Stale: Refusal(
        "`If-Match` names a version that is no more.", "This is at version 4 by now, not at 3; read it again."
    ),
    TooLarge: Refusal("The body is over 64 KiB.", "The body is longer than 64 KiB."),
    NotJson: Refusal("The body is not JSON.", "Send the body as Content-Type: application/json."),
    NoPrecondition: Refusal(
        "`If-Match` is missing.", 'Say which version you mean to change: If-Match: "<the ETag you read>".'
    ),
    TooMany: Refusal(
        "You made more requests in this minute than you may.",
        "More than 600 requests in this minute; ask again in 17 s.",
        ("Retry-After",),
    ),
    Unforeseen: Refusal(
        "Something went wrong here. The answer tells nothing but the request id.",
        "Something went wrong here. The operator finds more under request id 0199f3a5-7c1e-7d0a-9b43-2f6f0d1c8e55.",
    ),
    ComeAgain: Refusal(
        "The database cannot be used for the moment: nothing was confirmed.",
        "The database cannot be used for the moment: nothing was confirmed. Ask again.",
        ("Retry-After",),
    ),
}


def _oauth(
    status: int, error: str, description: str, headers: tuple[str, ...] = (), meaning: str | None = None
) -> ResponseSpec:
    example = {"error": error, "error_description": description}
    return ResponseSpec(
        status=status, description=meaning or description, shape=OAuthError, headers=headers, example=example
    )


OAUTH_REFUSALS = (
    _oauth(
        400,
        "invalid_scope",
        "This client may not have: operate. It may have: api:public.",
        meaning="The request is wrong, or asks for what the client may not have; `error_description` says what.",
    ),
    _oauth(
        401,
        "invalid_client",
        "Client authentication failed: check client_id and client_secret, and that neither the client nor its bot is disabled.",
        ("WWW-Authenticate",),
        meaning="The client did not prove itself. One text for every reason. A challenge answers an Authorization header alone.",
    ),
    _oauth(413, "invalid_request", "The body is longer than 64 KiB.", meaning="The body is over 64 KiB."),
    _oauth(
        429,
        "invalid_client",
        "Too many failed client authentications from here; ask again in 17 s.",
        ("Retry-After",),
        meaning="Too many failed authentications. Successful ones are never limited.",
    ),
    _oauth(
        503,
        "temporarily_unavailable",
        "Nothing was issued: the database cannot be used for the moment. Ask again.",
        ("Retry-After",),
        meaning="The database cannot be used for the moment: nothing was confirmed.",
    ),
)
