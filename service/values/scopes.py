"""The scopes of Muniment's own API, and the form of any other (RFC 6749 section 3.3)."""

import re

API_PUBLIC = "api:public"
CLIENTS_WRITE = "clients:write"
CLIENTS_READ = "clients:read"
BOTS_WRITE = "bots:write"
BOTS_READ = "bots:read"
USERS_WRITE = "users:write"
USERS_READ = "users:read"
AUDIT_READ = "audit:read"
OPERATE = "operate"

MANAGEMENT = (CLIENTS_WRITE, CLIENTS_READ, BOTS_WRITE, BOTS_READ, USERS_WRITE, USERS_READ, AUDIT_READ, OPERATE)
INTROSPECT = "introspect:"
INTROSPECT_ALL = f"{INTROSPECT}all"
"""Scopes for introspecting other clients' tokens: all of them, or, with a resource in place of `all`, those for that resource."""

OPERATORS = (*MANAGEMENT, API_PUBLIC, INTROSPECT_ALL)
AUDITORS = (AUDIT_READ, CLIENTS_READ, BOTS_READ, USERS_READ)
"""An auditor reads everything and changes nothing."""

OPENID = "openid"
PROFILE = "profile"
EMAIL = "email"
PHONE = "phone"
ADDRESS = "address"
GROUPS = "groups"
OFFLINE_ACCESS = "offline_access"
IDENTITY = (OPENID, PROFILE, EMAIL, PHONE, ADDRESS, GROUPS, OFFLINE_ACCESS)
"""The scopes that any interactive client may request (OpenID Connect Core 1.0 sections 5.4 and 11), and `groups`."""

ACRS = ("urn:muniment:acr:1", "urn:muniment:acr:2")
"""The authentication context classes: one factor, or two factors (a passkey that verified its user counts as two)."""

NEW_CLIENT = (API_PUBLIC,)
"""The scopes that a new client gets, as far as its caller has them."""

SCOPE = r"^[\x21\x23-\x5b\x5d-\x7e]+$"
"""A scope-token: visible ASCII except the quotation mark and the backslash."""

_is_scope = re.compile(SCOPE).fullmatch


def is_scope(text: str) -> bool:
    return _is_scope(text) is not None


def may_be_exchanged(scope: str) -> bool:
    """Scopes of this server's own API, and those about a person, stay with the client to which they were given."""
    return scope not in (*MANAGEMENT, *IDENTITY) and not scope.startswith(INTROSPECT)


def split(text: str | None) -> tuple[str, ...]:
    """Return the scopes of a list, each once, in the given order. Any number of spaces may separate and surround them."""
    return tuple(dict.fromkeys(filter(None, text.split(" ")))) if text else ()
