"""Commands on a client's secrets, and their events."""

from datetime import datetime
from uuid import UUID

from events.client import Active, ClientEvent
from events.client_secret import ClientSecretAdded, ClientSecretRehashed, ClientSecretRevoked, StoredSecret
from service.commands.authority import Holder, may_get_secret
from service.commands.command import OrdinaryCommand, StoppingCommand
from service.refusals import Contradiction, DoesNotExist

MOST_SECRETS = 5


class AddSecret(OrdinaryCommand, frozen=True, kw_only=True):
    by: Holder
    secret: StoredSecret
    at: datetime


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
    may_get_secret(command.by, client)
    alive = [s for s in client.secrets if s.expires_at is None or command.at < s.expires_at]
    if len(alive) >= MOST_SECRETS:
        raise Contradiction(f"This client has {MOST_SECRETS} live secrets already; revoke one first.")
    dead = [ClientSecretRevoked(secret_id=s.secret_id) for s in client.secrets if s not in alive]
    return [*dead, ClientSecretAdded(secret=command.secret)]


def revoke(command: RevokeSecret, client: Active) -> list[ClientEvent]:
    if all(secret.secret_id != command.secret_id for secret in client.secrets):
        raise DoesNotExist("This client has no secret with this id.")
    return [ClientSecretRevoked(secret_id=command.secret_id)]


def rehash(command: RehashSecret, client: Active) -> list[ClientEvent]:
    """Returns no event if another process rehashed the secret first, or if it was revoked meanwhile."""
    if all(secret.secret_id != command.secret_id or not secret.imported for secret in client.secrets):
        return []
    return [ClientSecretRehashed(secret_id=command.secret_id, hash=command.hash, hint=command.hint)]
