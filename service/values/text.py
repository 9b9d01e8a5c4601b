"""The characters that a name or an address may have. Invisible characters could make one look like another."""

import re

_NOT_LINE_ENDS = r"\x00-\x09\x0b\x0c\x0e-\x1f\x7f-\x9f"
CONTROLS = r"\x00-\x1f\x7f-\x9f"
UNSEEN = CONTROLS + (
    "\u00ad\u0600-\u0605\u061c\u06dd\u070f\u0890\u0891\u08e2\u180e\u200b\u200e\u200f\u2028-\u202e\u2060-\u206f\ufeff"
    "\ufff9-\ufffb\U000110bd\U000110cd\U00013430-\U0001343f\U0001bca0-\U0001bca3\U0001d173-\U0001d17a\U000e0001\U000e0020-\U000e007f"
)
"""Controls, formatting and separators (Unicode's Cc, Cf, Zl, Zp), as the inside of a character class that every dialect of regular
expressions reads alike. The two joiners (U+200C, U+200D) are not among them, because some languages need them.
"""

_FILLERS = "\u115f\u1160\u17b4\u17b5\u2800\u3164\uffa0"
"""Characters that Unicode classifies as letters or symbols, but that look like nothing or like a space."""

_JOINERS = "\u034f\u180b-\u180f\u200c\u200d\ufe00-\ufe0f\ufff0-\ufff8\U000e0000-\U000e0fff"
"""Characters that are visible only by their effect on the one before (Unicode's Default_Ignorable_Code_Point, with _FILLERS and
UNSEEN).
"""

BLANK = rf"\s{_FILLERS}{_JOINERS}"
_TEXT = f"[^{UNSEEN}]"
_VISIBLE = f"[^{UNSEEN}{BLANK}]"
_LAST = rf"[^{UNSEEN}\s{_FILLERS}]"
TEXT = f"^{_TEXT}*$"
LINES = rf"^[^{UNSEEN.replace(CONTROLS, _NOT_LINE_ENDS)}]*$"
_NAME = f"{_VISIBLE}({_TEXT}*{_LAST})?"
NAME = f"^({_NAME})?$"
SOME_NAME = f"^{_NAME}$"
EMAIL = f"^[^@{UNSEEN}{BLANK}]+@[^@{UNSEEN}{BLANK}]+$"
ID = f"^{_VISIBLE}(({_VISIBLE}|[ ])*{_VISIBLE})?$"
"""Patterns for every dialect: a text, a text of several lines, a name (or none), a name, an e-mail address, and an id that others
compare by eye.
"""

NAME_MUST = "must begin with a visible character, and must not end with a space or a character that looks like one"
ID_MUST = "must have only visible characters, with plain spaces only between them"

_SURROGATES = "\ud800-\udfff"
_unseen = re.compile(f"[{UNSEEN}{_SURROGATES}]")
_control = re.compile(f"[{CONTROLS}{_SURROGATES}]")


def unseen(text: str, *, secret: bool = False) -> str | None:
    """Return the code point of the first character that is not allowed. A secret is never displayed, so only controls are not allowed."""
    found = None if text.isprintable() else (_control if secret else _unseen).search(text)
    return f"U+{ord(found[0]):04X}" if found else None


_is_name = re.compile(NAME).fullmatch
_is_id = re.compile(ID).fullmatch


def name_fault(text: str) -> str | None:
    """Return why users could not see this name or tell it from another, or None. "" means no name, which is no fault."""
    return None if _is_of_ascii(text) or _is_name(text) else NAME_MUST


def id_fault(text: str) -> str | None:
    """Return why the characters of this id (a `sub`) could make it look like another one (RFC 9700 section 4.15), or None."""
    return None if (text and _is_of_ascii(text)) or _is_id(text) else ID_MUST


def _is_of_ascii(text: str) -> bool:
    """Whether the text is printable ASCII without a space at its ends, as most names and ids are: then it has no fault, except that an id is not empty."""
    return text.isascii() and text.isprintable() and text == text.strip()


def printable(text: str) -> str:
    """Return the text without control characters that a terminal interprets: a client's name must not change the screen."""
    if text.isprintable():
        return text
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text)


def counted(number: int, noun: str) -> str:
    """Return `1 row` or `2 rows`."""
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"
