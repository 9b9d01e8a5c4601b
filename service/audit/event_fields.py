"""What anybody may read of an event: its fields, without what is hashed or sealed. Of a secret, its hint."""

from typing import Any, cast

from msgspec import to_builtins

from events.codec import Event, Recorded
from events.ids import api_id_of, bot_id_of, client_id_of

SECRETIVE = frozenset({"hash", "imported", "token_hash", "code_challenge", "profile", "password", "kept", "device"})
"""Hashes of secrets, and what is sealed."""


def subject(past: Recorded) -> str:
    """The public name of what the event happened to: a client_id, the id of a bot or an API, else the stream's (a jti is one)."""
    match past.type.partition(".")[0]:
        case "client":
            return client_id_of(past.stream_id)
        case "bot":
            return bot_id_of(past.stream_id)
        case "api":
            return api_id_of(past.stream_id)
        case _:
            return str(past.stream_id)


def fields(event: Event) -> dict[str, Any]:
    """The event's own fields, without its tag and without what is hashed or sealed."""
    told = _without(to_builtins(event), SECRETIVE)
    del told["type"]
    return told


def _without(value: dict[str, Any], names: frozenset[str]) -> dict[str, Any]:
    return {
        name: _nested(each, names) if type(each) in _NESTED else each
        for name, each in value.items()
        if name not in names
    }


_NESTED = frozenset({dict, list, tuple})
"""What `to_builtins` makes that has values in it. Most values have none."""


def _nested(value: Any, names: frozenset[str]) -> Any:
    if isinstance(value, dict):
        return _without(cast("dict[str, Any]", value), names)
    return [_nested(each, names) if type(each) in _NESTED else each for each in cast("list[Any]", value)]
