"""Public keys that a person pastes into a form."""

from collections.abc import Sequence
from typing import cast

from service.console.forms import FormState
from service.values.strict_json import NotAnObject, strict_object


def keys_of(text: str) -> Sequence[object]:
    """Return the keys of a JWK or a JWK Set. What is neither is for the API to refuse."""
    try:
        read = strict_object(text.encode())
    except NotAnObject:
        return [text]
    keys = read.get("keys")
    return cast("list[object]", keys) if isinstance(keys, list) and keys else [read]


def without_refused_keys(form: FormState, field: str) -> FormState:
    """A refused key is not shown again, because it may be a private one."""
    kept = {name: value for name, value in form.values.items() if name != field or not form.faults(field)}
    return form.__replace__(values=kept)
