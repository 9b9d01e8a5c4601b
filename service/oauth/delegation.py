"""Who acts for whom: the chain of actors in a token (`act`, RFC 8693 section 4.1), and the tokens that it was made from."""

from collections.abc import Iterator, Mapping
from typing import Any, cast
from uuid import UUID

from msgspec import UNSET, Struct, UnsetType

LONGEST_CHAIN = 5
"""How many may act for one another, and how often a token can be exchanged."""


class Act(Struct, frozen=True, kw_only=True, gc=False, omit_defaults=True):
    """An actor, and the one who acted before."""

    sub: str
    client_id: str | UnsetType = UNSET
    iss: str | UnsetType = UNSET
    act: "Act | UnsetType" = UNSET


class Ancestor(Struct, frozen=True, kw_only=True, gc=False, omit_defaults=True):
    """A token from which another one was made, and its client, which had been restored so often. Each of them still stands, or none does."""

    jti: UUID
    client_id: str
    restored: int = 0


class Actor(Struct, frozen=True, kw_only=True):
    """Who acts for the subject of a token."""

    sub: str
    client_id: str


class ForeignChain(Exception):
    """The actors that a token of another server names have no form that can be passed on."""


def chain(act: Act | UnsetType) -> Iterator[Act]:
    """Yield the actors, latest first."""
    while act is not UNSET:
        yield act
        act = act.act


def foreign_act(given: object) -> Act | UnsetType:
    """Return the actors that a trusted issuer's token names; none if `given` is None. Raises ForeignChain."""
    links: list[Mapping[str, Any]] = []
    while given is not None:
        if not isinstance(given, dict) or len(links) == LONGEST_CHAIN:
            raise ForeignChain
        links.append(cast("dict[str, Any]", given))
        given = links[-1].get("act")
    act: Act | UnsetType = UNSET
    for link in reversed(links):
        sub, iss, client_id = link.get("sub"), link.get("iss", UNSET), link.get("client_id", UNSET)
        if (
            not isinstance(sub, str)
            or not isinstance(iss, str | UnsetType)
            or not isinstance(client_id, str | UnsetType)
        ):
            raise ForeignChain
        act = Act(sub=sub, iss=iss, client_id=client_id, act=act)
    return act


def may_act(given: object, actor: Actor) -> bool:
    """Whether the claim `may_act` (RFC 8693 section 4.4) names this actor. Another issuer's actor is none of ours."""
    if not isinstance(given, dict):
        return False
    named = cast("dict[str, Any]", given)
    known = {"sub": actor.sub, "client_id": actor.client_id}
    said = {name: value for name, value in named.items() if name in ("sub", "client_id", "iss")}
    return bool(said) and all(known.get(name) == value for name, value in said.items())
