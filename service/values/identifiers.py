"""The ids from other systems that may be a `sub`: none that looks like another id (RFC 9700 section 4.15)."""

import re
import unicodedata

from service.values.text import id_fault
from service.values.uuids import uuid_of

_ours = re.compile(r"(bot|oauth_client)_[0-9a-f]{32}").fullmatch


def fault_of(text: str) -> str | None:
    """Return the fault of the id, or None. An id in this server's own form must be written as this server writes it."""
    if not text.strip():
        return "must not be blank"
    fault = id_fault(text)
    if fault is not None:
        return fault
    plain = unicodedata.normalize("NFKC", text).casefold()
    if _ours(plain) and plain != text:
        return f"looks like an id of this server, which is written {plain}"
    canonical = uuid_of(plain)
    if canonical is not None and canonical.version == 7 and str(canonical) != text:
        return f"looks like an id of this server, which is written {canonical}"
    return None
