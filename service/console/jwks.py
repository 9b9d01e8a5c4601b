"""Public keys that a person pastes into a form."""

from collections.abc import Sequence
from typing import cast

from service.values.strict_json import NotAnObject, strict_object


def keys_of(text: str) -> Sequence[object]:
    """Return the keys of a JWK or a JWK Set. What is neither is for the API to refuse."""
    try:
        read = strict_object(text.encode())
    except NotAnObject:
        return [text]
    keys = read.get("keys")
    return cast("list[object]", keys) if isinstance(keys, list) and keys else [read]
