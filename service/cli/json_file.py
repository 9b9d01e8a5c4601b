"""A file that has JSON, such as a key."""

import json
import sys
from pathlib import Path
from typing import Any

from service.cli.fault import Plainly

LONGEST = 64 * 1024


def read_text(file: str) -> str:
    """Returns what the file (- is the standard input) has. Raises Plainly."""
    try:
        text = sys.stdin.read(LONGEST + 1) if file == "-" else Path(file).read_text(encoding="utf-8")
    except (OSError, UnicodeError) as fault:
        why = getattr(fault, "strerror", None) or "it is not UTF-8"
        raise Plainly(f"{file} cannot be read as text: {why}") from fault
    if len(text) > LONGEST:
        raise Plainly(f"{file} is longer than 64 KiB")
    return text


def json_of(text: str, file: str) -> Any:
    """Returns the JSON in the text of the file. Raises Plainly."""
    try:
        return json.loads(text)
    except (ValueError, RecursionError) as fault:
        raise Plainly(f"{file} is not JSON") from fault


def read_json(file: str) -> Any:
    """Returns what the file (- is the standard input) has as JSON. Raises Plainly."""
    return json_of(read_text(file), file)
