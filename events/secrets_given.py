"""The secrets, the keys, the workload identities and the security settings that a client has from an event on."""

from collections.abc import Sequence
from uuid import UUID

from msgspec import UNSET

from events.client import ClientRegistered, ClientRestored
from events.client_key import ClientKeyAdded, StoredKey
from events.client_secret import ClientSecretAdded, StoredSecret
from events.client_security import USUAL_SECURITY, ClientSecurityChanged, Security
from events.codec import Event

GIVING = ClientRegistered | ClientSecretAdded | ClientRestored
"""The events that give a client a secret."""

CREDENTIALS = GIVING | ClientKeyAdded | ClientSecurityChanged
"""The events that give a client anything that tokens are issued to."""


def secrets_given(event: Event) -> Sequence[StoredSecret]:
    match event:
        case ClientRegistered(secret=StoredSecret() as secret) | ClientSecretAdded(secret=secret):
            return (secret,)
        case ClientRestored():
            return event.secrets
        case _:
            return ()


def keys_given(event: Event) -> Sequence[StoredKey]:
    """Returns the keys that a client has from this event on."""
    match event:
        case ClientKeyAdded():
            return (event.key,)
        case ClientRegistered() | ClientRestored():
            return event.keys or ()
        case _:
            return ()


def security_given(event: Event) -> Security | None:
    """Returns the security settings that the event gives a client."""
    match event:
        case ClientRegistered() | ClientRestored():
            return event.security or USUAL_SECURITY
        case ClientSecurityChanged():
            return event.security
        case _:
            return None


def credentials_given(stream: UUID, event: Event) -> Sequence[UUID]:
    """Returns the ids to which tokens can be issued from this event on: those of secrets, keys and workload identities."""
    kept = (*(each.secret_id for each in secrets_given(event)), *(each.key_id for each in keys_given(event)))
    match event:
        case ClientRegistered() | ClientRestored():
            identities = () if event.security is UNSET else event.security.workload_identities
        case ClientSecurityChanged():
            had = event.was.workload_identities
            identities = tuple(each for each in event.security.workload_identities if each not in had)
        case _:
            identities = ()
    return (*kept, *(each.id_for(stream) for each in identities))
