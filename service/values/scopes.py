"""The scopes of Muniment's own API, and the form of any other (RFC 6749 section 3.3)."""

import re

API_PUBLIC = "api:public"
CLIENTS_WRITE = "clients:write"
CLIENTS_READ = "clients:read"
BOTS_WRITE = "bots:write"
BOTS_READ = "bots:read"
USERS_WRITE = "users:write"
USERS_READ = "users:read"
OPERATE = "operate"

MANAGEMENT = (CLIENTS_WRITE, CLIENTS_READ, BOTS_WRITE, BOTS_READ, USERS_WRITE, USERS_READ, OPERATE)
INTROSPECT = "introspect:"
INTROSPECT_ALL = f"{INTROSPECT}all"
"""Of a client that looks into the access tokens of others: all of them, or, with a resource in place of `all`, those for that resource."""

OPERATORS = (*MANAGEMENT, API_PUBLIC, INTROSPECT_ALL)

OPENID = "openid"
PROFILE = "profile"
EMAIL = "email"
PHONE = "phone"
ADDRESS = "address"
GROUPS = "groups"
OFFLINE_ACCESS = "offline_access"
IDENTITY = (OPENID, PROFILE, EMAIL, PHONE, ADDRESS, GROUPS, OFFLINE_ACCESS)
"""What any interactive client may ask a person for (OpenID Connect Core 1.0 sections 5.4 and 11), and the groups they are in."""

ACRS = ("urn:muniment:acr:1", "urn:muniment:acr:2")
"""How sure it is who logged in: by one factor, or by two (or a passkey that asked for the person's finger or code)."""

NEW_CLIENT = (API_PUBLIC,)
"""What a new client may have, where its caller has it too."""

SCOPE = r"^[\x21\x23-\x5b\x5d-\x7e]+$"
"""A scope-token: visible ASCII but the quotation mark and the backslash."""

_is_scope = re.compile(SCOPE).fullmatch


def is_scope(text: str) -> bool:
    return _is_scope(text) is not None


def split(text: str | None) -> tuple[str, ...]:
    """The scopes in a list with any number of spaces around and between them, each once, in the order given."""
    return tuple(dict.fromkeys(scope for scope in (text or "").split(" ") if scope))
