"""Client authentication by client_secret_basic or client_secret_post (RFC 6749 section 2.3.1), the same on every endpoint, never both."""

import base64
import binascii
from datetime import UTC, datetime
from urllib.parse import unquote_plus

from msgspec import Struct

from events.client_secret import StoredSecret
from events.refusal import WhyNot
from projections.clients import Found
from service.crypto.credentials import proven
from service.oauth.errors import InvalidClient, InvalidRequest
from service.oauth.form import Form

LONG_AGO = datetime.min.replace(tzinfo=UTC)
NONE = "none"
"""The method of a public client (RFC 7591 section 2)."""


class PresentedCredentials(Struct, frozen=True, kw_only=True):
    """The credentials that a client presents. Nothing about them is verified yet."""

    client_id: str
    client_secret: str | None
    method: str

    def __repr__(self) -> str:
        return f"PresentedCredentials(client_id={self.client_id!r})"


def parse_credentials(authorization: str | None, form: Form) -> PresentedCredentials:
    """Read the client's credentials. Raises InvalidClient if there are none, InvalidRequest if there are two."""
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
    # An empty secret is no secret (RFC 6749 section 2.3.1): some libraries identify a public client in this way.
    method = "client_secret_basic" if client_secret else NONE
    return PresentedCredentials(client_id=client_id, client_secret=client_secret or None, method=method)


def prove(presented: PresentedCredentials, found: Found | None, now: datetime) -> StoredSecret | None:
    """Return the secret with which the client authenticated, or None for a public client, which has no secret and presents none.

    Raises InvalidClient. Text and cost are the same for every reason, so that an attacker learns nothing from them.
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
    """Return why `prove` refused, for the log only; None if it did not refuse."""
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
    """Return the client_id, and the secret or "". Raises InvalidClient."""
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
