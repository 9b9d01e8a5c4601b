"""The security settings of a client: how it authenticates, and what its requests and tokens must be bound to."""

from msgspec import Struct


class Security(Struct, frozen=True, kw_only=True, gc=False, omit_defaults=True):
    """The defaults are those of a client that said nothing. A new setting is a new field here, whose default is what was before it.

    `dpop_bound_access_tokens`: every token is bound to a key of the client (RFC 9449 section 5.2).
    `require_pushed_authorization_requests`: authorization requests are pushed first (RFC 9126 section 6).
    """

    dpop_bound_access_tokens: bool = False
    require_pushed_authorization_requests: bool = False


class ClientSecurityChanged(Struct, frozen=True, kw_only=True, gc=False, tag="client.security_changed"):
    security: Security
    was: Security
