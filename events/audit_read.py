"""The event that says who read the audit log, the past, or the entries and proofs of the log."""

from datetime import datetime

from msgspec import Struct


class AuditRead(Struct, frozen=True, kw_only=True, gc=False, tag="audit.read", omit_defaults=True):
    """`filters` are the parameters of the read, as name=value; of a value that may be a secret or personal data, only the name. `found`
    counts rows.

    One with `since` is a sum: of further reads (`reads`) of one caller since then that had these filters, or, with `various`, whatever
    their filters were. Its request is the last of them. `found` counts the rows of all of them, and of streams that ended, which their
    own events counted as reads.
    """

    path: str
    filters: tuple[str, ...]
    found: int | None
    at: datetime
    reads: int = 1
    since: datetime | None = None
    various: bool = False


AuditReadEvent = AuditRead
