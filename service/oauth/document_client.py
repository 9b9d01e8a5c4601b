"""Client-id metadata documents: which URLs may name one, and which documents are valid (draft-ietf-oauth-client-id-metadata-document-02).

It has no I/O.
"""

import re
from collections.abc import Mapping
from typing import Any, cast
from urllib.parse import urlsplit

from events.ids import is_document
from service.network import hosts
from service.oauth.client_keys import NOT_PUBLIC
from service.oauth.client_metadata import BY_KEY, NONE, ClientMetadata, Policy, client_metadata
from service.oauth.client_metadata_members import parse
from service.oauth.errors import Refusal

MOST_BYTES = 10 * 1024
"""The draft recommends to read five kilobytes (section 8.7); some widely used clients have more."""

BOM = b"\xef\xbb\xbf"
SECRETS = ("client_secret", "client_secret_expires_at", "registration_access_token")

_characters = re.compile(r"[A-Za-z0-9\-._~:/?\[\]@!$&'()*+,;=%]*").fullmatch
_dots = re.compile(r"(\.|%2e){1,2}", re.IGNORECASE).fullmatch


class InvalidDocument(Exception):
    """What is wrong with a document or its URL, as a text for the client's developer."""

    def __init__(self, why: str) -> None:
        super().__init__(why)
        self.why = why


def host_of(url: str) -> str:
    """Return the host of a document's URL, and its port, if it has one: it is all that people can know of the client."""
    return urlsplit(url).netloc


def check_url(url: str) -> str:
    """Return the host that the URL names, without port. Raises InvalidDocument (section 3)."""
    if not is_document(url) or not _characters(url):
        raise InvalidDocument("Its URL must begin with https://, and have at most 255 characters and no fragment.")
    try:
        parts = hosts.split(url)
        port = parts.port
    except ValueError as fault:
        raise InvalidDocument("Its URL cannot be read.") from fault
    host = parts.hostname or ""
    if not host or port == 0 or hosts.fault(host):
        raise InvalidDocument("Its URL must name a host, as a name or an IP address.")
    if "@" in parts.netloc:
        raise InvalidDocument("Its URL must not have user information (user@).")
    if not parts.path.startswith("/"):
        raise InvalidDocument("Its URL must have a path, such as https://app.example.com/client.json.")
    if any(map(_dots, parts.path.split("/"))):
        raise InvalidDocument("The path of its URL must not have the parts . and ..")
    return host


def metadata_of(url: str, body: bytes, policy: Policy) -> ClientMetadata:
    """Return the metadata of a document, checked. `policy` is that of documents. Raises InvalidDocument (section 4)."""
    if body.startswith(BOM):
        raise InvalidDocument("It begins with a byte order mark; leave that out (RFC 8259 section 8.1).")
    try:
        given = parse(body)
        said = given.get("client_id")
        if said != url:
            raise InvalidDocument("Its client_id must be its own URL, character for character.")
        faults = _own_faults(given)
        found = client_metadata(_as_registered(given), policy)
    except Refusal as fault:
        raise InvalidDocument(fault.description) from fault
    if faults:
        raise InvalidDocument(f"The document has faults: {'; '.join(faults)}.")
    return found


def policy_of(issuer: str, insecure: frozenset[str]) -> Policy:
    """Return what a document may say: there is no secret that both sides could know (section 4.1)."""
    return Policy(issuer=issuer, auth_methods=(NONE, BY_KEY), insecure=insecure)


def _own_faults(given: Mapping[str, Any]) -> list[str]:
    found = [f"{name} must not be in it, for everybody can read it" for name in SECRETS if given.get(name) is not None]
    if not given.get("client_name"):
        found.append("client_name is required")
    if _has_private_key(given.get("jwks")):
        found.append("jwks must have public keys only")
    return found


def _has_private_key(jwks: Any) -> bool:
    keys: Any = cast("Any", jwks).get("keys") if isinstance(jwks, dict) else None
    return isinstance(keys, list) and any(
        isinstance(key, dict) and not NOT_PUBLIC.isdisjoint(cast("dict[str, Any]", key))
        for key in cast("list[Any]", keys)
    )


def _as_registered(given: Mapping[str, Any]) -> Mapping[str, Any]:
    """A document that names no method is of a public client. This server sends nothing to a URI that a stranger chose."""
    method = given.get("token_endpoint_auth_method") or NONE
    return {**given, "token_endpoint_auth_method": method, "backchannel_logout_uri": None}
