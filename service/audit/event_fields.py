"""What anybody may read of an event: its fields, without what is hashed or sealed. Of a secret, its hint."""

from collections.abc import Callable, Mapping
from functools import cache
from types import UnionType
from typing import Annotated, Any, Literal, Union, get_args, get_origin, get_type_hints
from uuid import UUID

from msgspec import Raw, Struct, defstruct, field, json, structs

from events.codec import TYPES, Event, Recorded, decode, encode, schema_version, type_of
from events.ids import api_id_of, bot_id_of, client_id_of

SECRETIVE = frozenset({"hash", "imported", "token_hash", "code_challenge", "profile", "password", "kept", "device"})
"""Hashes of secrets, and what is sealed."""


def subject(past: Recorded) -> str:
    return subject_of(past.type, past.stream_id)


def subject_of(kind: str, stream: UUID) -> str:
    """The public name of what an event happened to: a client_id, the id of a bot or an API, else the stream's (a jti is one)."""
    return _NAMED.get(kind, str)(stream)


def _named(noun: str) -> Callable[[UUID], str]:
    match noun:
        case "client":
            return client_id_of
        case "bot":
            return bot_id_of
        case "api":
            return api_id_of
        case _:
            return str


_NAMED: Mapping[str, Callable[[UUID], str]] = {kind: _named(kind.partition(".")[0]) for kind in TYPES}


def fields(event: Event) -> dict[str, Any]:
    """The event's own fields as JSON has them, without its tag and without what is hashed or sealed."""
    return json.decode(json.encode(_reader(type_of(event)).read(encode(event))))


def stored_fields(kind: str, version: int, data: bytes) -> Struct:
    """The same of the stored bytes of an event, as a struct. Raises UnreadableEvent."""
    if kind in _KINDS:
        reader = _reader(kind)
        if version == reader.version and data.startswith(reader.tagged):
            try:
                return reader.read(data)
            except ValueError:  # `decode` says what is wrong with it.
                pass
    event = decode(kind, version, data)
    return _reader(kind).read(encode(event))


def _readable(kind: type[Struct], **tag: Any) -> type[Struct]:
    """Return the type of what may be read of these structs: decoded as such, they lack what is secretive."""
    hints = get_type_hints(kind, include_extras=True)
    shown = [each for each in structs.fields(kind) if each.encode_name not in SECRETIVE]
    return defstruct(
        kind.__name__,
        [(each.name, _type_of(kind, each, hints[each.name]), _default(each)) for each in shown],
        rename={each.name: each.encode_name for each in shown},
        omit_defaults=kind.__struct_config__.omit_defaults,
        frozen=True,
        kw_only=True,
        **tag,
    )


def _default(each: structs.FieldInfo) -> Any:
    make: Any = field
    return make(default=each.default, default_factory=each.default_factory)


@cache
def _nested(kind: type[Struct]) -> type[Struct]:
    config = kind.__struct_config__
    return _readable(kind, tag=config.tag, tag_field=config.tag_field)


def _type_of(kind: type[Struct], each: structs.FieldInfo, hint: Any) -> Any:
    """What has no struct in it is passed on as it is stored, unless it may be a default that is left out."""
    may_be_left_out = kind.__struct_config__.omit_defaults and not each.required
    return _type(hint) if may_be_left_out or _has_struct(hint) else Raw


def _has_struct(hint: Any) -> bool:
    return _is_struct(hint) or (get_origin(hint) is not Literal and any(map(_has_struct, get_args(hint))))


def _type(hint: Any) -> Any:
    """Return the same type, of structs that lack what is secretive."""
    origin, given = get_origin(hint), get_args(hint)
    if origin is None or origin is Literal:
        return _nested(hint) if _is_struct(hint) else hint
    if origin is Annotated:
        return Annotated[(_type(given[0]), *given[1:])]
    of = tuple(map(_type, given))
    return Union[of] if origin in (Union, UnionType) else origin[of]  # noqa: UP007 - of so many types


def _is_struct(hint: Any) -> bool:
    return isinstance(hint, type) and issubclass(hint, Struct)


class _Reader(Struct, frozen=True):
    """`tagged` is how the stored bytes of the kind begin, in their present `version`."""

    version: int
    tagged: bytes
    read: Callable[[bytes], Struct]


_KINDS: Mapping[str, type[Struct]] = {str(kind.__struct_config__.tag): kind for kind in get_args(Event)}


@cache
def _reader(tag: str) -> _Reader:
    """Made at the first use: to make those of all kinds would take a tenth of a start."""
    read = json.Decoder(_readable(_KINDS[tag])).decode
    return _Reader(schema_version(tag), b'{"type":"%b"' % tag.encode(), read)
