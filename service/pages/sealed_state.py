"""State that a browser keeps between two steps: sealed, bound to that browser, with a limited lifetime."""

import time
from typing import TypeVar

from msgspec import Raw, Struct, ValidationError, json

from service.crypto.sealing import CannotOpen, Seal, seal_for
from service.pages.browser import Visit, master_key

Shape = TypeVar("Shape", bound=Struct)


class SealedState(Struct, frozen=True, kw_only=True):
    until: float
    what: Raw


def close(visit: Visit, what: Struct, seconds: float) -> str:
    """Return the state as text for a cookie or a hidden field."""
    state = SealedState(until=time.time() + seconds, what=Raw(json.encode(what)))
    return _seal(visit).close_as_text(json.encode(state), _about(visit, type(what)))


def unsealed(visit: Visit, text: str | None, shape: type[Shape]) -> Shape | None:
    """Return the state that was sealed for this browser, or None if it is invalid or has expired."""
    if not text:
        return None
    try:
        plain = _seal(visit).open_text(text, _about(visit, shape))
        state = json.decode(plain, type=SealedState)
        return json.decode(state.what, type=shape) if time.time() < state.until else None
    except (CannotOpen, ValidationError, ValueError):
        return None


def _seal(visit: Visit) -> Seal:
    return seal_for(master_key(visit.resources), "muniment slips of browsers")


def _about(visit: Visit, shape: type[Struct]) -> bytes:
    return f"{shape.__name__} {visit.browser}".encode("utf-8", "replace")
