"""Who is asking: client_secret_basic and client_secret_post (RFC 6749 section 2.3.1), on every endpoint alike, never both at once."""

import base64
import binascii
from datetime import UTC, datetime
from urllib.parse import unquote_plus

from msgspec import Struct

from events.client import StoredSecret
from events.refusal import WhyNot
from projections.clients import Found
from service.crypto.credentials import proven
from service.oauth.errors import InvalidClient, InvalidRequest
from service.oauth.form import Form

LONG_AGO = datetime.min.replace(tzinfo=UTC)
NONE = "none"
"""The method of a public client (RFC 7591 section 2)."""


class PresentedCredentials(Struct, frozen=True, kw_only=True):
    """What a client says of itself; it is proved by nothing yet."""

    client_id: str
    client_secret: str | None
    method: str

    def __repr__(self) -> str:
        return f"PresentedCredentials(client_id={self.client_id!r})"


def parse_credentials(authorization: str | None, form: Form) -> PresentedCredentials:
    """The client's credentials. Raises InvalidClient when there are none, InvalidRequest when there are two."""
    if authorization is None:
        client_id, client_secret = form.get("client_id"), form.get("client_secret")
        if client_id is None:
            raise InvalidClient
        method = NONE if client_secret is None else "client_secret_post"
        return PresentedCredentials(client_id=client_id, client_secret=client_secret, method=method)
    if "client_secret" in form:
        raise InvalidRequest("The client authenticates twice, in the Authorization header and in the body; choose one.")
    client_id, client_secret = _basic(authorization)
    if form.get("client_id", client_id) != client_id:
        raise InvalidRequest("The client_id in the body is not the one in the Authorization header; send one of them.")
    # An empty secret is none (RFC 6749 section 2.3.1): so public clients of some libraries name themselves.
    method = "client_secret_basic" if client_secret else NONE
    return PresentedCredentials(client_id=client_id, client_secret=client_secret or None, method=method)


def prove(presented: PresentedCredentials, found: Found | None, now: datetime) -> StoredSecret | None:
    """The secret that the client proved itself with; None for a public client, which has none and shows none.

    Raises InvalidClient: one text and one cost for every reason.
    """
    secret = proven(presented.client_secret or "", found.client.secrets if found else (), now)
    if found is None or not found.may_act:
        raise InvalidClient
    if found.client.public and presented.method == NONE:
        return None
    if secret is None:
        raise InvalidClient
    return secret


def why_not(presented: PresentedCredentials, found: Found | None, now: datetime) -> WhyNot | None:
    """Why `prove` refused, for the log alone; None where it did not."""
    if found is None:
        return "unknown_client"
    if not found.may_act:
        return "client_stopped"
    if presented.client_secret is None:
        return None if found.client.public else "no_secret"
    if proven(presented.client_secret, found.client.secrets, now):
        return None
    return "expired_secret" if proven(presented.client_secret, found.client.secrets, LONG_AGO) else "wrong_secret"


def _basic(authorization: str) -> tuple[str, str]:
    """The client_id, and the secret or "". Raises InvalidClient."""
    scheme, _, encoded = authorization.partition(" ")
    try:
        if scheme.lower() != "basic":
            raise InvalidClient
        text = base64.b64decode(encoded.strip(), validate=True).decode("utf-8")
    except (binascii.Error, ValueError) as fault:
        raise InvalidClient from fault
    client_id, colon, client_secret = text.partition(":")
    if not colon or not client_id:
        raise InvalidClient
    return unquote_plus(client_id), unquote_plus(client_secret)
