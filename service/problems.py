"""Every refusal of the management API (RFC 9457), as a tree. The class has the status; the detail says what to do.

Problem
├── Invalid              400  the request is malformed; `errors` names every invalid field at once
├── Unauthenticated      401  no token, or an invalid one (RFC 6750 section 3)
├── Forbidden            403  a valid token without the scope, or a grant of a scope that the caller does not have
├── NotFound             404
├── NotAllowed           405
├── NotAcceptable        406  none of the formats that Accept names is one of this answer
├── Clash                409  the request contradicts the current state
├── Stale                412  If-Match does not name the current version
├── TooLarge             413
├── NotJson              415
├── NoPrecondition       428  an update without If-Match
├── TooMany              429
├── Unforeseen           500  says nothing but the request id
└── ComeAgain            503  the database is unavailable, or too much waits; nothing was confirmed
"""

from collections.abc import Mapping
from typing import ClassVar, Literal

from msgspec import UNSET, Struct, UnsetType, field

Scheme = Literal["Bearer", "DPoP"]
"""The scheme of an Authorization header (RFC 6750 section 2.1, RFC 9449 section 7.1)."""


class Body(Struct, frozen=True, kw_only=True):
    """A refusal of the management API (RFC 9457)."""

    type: str = "about:blank"
    title: str
    status: int
    detail: str
    instance: str
    errors: Mapping[str, list[str]] | UnsetType = UNSET
    trace_id: str | UnsetType = field(default=UNSET, name="traceId")


class Problem(Exception):
    status: ClassVar[int] = 500
    title: ClassVar[str] = "Internal Server Error"

    def __init__(self, detail: str, *, headers: Mapping[str, str] | None = None) -> None:
        super().__init__(detail)
        self.detail = detail
        self.headers = dict(headers or {})
        self.errors: Mapping[str, list[str]] | UnsetType = UNSET

    def body(self, instance: str, trace_id: str | None = None) -> Body:
        return Body(
            title=self.title,
            status=self.status,
            detail=self.detail,
            instance=instance,
            errors=self.errors,
            trace_id=trace_id or UNSET,
        )


class Invalid(Problem):
    status = 400
    title = "Bad Request"

    def __init__(self, detail: str, errors: Mapping[str, list[str]] | None = None) -> None:
        super().__init__(detail)
        self.errors = dict(errors) if errors else UNSET


class Unauthenticated(Problem):
    status = 401
    title = "Unauthorized"

    def __init__(
        self, detail: str, *, error: str | None = None, scheme: Scheme = "Bearer", nonce: str | None = None
    ) -> None:
        """`error` and `scheme` are for the challenge, which the resource makes. `nonce` is the one of the next DPoP proof."""
        super().__init__(detail)
        self.error, self.scheme, self.nonce = error, scheme, nonce


class Forbidden(Problem):
    status = 403
    title = "Forbidden"

    def __init__(self, detail: str, *, scope: str | None = None) -> None:
        """`scope` is what the token lacks, for the challenge, which the resource makes."""
        super().__init__(detail)
        self.scope = scope


class NotFound(Problem):
    status = 404
    title = "Not Found"


class NotAllowed(Problem):
    status = 405
    title = "Method Not Allowed"


class NotAcceptable(Problem):
    status = 406
    title = "Not Acceptable"


class Clash(Problem):
    status = 409
    title = "Conflict"


class Stale(Problem):
    status = 412
    title = "Precondition Failed"


class TooLarge(Problem):
    status = 413
    title = "Content Too Large"


class NotJson(Problem):
    status = 415
    title = "Unsupported Media Type"


class NoPrecondition(Problem):
    status = 428
    title = "Precondition Required"


class TooMany(Problem):
    status = 429
    title = "Too Many Requests"


class Unforeseen(Problem):
    status = 500
    title = "Internal Server Error"


class ComeAgain(Problem):
    status = 503
    title = "Service Unavailable"

    def __init__(self, detail: str = "The database is unavailable: nothing was confirmed. Try again.") -> None:
        super().__init__(detail, headers={"Retry-After": "1"})
