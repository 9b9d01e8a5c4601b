"""Commands on a client's secrets, and their events."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from events.client import Active, ClientEvent
from events.client_secret import (
    ClientSecretAdded,
    ClientSecretExpirySet,
    ClientSecretRehashed,
    ClientSecretRevoked,
    StoredSecret,
)
from service.commands.api_grants import may_authenticate_as
from service.commands.authority import Holder
from service.commands.command import OrdinaryCommand, StoppingCommand
from service.refusals import Contradiction, DoesNotExist

MOST_SECRETS = 5


class AddSecret(OrdinaryCommand, frozen=True, kw_only=True):
    """`others_expire_at` ends every other secret of the client then, unless it ends sooner. None leaves them as they are."""

    by: Holder
    secret: StoredSecret
    at: datetime
    others_expire_at: datetime | None = None


class RehashSecret(StoppingCommand, frozen=True, kw_only=True):
    """The service itself sends this after a client has proved an imported secret."""

    secret_id: UUID
    hash: str
    hint: str


class RevokeSecret(StoppingCommand, frozen=True, kw_only=True):
    by: Holder
    secret_id: UUID


def add(command: AddSecret, client: Active) -> list[ClientEvent]:
    if client.public:
        raise Contradiction("A public client has no secrets; register a confidential one.")
    may_authenticate_as(command.by, client)
    alive = [s for s in client.secrets if s.expires_at is None or command.at < s.expires_at]
    revokes_others = command.others_expire_at is not None and command.others_expire_at <= command.at
    if len(alive) >= MOST_SECRETS and not revokes_others:
        raise Contradiction(f"This client has {MOST_SECRETS} live secrets already; revoke one first.")
    dead = [ClientSecretRevoked(secret_id=s.secret_id) for s in client.secrets if s not in alive]
    return [*dead, ClientSecretAdded(secret=command.secret), *_ended(alive, command)]


def _ended(others: Sequence[StoredSecret], command: AddSecret) -> list[ClientEvent]:
    at = command.others_expire_at
    if at is None:
        return []
    if at <= command.at:
        return [ClientSecretRevoked(secret_id=s.secret_id) for s in others]
    return [
        ClientSecretExpirySet(secret_id=s.secret_id, expires_at=at, was=s.expires_at)
        for s in others
        if s.expires_at is None or at < s.expires_at
    ]


def revoke(command: RevokeSecret, client: Active) -> list[ClientEvent]:
    if all(secret.secret_id != command.secret_id for secret in client.secrets):
        raise DoesNotExist("This client has no secret with this id.")
    return [ClientSecretRevoked(secret_id=command.secret_id)]


def rehash(command: RehashSecret, client: Active) -> list[ClientEvent]:
    """Returns no event if another process rehashed the secret first, or if it was revoked meanwhile."""
    if all(secret.secret_id != command.secret_id or not secret.imported for secret in client.secrets):
        return []
    return [ClientSecretRehashed(secret_id=command.secret_id, hash=command.hash, hint=command.hint)]
