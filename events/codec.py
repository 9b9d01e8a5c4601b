"""Encodes events to stored bytes, and decodes them. Stored bytes never change, so every old form stays readable here.

An event carries what followers of many streams need. A projection that counts by owner reads the deletion of a client without its
registration, so the deletion names the owner: `*.deleted` does, wherever an aggregate has an owner.
"""

from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import Any, get_args

from msgspec import Struct, convert, json

from events.access_token import AccessTokenEvent
from events.api import ApiEvent
from events.audit_read import AuditReadEvent
from events.authorization import AuthorizationEvent
from events.bot import BotEvent
from events.client import ClientEvent
from events.consent import ConsentEvent
from events.device_authorization import DeviceAuthorizationEvent
from events.envelope import Meta
from events.exchange import ExchangeEvent
from events.initial_access_token import InitialAccessTokenEvent
from events.refusal import RefusalEvent
from events.retention import RetentionEvent
from events.revocation import RevocationEvent
from events.session import SessionEvent
from events.signing_key import SigningKeyEvent
from events.trusted_issuer import TrustedIssuerEvent
from events.user import UserEvent

Event = (
    ClientEvent
    | BotEvent
    | ApiEvent
    | SigningKeyEvent
    | AccessTokenEvent
    | UserEvent
    | SessionEvent
    | ConsentEvent
    | AuthorizationEvent
    | DeviceAuthorizationEvent
    | RefusalEvent
    | RetentionEvent
    | AuditReadEvent
    | RevocationEvent
    | TrustedIssuerEvent
    | InitialAccessTokenEvent
    | ExchangeEvent
)

SCHEMA_VERSION: dict[str, int] = {}
"""The current schema version of each type that has had several; every other type is at 1."""

UPCASTERS: dict[tuple[str, int], Callable[[dict[str, Any]], dict[str, Any]]] = {}
"""By (type, schema version): a function from that version's stored form to that of the next version."""


class UnreadableEvent(Exception):
    """The code cannot read a stored event: its type or version is unknown. The reader must stop and report it."""


def type_of(event: Event) -> str:
    """Returns the dotted tag under which the event is stored."""
    return _tag[type(event)]


def tags(union: object) -> frozenset[str]:
    """Returns the dotted tags of a union of events (or of a single event class)."""
    members: tuple[type[Struct], ...] = get_args(union) or (union,)  # pyright: ignore[reportAssignmentType]
    return frozenset(str(member.__struct_config__.tag) for member in members)


def noun(union: object) -> str:
    """Returns the first part of the tags of one aggregate's events, such as `client`."""
    (first,) = {tag.partition(".")[0] for tag in tags(union)}
    return first


TYPES = tags(Event)

encode = json.Encoder().encode
_decode_event = json.Decoder(Event).decode
decode_meta = json.Decoder(Meta).decode
_tag = {member: str(member.__struct_config__.tag) for member in get_args(Event)}


def schema_version(kind: str) -> int:
    return SCHEMA_VERSION.get(kind, 1)


def decode(kind: str, version: int, data: bytes) -> Event:
    """Returns the event in these stored bytes, upcast to its current form.

    Raises UnreadableEvent if the type or the version is unknown, or if the bytes are not of that type.
    """
    try:
        event = _decode_event(data) if version == SCHEMA_VERSION.get(kind, 1) else _upcast(kind, version, data)
    except ValueError as fault:  # Another type, no JSON and no UTF-8 are all ValueErrors.
        raise _unreadable(kind, version, f"are not of that type: {fault}") from fault
    if _tag[type(event)] != kind:  # So no event has an unknown type.
        raise _unreadable(kind, version, f"say {type_of(event)!r}")
    return event


def decode_all(kinds: Sequence[str], versions: Sequence[int], datas: Sequence[bytes]) -> list[Event]:
    """Returns the events in these stored bytes, each as `decode` returns it. Raises UnreadableEvent."""
    # Nearly always nothing is the matter with any of them, and to find that out for all at once takes less time.
    if versions.count(1) == len(versions) and SCHEMA_VERSION.keys().isdisjoint(kinds):
        with suppress(ValueError):
            events = list(map(_decode_event, datas))
            if [_tag[type(event)] for event in events] == list(kinds):
                return events
    return list(map(decode, kinds, versions, datas))


def _unreadable(kind: str, version: int, why: str) -> UnreadableEvent:
    if kind not in TYPES:
        return _unknown(kind, version)
    return UnreadableEvent(f"the stored bytes of a {kind!r} {why}")


def _unknown(kind: str, version: int) -> UnreadableEvent:
    return UnreadableEvent(
        f"an event of type {kind!r}, schema version {version}, is unknown to this version of Muniment"
    )


def _upcast(kind: str, version: int, data: bytes) -> Event:
    if kind not in TYPES or not 1 <= version <= schema_version(kind):
        raise _unknown(kind, version)
    stored: dict[str, Any] = json.decode(data)
    for step in range(version, schema_version(kind)):
        stored = UPCASTERS[kind, step](stored)
    return convert(stored, Event)


class Recorded(Struct, frozen=True, kw_only=True, gc=False):
    """An event with its place in the log."""

    position: int
    recorded_at: Any
    stream_id: Any
    version: int
    type: str
    event: Event
    meta_bytes: bytes

    @property
    def meta(self) -> Meta:
        return decode_meta(self.meta_bytes)
