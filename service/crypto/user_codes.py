"""User codes (RFC 8628 section 6.1): eight consonants, which are easy to type and spell no words: 2.6 * 10^10 codes."""

import hmac
import re
import secrets

from service.crypto.credentials import Secret
from service.crypto.sealing import derived

ALPHABET = "BCDFGHJKLMNPQRSTVWXZ"
LENGTH = 8
GROUP = 4

_is_code = re.compile(f"[{ALPHABET}]{{{LENGTH}}}", re.IGNORECASE | re.ASCII).fullmatch
_ignored = re.compile(r"[\s\-\u2010-\u2015.]+")


class UserCodes:
    """Makes and reads user codes. A code is short, so the log and the tables have only its hash under a key of the server's."""

    def __init__(self, master_key: bytes) -> None:
        self._key = derived(master_key, "muniment user codes")

    def make(self) -> Secret:
        return Secret(grouped("".join(secrets.choice(ALPHABET) for _ in range(LENGTH))))

    def hash(self, code: str) -> str:
        """Return the keyed hash of a code in the form of `grouped`."""
        return hmac.digest(self._key, code.encode(), "sha256").hex()


def read(text: str) -> str | None:
    """Return the code that a user typed, in the form of `grouped`: in any case, with any spaces and hyphens. None if it is no code."""
    typed = _ignored.sub("", text)
    return grouped(typed.upper()) if _is_code(typed) else None


def grouped(code: str) -> str:
    return f"{code[:GROUP]}-{code[GROUP:]}"
