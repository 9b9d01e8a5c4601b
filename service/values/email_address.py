"""E-mail addresses: their form, and the form by which a user is found."""

import re
import unicodedata

from service.values.text import EMAIL, unseen

LONGEST_EMAIL = 254
"""RFC 5321 section 4.5.3.1.3, without the angle brackets."""

LONGEST_TYPED = 320
"""Characters that a user may type as an address. Normalisation takes time that grows with the square of the length."""

_is_email = re.compile(EMAIL).fullmatch


def normalised(address: str) -> str:
    """Return the e-mail address in the form by which it is found. Texts that are too long become "", which is no user's address."""
    if len(address) > LONGEST_TYPED:
        return ""
    return unicodedata.normalize("NFC", address.strip()).casefold()


def is_email(address: str) -> bool:
    """Return whether the text has the form of an e-mail address. Only a message to it shows whether it exists."""
    return len(address) <= LONGEST_EMAIL and _is_email(address) is not None and unseen(address) is None
