"""The header `traceparent` (W3C Trace Context, section 3.2): the trace that a request belongs to."""

import re
from collections.abc import Iterable

from msgspec import Struct

NAME = b"traceparent"
LENGTH = 55
"""Of version 00. A later version may only append to it."""

_form = re.compile(r"([0-9a-f]{2})-(?!0{32})([0-9a-f]{32})-(?!0{16})([0-9a-f]{16})-([0-9a-f]{2})", re.ASCII).fullmatch


class Trace(Struct, frozen=True, kw_only=True):
    """`parent_id` is the span that what follows is caused by. `span_id` is our own span of the request, if the request is recorded."""

    trace_id: str
    parent_id: str
    sampled: bool
    span_id: str | None = None

    @property
    def header(self) -> str:
        return f"00-{self.trace_id}-{self.parent_id}-{'01' if self.sampled else '00'}"


def read(headers: Iterable[tuple[bytes, bytes]]) -> Trace | None:
    """Return the trace that the headers name. A header that is malformed, or there twice, names none (section 3.2.2)."""
    given = [value for name, value in headers if name == NAME]
    return parse(given[0].decode("latin-1")) if len(given) == 1 else None


def parse(text: str) -> Trace | None:
    found, rest = _form(text[:LENGTH]), text[LENGTH:]
    if found is None:
        return None
    version, trace_id, parent_id, flags = found.groups()
    if version == "ff" or (rest and (version == "00" or not rest.startswith("-"))):
        return None
    return Trace(trace_id=trace_id, parent_id=parent_id, sampled=bool(int(flags, 16) & 1))
