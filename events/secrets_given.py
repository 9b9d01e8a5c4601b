"""The secrets and the keys that a client has from an event on."""

from collections.abc import Sequence

from events.client import ClientRegistered, ClientRestored
from events.client_key import ClientKeyAdded, StoredKey
from events.client_secret import ClientSecretAdded, StoredSecret
from events.codec import Event

GIVING = ClientRegistered | ClientSecretAdded | ClientRestored
"""The events that give a client a secret."""


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
