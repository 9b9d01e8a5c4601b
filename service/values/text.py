"""Which characters a name or an address may have: what nobody sees could make one look like another."""

import re

_NOT_LINE_ENDS = r"\x00-\x09\x0b\x0c\x0e-\x1f\x7f-\x9f"
CONTROLS = r"\x00-\x1f\x7f-\x9f"
UNSEEN = CONTROLS + (
    "\u00ad\u0600-\u0605\u061c\u06dd\u070f\u0890\u0891\u08e2\u180e\u200b\u200e\u200f\u2028-\u202e\u2060-\u206f\ufeff"
    "\ufff9-\ufffb\U000110bd\U000110cd\U00013430-\U0001343f\U0001bca0-\U0001bca3\U0001d173-\U0001d17a\U000e0001\U000e0020-\U000e007f"
)
"""Controls, formatting and separators (Unicode's Cc, Cf, Zl, Zp), as the inside of a character class that every dialect of regular
expressions reads alike. Not the two joiners (U+200C, U+200D), which some languages are not written without.
"""

_FILLERS = "\u115f\u1160\u17b4\u17b5\u2800\u3164\uffa0"
"""Letters and symbols, as Unicode counts them, that print as nothing or as a space."""

_JOINERS = "\u034f\u180b-\u180f\u200c\u200d\ufe00-\ufe0f\ufff0-\ufff8\U000e0000-\U000e0fff"
"""What is seen only by its effect on the character before it (Unicode's Default_Ignorable_Code_Point, with _FILLERS and UNSEEN)."""

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
"""As patterns for every dialect: a text, a text of several lines, a name (or none), a name, an e-mail address, and an id that others compare by eye."""

NAME_MUST = "must begin with a visible character, and must not end with a space or with what looks like one"
ID_MUST = "must have visible characters alone, and plain spaces only between them"

_SURROGATES = "\ud800-\udfff"
_unseen = re.compile(f"[{UNSEEN}{_SURROGATES}]")
_control = re.compile(f"[{CONTROLS}{_SURROGATES}]")


def unseen(text: str, *, secret: bool = False) -> str | None:
    """The first character that is not allowed, by its number; in a secret, which is shown to nobody, that is a control character."""
    found = None if text.isprintable() else (_control if secret else _unseen).search(text)
    return f"U+{ord(found[0]):04X}" if found else None


def is_text(text: str) -> bool:
    return unseen(text) is None


_is_name = re.compile(NAME).fullmatch
_is_id = re.compile(ID).fullmatch


def name_fault(text: str) -> str | None:
    """Why people could not tell this name from another one, or could not see it; "" is no name, and no fault."""
    return None if _is_name(text) else NAME_MUST


def id_fault(text: str) -> str | None:
    """Why this id (a `sub`) could be taken for another one (RFC 9700 section 4.15), as far as its characters go."""
    return None if _is_id(text) else ID_MUST


def printable(text: str) -> str:
    """The text without characters that a terminal obeys: a client's name must not be able to paint the screen."""
    if text.isprintable():
        return text
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text)
