"""Who did it, by which request, because of what, from where: the part of every event that an auditor reads first."""

from uuid import UUID

from msgspec import Struct


class ByClient(Struct, frozen=True, kw_only=True, tag_field="by", tag="client"):
    """A caller of the HTTP API, by its access token."""

    client_id: str
    sub: str


class ByUser(Struct, frozen=True, kw_only=True, tag_field="by", tag="user"):
    """A person on our pages, by the id that is theirs alone; the log has no name or address of a person."""

    user_id: UUID
    session: UUID | None = None


class ByOperator(Struct, frozen=True, kw_only=True, tag_field="by", tag="operator"):
    """A person at the command line, by the name the operating system knows them by."""

    user: str


class ByService(Struct, frozen=True, kw_only=True, tag_field="by", tag="service"):
    """The service itself, following a rule (`why`), such as the first run."""

    why: str


Actor = ByClient | ByUser | ByOperator | ByService


class Meta(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """`receipt` is the digest of the answer that was kept with the event for a retry of the same command."""

    actor: Actor
    request_id: str
    cause: int | None = None
    address: str | None = None
    receipt: str | None = None
