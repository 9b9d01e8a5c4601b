"""Finds by what name tokens record how a client authenticated: by a registered key, a key at its URL, its certificate or a workload."""

import re
from base64 import urlsafe_b64encode
from collections.abc import Sequence
from uuid import UUID, uuid5

from events.client_security import Security
from events.codec import Recorded
from events.database import AnyConnection
from events.replay import history
from events.secrets_given import keys_given, security_given
from service.refusals import DoesNotExist

NONE = (
    "The client had no key with this kid or thumbprint, and no workload identity with this subject. A key at its jwksUri and a certificate are"
    " found by their SHA-256 thumbprint (RFC 7638, RFC 8705), in base64url or hexadecimal."
)
SEVERAL = "The client had several workload identities with this subject. Send the issuer and the subject with a space between them, or the identityId as an id."

_base64url = re.compile("[A-Za-z0-9_-]{43}", re.ASCII).fullmatch
_hexadecimal = re.compile("(?:[0-9A-Fa-f]{2}:?){31}[0-9A-Fa-f]{2}", re.ASCII).fullmatch


async def credential_of(connection: AnyConnection, client: UUID, text: str) -> UUID:
    """Return the id that tokens have of what the text names. Raises DoesNotExist."""
    return credential_in(await history(connection, client), client, text)


def credential_in(past: Sequence[Recorded], client: UUID, text: str) -> UUID:
    """The text is a kid, a thumbprint, or the subject of a workload identity, also after its issuer and a space. Raises DoesNotExist."""
    events = [each.event for each in reversed(past)]
    for key in (key for event in events for key in keys_given(event)):
        if text in (key.kid, key.thumbprint):
            return key.key_id
    settings = [found for event in events if (found := security_given(event)) is not None]
    identities = {
        each.id_for(client)
        for security in settings
        for each in security.workload_identities
        if text in (each.subject, f"{each.issuer} {each.subject}")
    }
    if len(identities) > 1:
        raise DoesNotExist(SEVERAL)
    if identities:
        return identities.pop()
    thumbprint = _thumbprint(text)
    if thumbprint is None or not any(map(_names_others, settings)):
        raise DoesNotExist(NONE)
    return uuid5(client, thumbprint)


def _thumbprint(text: str) -> str | None:
    """Return the thumbprint in base64url, which is how the ids are made."""
    if _hexadecimal(text):
        return urlsafe_b64encode(bytes.fromhex(text.replace(":", ""))).decode().rstrip("=")
    return text if _base64url(text) else None


def _names_others(security: Security) -> bool:
    """Return whether the client may authenticate by a key that no event has."""
    return security.jwks_uri is not None or security.token_endpoint_auth_method == "tls_client_auth"  # noqa: S105
