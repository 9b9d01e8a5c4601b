"""What commands write: tables and sentences for people, JSON for scripts. With --json nothing else goes to stdout.

Whatever is in a text, a terminal shows it and obeys none of it.
"""

import sys
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from itertools import zip_longest
from shutil import get_terminal_size
from typing import Annotated, Any

import typer
from msgspec import json

from service.values.text import printable

Json = Annotated[bool, typer.Option("--json", help="For scripts: JSON on stdout, and nothing else.")]

BETWEEN = "  "
NOT_A_TERMINAL = 10_000
"""Columns of a file or a pipe: there, a row is a line, however long."""


def document(value: Any) -> None:
    """One JSON document, as UTF-8 whatever the locale."""
    _write(json.format(json.encode(value), indent=2))


def line(value: Any) -> None:
    """One JSON value on a line of its own."""
    _write(json.encode(value))


def _write(text: bytes) -> None:
    sys.stdout.flush()
    sys.stdout.buffer.write(shown(text) + b"\n")


def shown(document: bytes) -> bytes:
    """The same JSON value, written without characters that a terminal obeys: U+009B begins an escape sequence as ESC and [ do."""
    if document.isascii() and b"\x7f" not in document:
        return document
    return "".join(c if c.isprintable() or c == "\n" else _escaped(c) for c in document.decode()).encode()


def _escaped(character: str) -> str:
    """RFC 8259 section 7; characters beyond U+FFFF are two of UTF-16's."""
    units = character.encode("utf-16-be").hex()
    return "".join(f"\\u{units[i : i + 4]}" for i in range(0, len(units), 4))


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
    """A table. Where the terminal is too narrow for it, text goes on in the next line between two words, never within one;
    where that is not enough, each row is a paragraph.
    """
    cells = [[printable(cell) for cell in row] for row in rows]
    available = get_terminal_size().columns if sys.stdout.isatty() else NOT_A_TERMINAL
    sys.stdout.write(laid_out(columns, cells, available))


def laid_out(columns: Sequence[str], rows: Sequence[Sequence[str]], available: int) -> str:
    whole = [max(map(_width, each)) for each in zip(columns, *rows, strict=True)]
    least = [max(map(_widest_word, each)) for each in zip(columns, *rows, strict=True)]
    widths = fitted(whole, least, available - len(BETWEEN) * (len(columns) - 1))
    if widths is None:
        return "\n".join(_paragraph(columns, row) for row in rows)
    rule = ["-" * width for width in widths]
    return "".join(_row(row, widths) for row in (columns, rule, *rows))


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
    return at.astimezone(UTC).isoformat(sep=" ", timespec="microseconds" if exact else "seconds").replace("+00:00", "Z")
