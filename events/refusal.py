"""Events of refused requests that belong to no other stream. Each has its own stream; `refusal.left_out` counts those without one."""

from datetime import datetime
from typing import Literal

from msgspec import Struct

WhyNot = Literal[
    "unknown_client",
    "client_deleted",
    "client_stopped",
    "no_secret",
    "wrong_secret",
    "expired_secret",
    "wrong_registration_token",
    "wrong_initial_access_token",
    "wrong_software_statement",
    "wrong_method",
    "unknown_key",
    "wrong_assertion",
    "expired_assertion",
    "replayed_assertion",
    "keys_not_fetched",
    "wrong_certificate",
    "unknown_workload",
    "throttled",
]


class AuthorizationRefused(Struct, frozen=True, kw_only=True, gc=False, tag="refusal.authorization"):
    """An authorization request of this client was refused. The event contains no secret and no parameter of the request."""

    client_id: str
    why: str
    at: datetime


class ClientAuthenticationRefused(Struct, frozen=True, kw_only=True, gc=False, tag="refusal.client_authentication"):
    """Client authentication failed. `client_id` is the id of a client that exists or existed, and None for any other text."""

    client_id: str | None
    why: WhyNot
    at: datetime


class RequestsThrottled(Struct, frozen=True, kw_only=True, gc=False, tag="refusal.throttled"):
    """The client (None: an unauthenticated caller) sent more requests to the management API in one minute than the limit."""

    client_id: str | None
    limit: int
    at: datetime


class RequestNotPermitted(Struct, frozen=True, kw_only=True, gc=False, tag="refusal.not_permitted"):
    """An authenticated client sent a request to the management API that it may not send: a scope is missing, or it tried to give more than it has.

    `request` is the method and the path of the route, such as `GET /api/v1/auth/users/{user_id}` (in old events, the path as it was
    sent), at most 200 characters; `why` has at most 500.
    """

    client_id: str
    request: str
    why: str
    at: datetime


class UserCodeRefused(Struct, frozen=True, kw_only=True, gc=False, tag="refusal.user_code"):
    """Somebody typed a code that no device waits with (RFC 8628 section 5.1), or typed too many."""

    why: Literal["not_known", "throttled"]
    at: datetime


class RefusalsLeftOut(Struct, frozen=True, kw_only=True, gc=False, tag="refusal.left_out"):
    """So many more requests were refused since then, of each kind, beyond the limits up to which each refusal is an event of its own.

    The kinds are those of WhyNot, `authorization`, `throttled_requests`, `not_permitted` and `user_code`.
    """

    counts: dict[str, int]
    since: datetime
    at: datetime


RefusalEvent = (
    AuthorizationRefused
    | ClientAuthenticationRefused
    | RequestsThrottled
    | RequestNotPermitted
    | UserCodeRefused
    | RefusalsLeftOut
)
