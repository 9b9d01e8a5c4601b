"""What commands write: tables and sentences for people, JSON for scripts. With --json nothing else goes to stdout.

Whatever is in a text, a terminal shows it and obeys none of it.
"""

import os
import sys
from collections.abc import Iterable, Sequence
from contextlib import suppress
from datetime import UTC, datetime
from itertools import zip_longest
from shutil import get_terminal_size
from typing import Annotated, Any

import typer
from msgspec import json

from service.values.json_text import shown
from service.values.text import printable

Json = Annotated[bool, typer.Option("--json", help="For scripts: JSON on stdout, and nothing else.")]

BETWEEN = "  "
INDENT = "  "
NOT_A_TERMINAL = 10_000
"""Columns of a file or a pipe: there, a row is a line, however long, unless COLUMNS says how wide it is."""


def document(value: Any) -> None:
    """One JSON document, as UTF-8 whatever the locale."""
    _write(json.format(json.encode(value), indent=2))


def line(value: Any) -> None:
    """One JSON value on a line of its own."""
    _write(json.encode(value))


def _write(text: bytes) -> None:
    sys.stdout.flush()
    sys.stdout.buffer.write(shown(text) + b"\n")


def say(text: str) -> None:
    """A sentence, or lines of them, on stdout."""
    sys.stdout.write(_printable_lines(text) + "\n")


def write(text: str) -> None:
    """What was made printable already, as UTF-8 whatever the locale."""
    sys.stdout.flush()
    sys.stdout.buffer.write(text.encode())


def note(text: str) -> None:
    """Something about the work itself, for the person who watches: on stderr."""
    sys.stderr.write(f"muniment: {_printable_lines(text)}\n")


def _printable_lines(text: str) -> str:
    return "\n".join(map(printable, text.split("\n")))


def table(columns: Sequence[str], rows: Iterable[Sequence[str]]) -> None:
    """A table. Where the terminal is too narrow for it, text goes on in the next line between two words, never within one, so
    that an id can be copied; where that is not enough, the first columns have lines of their own; and where that is not, each
    row is a paragraph.
    """
    cells = [[printable(cell) for cell in row] for row in rows]
    sys.stdout.write(laid_out(columns, cells, _available()))


def _available() -> int:
    if not sys.stdout.isatty() and not os.environ.get("COLUMNS", "").isdecimal():
        return NOT_A_TERMINAL
    return get_terminal_size().columns


def laid_out(columns: Sequence[str], rows: Sequence[Sequence[str]], available: int) -> str:
    widths = _widths(columns, rows, available)
    if widths is not None:
        rule = ["-" * width for width in widths]
        return "".join(_row(row, widths) for row in (columns, rule, *rows))
    for above in range(1, len(columns)):
        widths = _widths(columns[above:], [row[above:] for row in rows], available - len(INDENT))
        if widths is not None:
            return _stacked(columns, rows, widths, available)
    return _paragraphs(columns, rows)


def _stacked(columns: Sequence[str], rows: Sequence[Sequence[str]], widths: Sequence[int], available: int) -> str:
    """The columns without a width have lines of their own, above the others."""
    above = len(columns) - len(widths)
    widest = max(_width(f"{INDENT if at else ''}{row[at]}") for row in (columns, *rows) for at in range(above))
    beside = len(INDENT) + sum(widths) + len(BETWEEN) * (len(widths) - 1)
    if widest > available:
        return _paragraphs(columns, rows)
    rule = "-" * max(beside, widest)
    return f"{_below(columns, widths)}{rule}\n{''.join(_below(row, widths) for row in rows)}"


def _widths(columns: Sequence[str], rows: Sequence[Sequence[str]], available: int) -> list[int] | None:
    whole = [max(map(_width, each)) for each in zip(columns, *rows, strict=True)]
    least = [max(map(_widest_word, each)) for each in zip(columns, *rows, strict=True)]
    return fitted(whole, least, available - len(BETWEEN) * (len(columns) - 1))


def _below(row: Sequence[str], widths: Sequence[int]) -> str:
    above = len(row) - len(widths)
    first, *others = [*row[:above], *_row(row[above:], widths).splitlines()]
    return "".join(f"{line}\n" for line in (first, *(f"{INDENT}{line}" for line in others)))


def _paragraphs(columns: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    return "\n".join(_paragraph(columns, row) for row in rows)


def fitted(whole: Sequence[int], least: Sequence[int], available: int) -> list[int] | None:
    """How wide each column is: those give first that have most to give. None where there is too little room for all words."""
    widths, excess = list(whole), sum(whole) - available
    for at in sorted(range(len(whole)), key=lambda at: least[at] - whole[at]):
        given = max(0, min(excess, whole[at] - least[at]))
        widths[at] -= given
        excess -= given
    return None if excess > 0 else widths


def _row(cells: Sequence[str], widths: Sequence[int]) -> str:
    beside = zip_longest(*(_wrapped(cell, width) for cell, width in zip(cells, widths, strict=True)), fillvalue="")
    return "".join(
        BETWEEN.join(text + " " * (width - _width(text)) for text, width in zip(line, widths, strict=True)).rstrip()
        + "\n"
        for line in beside
    )


def _wrapped(cell: str, width: int) -> list[str]:
    lines = [""]
    for word in cell.split(" "):
        longer = f"{lines[-1]} {word}" if lines[-1] else word
        if _width(longer) <= width:
            lines[-1] = longer
        else:
            lines.append(word)
    return lines


def _paragraph(columns: Sequence[str], row: Sequence[str]) -> str:
    width = max(map(_width, columns))
    return "".join(f"{name:<{width}}{BETWEEN}{cell}".rstrip() + "\n" for name, cell in zip(columns, row, strict=True))


def _widest_word(text: str) -> int:
    return max(map(_width, text.split(" ")))


def _width(text: str) -> int:
    """In columns of a terminal, of which letters of some scripts take two."""
    if text.isascii():
        return len(text)
    from rich.cells import cell_len  # noqa: PLC0415 - what is not ASCII is rare, and rich takes its time

    return cell_len(text)


def lines(facts: Iterable[tuple[str, str]], *, indent: str = "") -> None:
    """Names and values, one a line."""
    kept = list(facts)
    width = max((len(name) for name, _ in kept), default=0)
    for name, value in kept:
        say(f"{indent}{name:<{width}}  {printable(value)}".rstrip())


def moment(at: datetime | None, *, exact: bool = False) -> str:
    """A time in UTC, to the second unless exact; nothing for never."""
    if at is None:
        return ""
    with suppress(OverflowError):  # In UTC it is outside of the years 1 to 9999, so it is shown with its own offset.
        at = at.astimezone(UTC)
    return at.isoformat(sep=" ", timespec="microseconds" if exact else "seconds").replace("+00:00", "Z")
