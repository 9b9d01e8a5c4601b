"""What many rows of a page have in a cell, as filters: a macro costs several times as much."""

from collections.abc import Sequence

from markupsafe import Markup

from service.console.compiling import written

END = 6
"""So many characters of an id are always shown, for ids made at about the same time differ in their ends."""


def short_id(value: object) -> Markup:
    """Return an id for a table: on one line, cut in the middle where there is no room."""
    text = str(value)
    return Markup(  # noqa: S704 - every value in it is escaped
        f'<code class="short" title="{written(text)}"><span>{written(text[:-END])}</span>{written(text[-END:])}</code>'
    )


def some(values: Sequence[object], most: int = 2) -> Markup:
    """Return the first few values in a cell of a table, and how many more there are."""
    chips = [f'<li title="{text}">{text}</li>' for text in map(written, values[:most])]
    if rest := values[most:]:
        chips.append(f'<li title="{written(", ".join(map(str, rest)))}">+{len(rest)}</li>')
    return Markup(f'<ul class="chips">{"".join(chips)}</ul>')  # noqa: S704 - as above
