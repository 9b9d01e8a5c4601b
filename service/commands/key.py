"""Commands on a client's public keys, and their events; and what a method of authentication needs."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from events.client import Active, ClientEvent
from events.client_key import ClientKeyAdded, ClientKeyExpirySet, ClientKeyRevoked, StoredKey
from events.client_security import AuthMethod, Security
from service.commands.api_grants import may_authenticate_as
from service.commands.authority import Holder
from service.commands.command import OrdinaryCommand, StoppingCommand
from service.refusals import Contradiction, DoesNotExist, InvalidValue

MOST_KEYS = 10
BY_KEY: AuthMethod = "private_key_jwt"

BY_CERTIFICATE: AuthMethod = "tls_client_auth"
BY_OWN_CERTIFICATE: AuthMethod = "self_signed_tls_client_auth"
BY_WORKLOAD: AuthMethod = "workload_identity"
NAMES = (
    "tls_client_auth_subject_dn",
    "tls_client_auth_san_dns",
    "tls_client_auth_san_uri",
    "tls_client_auth_san_ip",
    "tls_client_auth_san_email",
)
ONE_NAME = "tls_client_auth needs exactly one of tlsClientAuthSubjectDn, …SanDns, …SanUri, …SanIp, …SanEmail"
OWN_KEYS = (
    "self_signed_tls_client_auth needs the key of its certificate: send jwks with at least one public key, or jwksUri"
)

NO_KEYS = "private_key_jwt needs a key: send jwks with at least one public key, or jwksUri"
NO_WORKLOAD = (
    "workload_identity needs workloadIdentities: the issuer and the subject of the tokens that authenticate it"
)
STAYS_PUBLIC = "A public client stays public, for it may be on many devices; register a confidential one."


class AddKey(OrdinaryCommand, frozen=True, kw_only=True):
    """`others_expire_at` ends every other key of the client then, unless it ends sooner. None leaves them as they are."""

    by: Holder
    key: StoredKey
    at: datetime
    others_expire_at: datetime | None = None


class RevokeKey(StoppingCommand, frozen=True, kw_only=True):
    by: Holder
    key_id: UUID


def add(command: AddKey, client: Active) -> list[ClientEvent]:
    if client.public:
        raise Contradiction("A public client has no keys, for it does not authenticate; register a confidential one.")
    may_authenticate_as(command.by, client)
    alive = [key for key in client.keys if key.expires_at is None or command.at < key.expires_at]
    _is_new(command.key, alive)
    revokes_others = command.others_expire_at is not None and command.others_expire_at <= command.at
    if len(alive) >= MOST_KEYS and not revokes_others:
        raise Contradiction(f"This client has {MOST_KEYS} live keys already; revoke one first.")
    dead = [ClientKeyRevoked(key_id=key.key_id) for key in client.keys if key not in alive]
    return [*dead, ClientKeyAdded(key=command.key), *_ended(alive, command)]


def revoke(command: RevokeKey, client: Active) -> list[ClientEvent]:
    if all(key.key_id != command.key_id for key in client.keys):
        raise DoesNotExist("This client has no key with this id.")
    return [ClientKeyRevoked(key_id=command.key_id)]


def replaced(
    wanted: Sequence[StoredKey], had: Sequence[StoredKey]
) -> tuple[list[ClientKeyAdded], list[ClientKeyRevoked]]:
    """Returns the keys that are new, and those that are no longer wanted. A key that stays keeps its id."""
    known, named = {key.thumbprint for key in had}, {key.thumbprint for key in wanted}
    added = [ClientKeyAdded(key=key) for key in wanted if key.thumbprint not in known]
    return added, [ClientKeyRevoked(key_id=key.key_id) for key in had if key.thumbprint not in named]


def fits_method(security: Security, keys: Sequence[StoredKey]) -> None:
    """Raises InvalidValue if a new client could not authenticate, or if its keys could not be told apart."""
    if security.token_endpoint_auth_method == BY_KEY and not keys and not security.jwks_uri:
        raise InvalidValue(f"{NO_KEYS}.", {"token_endpoint_auth_method": [NO_KEYS]})
    if security.token_endpoint_auth_method == BY_OWN_CERTIFICATE and not keys and not security.jwks_uri:
        raise InvalidValue(f"{OWN_KEYS}.", {"token_endpoint_auth_method": [OWN_KEYS]})
    _has_names(security)
    if not keys:
        return
    if security.jwks_uri:
        fault = "must not be sent together with jwks: the keys are in one place"
        raise InvalidValue(f"jwksUri {fault}.", {"jwks_uri": [fault]})
    for names in ([key.thumbprint for key in keys], [key.kid for key in keys]):
        if len(set(names)) < len(names):
            fault = "has a key or a kid twice: each key has its own kid"
            raise InvalidValue(f"jwks {fault}.", {"jwks": [fault]})


def may_change_method(by: Holder, after: Security, client: Active, *, undo: bool) -> None:
    """A confidential client may change its method, if it has what the new one needs. What belongs to another method stays and is not accepted.

    An undone change leaves secrets and keys as they are now, even if it needs one. Raises Contradiction or NotPermitted.
    """
    method = after.token_endpoint_auth_method
    if _decisive(after) == _decisive(client.security):
        return
    if client.public:
        raise Contradiction(STAYS_PUBLIC)
    may_authenticate_as(by, client)
    if undo:
        return
    if method is None and not client.secrets:
        raise Contradiction("This client has no secret: add one first, then change tokenEndpointAuthMethod.")
    if method == BY_KEY and not client.keys and not after.jwks_uri:
        raise Contradiction(
            "This client has no key: add one first, or send jwksUri, then change tokenEndpointAuthMethod."
        )
    if method == BY_OWN_CERTIFICATE and not client.keys and not after.jwks_uri:
        raise Contradiction(
            "This client has no key: add that of its certificate, or send jwksUri, then change tokenEndpointAuthMethod."
        )
    _has_names(after)


def _decisive(security: Security) -> tuple[object, ...]:
    """Returns what decides who can authenticate as the client."""
    names = tuple(getattr(security, name) for name in NAMES)
    return (security.token_endpoint_auth_method, security.jwks_uri, security.workload_identities, *names)


def _has_names(security: Security) -> None:
    """Raises InvalidValue unless the settings say whose certificates or tokens authenticate the client."""
    if security.token_endpoint_auth_method == BY_CERTIFICATE:
        given = [name for name in NAMES if getattr(security, name) is not None]
        if len(given) != 1:
            raise InvalidValue(f"{ONE_NAME}.", {"token_endpoint_auth_method": [ONE_NAME]})
    if security.token_endpoint_auth_method == BY_WORKLOAD and not security.workload_identities:
        raise InvalidValue(f"{NO_WORKLOAD}.", {"token_endpoint_auth_method": [NO_WORKLOAD]})


def _is_new(key: StoredKey, others: Sequence[StoredKey]) -> None:
    same = next((other for other in others if other.thumbprint == key.thumbprint), None)
    if same is not None:
        raise Contradiction(
            f"The client has this key already, as {same.name}: add a new key pair, or revoke that one first."
        )
    if any(other.kid == key.kid for other in others):
        raise Contradiction(
            "Another key of this client has the same kid: give the new one its own, or leave the kid out."
        )


def _ended(others: Sequence[StoredKey], command: AddKey) -> list[ClientEvent]:
    at = command.others_expire_at
    if at is None:
        return []
    if at <= command.at:
        return [ClientKeyRevoked(key_id=key.key_id) for key in others]
    return [
        ClientKeyExpirySet(key_id=key.key_id, expires_at=at, was=key.expires_at)
        for key in others
        if key.expires_at is None or at < key.expires_at
    ]
