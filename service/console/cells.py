"""What many rows of a page have in a cell, as filters: a macro costs several times as much."""

from collections.abc import Sequence
from functools import lru_cache

from markupsafe import Markup

from service.console.compiling import written

END = 6
"""So many characters of an id are always shown, for ids made at about the same time differ in their ends."""

MOST_KNOWN = 1024
"""Cells that are kept: what a list shows is mostly what it showed before, and many things have the same scopes."""


def short_id(value: object) -> Markup:
    """Return an id for a table: on one line, cut in the middle where there is no room."""
    return _short_id(str(value))


@lru_cache(maxsize=MOST_KNOWN)
def _short_id(text: str) -> Markup:
    return Markup(  # noqa: S704 - every value in it is escaped
        f'<code class="short" title="{written(text)}"><span>{written(text[:-END])}</span>{written(text[-END:])}</code>'
    )


def some(values: Sequence[str], most: int = 2) -> Markup:
    """Return the first few values in a cell of a table, and how many more there are."""
    return _some(tuple(values), most)


@lru_cache(maxsize=MOST_KNOWN)
def _some(values: tuple[str, ...], most: int) -> Markup:
    chips = [f'<li title="{text}">{text}</li>' for text in map(written, values[:most])]
    if rest := values[most:]:
        chips.append(f'<li title="{written(", ".join(rest))}">+{len(rest)}</li>')
    return Markup(f'<ul class="chips">{"".join(chips)}</ul>')  # noqa: S704 - as above
