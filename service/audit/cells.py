"""Rows of CSV (RFC 4180) that a spreadsheet shows, and computes nothing of."""

import csv
import io
import re
from collections.abc import Iterable

from service.values.text import printable

# The characters that OWASP names (CSV Injection): with them a formula begins. A spreadsheet may take a separator of other countries, or a
# quotation mark, for the end of a cell, so they are as dangerous after one of these. Tabs and line ends are never written.
_formula = re.compile("(^\\s*|[;,|\"'])(?=[=+\\-@\uff1d\uff0b\uff0d\uff20])")
_formula_in_json = re.compile("(?<=[;,|\"'])[=+\\-@\uff1d\uff0b\uff0d\uff20]")


def line(cells: Iterable[str]) -> str:
    written = io.StringIO()
    csv.writer(written).writerow(map(_harmless, cells))
    return written.getvalue()


def json_cell(text: str) -> str:
    """Return the same JSON, which has no negative numbers, with what may begin a formula as an escape sequence."""
    return _formula_in_json.sub(lambda found: f"\\u{ord(found[0]):04x}", text)


def _harmless(cell: str) -> str:
    """What a stranger named like a formula is text, by an apostrophe before it."""
    return _formula.sub(r"\1'", printable(cell))
