"""The secrets that a client has from an event on."""

from collections.abc import Sequence

from events.client import ClientRegistered, ClientRestored
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
