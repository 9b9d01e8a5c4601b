"""Which characters a name or an address may have: what nobody sees could make one look like another."""

import re

CONTROLS = r"\x00-\x1f\x7f-\x9f"
UNSEEN = CONTROLS + (
    "\u00ad\u0600-\u0605\u061c\u06dd\u070f\u0890\u0891\u08e2\u180e\u200b\u200e\u200f\u2028-\u202e\u2060-\u206f\ufeff"
    "\ufff9-\ufffb\U000110bd\U000110cd\U00013430-\U0001343f\U0001bca0-\U0001bca3\U0001d173-\U0001d17a\U000e0001\U000e0020-\U000e007f"
)
"""Controls, formatting and separators (Unicode's Cc, Cf, Zl, Zp), as the inside of a character class that every dialect of regular
expressions reads alike. Not the two joiners (U+200C, U+200D), which some languages are not written without.
"""

_SURROGATES = "\ud800-\udfff"
_unseen = re.compile(f"[{UNSEEN}{_SURROGATES}]")
_control = re.compile(f"[{CONTROLS}{_SURROGATES}]")


def unseen(text: str, *, secret: bool = False) -> str | None:
    """The first character that is not allowed, by its number; in a secret, which is shown to nobody, that is a control character."""
    found = None if text.isprintable() else (_control if secret else _unseen).search(text)
    return f"U+{ord(found[0]):04X}" if found else None


def is_text(text: str) -> bool:
    return unseen(text) is None
