"""A client that registered itself replaces its metadata (RFC 7592 section 2.2)."""

from functools import reduce
from uuid import UUID

from msgspec import UNSET, Struct, UnsetType

from events.client import Active, ClientEvent, evolve
from events.client_key import StoredKey
from events.client_registration import About, ClientAboutChanged
from service.commands.authority import SELF_REGISTERED, Holder
from service.commands.client_terms import ChangeClient, change_terms
from service.commands.command import OrdinaryCommand
from service.commands.key import replaced

MOST_NEVER_USED = 10_000
"""How many clients that anybody could register there may be that never got a token."""


class Permission(Struct, frozen=True, kw_only=True):
    """Who owns the clients that may be registered, the scopes that they may have, and the initial access token that allows it, if any."""

    scopes: frozenset[str]
    owner: str = SELF_REGISTERED
    initial_access_token: UUID | None = None

    @property
    def holder(self) -> Holder:
        return Holder(owner=self.owner, sub="", scopes=self.scopes)


class ReplaceMetadata(OrdinaryCommand, frozen=True, kw_only=True):
    """`change` has the settings, `about` what the client says about itself, and `keys` all of its keys; UNSET: they stay."""

    change: ChangeClient
    about: About
    keys: tuple[StoredKey, ...] | UnsetType = UNSET

    @property
    def by(self) -> Holder:
        return self.change.by


def replace_metadata(command: ReplaceMetadata, client: Active) -> list[ClientEvent]:
    added, revoked = ([], []) if command.keys is UNSET else replaced(command.keys, client.keys)
    with_keys = reduce(evolve, added, client)
    assert isinstance(with_keys, Active)
    change = command.change.__replace__(security=command.change.security.kept_strict(client.security))
    return [*added, *change_terms(change, with_keys), *change_about(command.about, client), *revoked]


def change_about(about: About | None, client: Active) -> list[ClientAboutChanged]:
    """Returns nothing for a client that did not register itself: it says nothing about itself."""
    if client.registration is None or about is None or about == client.registration.about:
        return []
    return [ClientAboutChanged(about=about, was=client.registration.about)]
