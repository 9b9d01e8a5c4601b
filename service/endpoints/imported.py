"""The import of a client from another server: its id, and its secret or the hash of the secret."""

from datetime import datetime

from events.client_secret import StoredSecret
from events.ids import is_importable
from service.crypto import credentials, foreign_hash
from service.crypto.credentials import Secret, new_secret, stored
from service.crypto.foreign_hash import UnknownHash
from service.endpoints.authentication_fields import METHODS, NONE, is_public
from service.endpoints.client_schemas import CreateOAuthClientRequest as Asked
from service.endpoints.fields import Fields

SHORTEST_SECRET = 16
WITHOUT_SECRET = frozenset({NONE, *METHODS})
BROUGHT = frozenset({"clientId", "clientSecret", "clientSecretHash"})
"""The fields of an import."""


def check(fields: Fields[Asked]) -> None:
    client_id, text, kept = (fields.good(name) for name in ("clientId", "clientSecret", "clientSecretHash"))
    if client_id is not None and not is_importable(client_id):
        fields.fault(
            "clientId",
            "must be visible ASCII characters without /, and must not begin with oauth_client_, as this server's own ids do",
        )
    for name, given in (("clientSecret", text), ("clientSecretHash", kept)):
        if given is not None and is_public(fields):
            fields.fault(name, "is for confidential clients: a public client has no secret")
    if text is not None:
        _check_secret(fields, text)
    if kept is not None:
        _check_hash(fields, kept, both=text is not None)


def _check_secret(fields: Fields[Asked], text: str) -> None:
    if len(text) < SHORTEST_SECRET:
        fields.fault(
            "clientSecret",
            f"must have at least {SHORTEST_SECRET} characters: only its SHA-256 is kept, and a shorter secret could be guessed",
        )
    if not (text.isascii() and text.isprintable()):
        fields.fault("clientSecret", "must be printable ASCII characters (RFC 6749 appendix A.2)")


def _check_hash(fields: Fields[Asked], kept: str, *, both: bool) -> None:
    if both:
        fields.fault("clientSecretHash", "is given together with clientSecret; send only one of them")
    try:
        foreign_hash.canonical(kept)
    except UnknownHash as fault:
        fields.fault("clientSecretHash", str(fault))


def brings(fields: Fields[Asked]) -> bool:
    """Whether the request imports a client. A caller who may not do so gets that refusal, whatever else is wrong."""
    return not fields.names.isdisjoint(BROUGHT) and any(fields.good(name) is not None for name in BROUGHT)


def secret(asked: Asked, now: datetime) -> tuple[Secret | None, StoredSecret | None]:
    """Return the new secret for the response, if there is one, and the secret as it is stored."""
    name = asked.secret_name or "first"
    if asked.public or asked.token_endpoint_auth_method in WITHOUT_SECRET:
        return None, None
    if asked.client_secret_hash is not None:
        return None, credentials.imported(foreign_hash.canonical(asked.client_secret_hash), name=name, at=now)
    if asked.client_secret is not None:
        return None, stored(Secret(asked.client_secret), name=name, at=now)
    made = new_secret()
    return made, stored(made, name=name, at=now)
