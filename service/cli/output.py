"""What commands write: tables and sentences for people, JSON for scripts. With --json nothing else goes to stdout.

Whatever is in a text, a terminal shows it and obeys none of it.
"""

import sys
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from typing import Annotated, Any

import typer
from msgspec import json

from service.text import printable

Json = Annotated[bool, typer.Option("--json", help="For scripts: JSON on stdout, and nothing else.")]

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


def note(text: str) -> None:
    """Something about the work itself, for the person who watches: on stderr."""
    sys.stderr.write(f"muniment: {_printable_lines(text)}\n")


def _printable_lines(text: str) -> str:
    return "\n".join(map(printable, text.split("\n")))


def table(columns: Sequence[str], rows: Iterable[Sequence[str]], *, whole: int = 1) -> None:
    """A table; the first `whole` columns are never broken."""
    from rich import box  # noqa: PLC0415
    from rich.console import Console  # noqa: PLC0415
    from rich.table import Table  # noqa: PLC0415
    from rich.text import Text  # noqa: PLC0415

    made = Table(box=box.SIMPLE_HEAD, show_edge=False, pad_edge=False)
    for number, column in enumerate(columns):
        made.add_column(column, no_wrap=number < whole, overflow="fold")
    for row in rows:
        made.add_row(*(Text(printable(cell)) for cell in row))
    Console(highlight=False, width=None if sys.stdout.isatty() else NOT_A_TERMINAL).print(made)


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
