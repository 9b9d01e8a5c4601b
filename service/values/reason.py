"""The reason that somebody gives for a change: a short text, in the header Muniment-Reason or after --reason."""

import re
from urllib.parse import unquote_to_bytes

from service.values.credential_form import has_credential
from service.values.text import unseen

MOST = 500
_stray_percent = re.compile(rb"%(?![0-9A-Fa-f]{2})").search


class WrongReason(Exception):
    """The text cannot be recorded. `faults` names everything that is wrong with it."""

    def __init__(self, faults: list[str]) -> None:
        super().__init__("; ".join(faults))
        self.faults = faults


def checked(text: str) -> str:
    """Raises WrongReason."""
    faults: list[str] = []
    if not text.strip():
        faults.append("is empty")
    if len(text) > MOST:
        faults.append(f"has {len(text):,} characters; at most {MOST} are allowed")
    if odd := unseen(text):
        faults.append(f"contains a character that is not allowed in text: {odd}")
    if has_credential([text]):
        faults.append("contains a secret or a token, which would stay in the log for ever; name it by its id")
    if faults:
        raise WrongReason(faults)
    return text


def of_header(value: bytes) -> str:
    """Read UTF-8, whose bytes may be percent-encoded (RFC 3986 section 2.1), as scripts of a browser must. Raises WrongReason."""
    if _stray_percent(value):
        raise WrongReason(["has a % without two hexadecimal digits; the text is percent-encoded, so write % as %25"])
    try:
        text = unquote_to_bytes(value).decode()
    except UnicodeDecodeError as fault:
        raise WrongReason(["is not UTF-8, plain or percent-encoded"]) from fault
    return checked(text)
