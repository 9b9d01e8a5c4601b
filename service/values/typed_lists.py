"""Lists that a person types, of scopes or of URIs: commas, spaces and lines separate their items. Programs send lists as JSON has them."""

import re
from collections.abc import Iterable

_between_scopes = re.compile(r"[\s,]+").split
_between_uris = re.compile(r"\s+|,+(?=\s|$|[a-z][a-z0-9+.-]*:)", re.IGNORECASE).split


def scopes(text: str) -> list[str]:
    return _each_once(_between_scopes(text))


def uris(text: str) -> list[str]:
    """A URI may have a comma itself, so a comma separates only before a space, at the end, and before the scheme of another URI."""
    return _each_once(_between_uris(text))


def _each_once(items: Iterable[str]) -> list[str]:
    return list(dict.fromkeys(filter(None, items)))
