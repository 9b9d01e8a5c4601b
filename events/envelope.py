"""The metadata of every event: who caused it, by which request, because of which event, and from which address."""

from uuid import UUID

from msgspec import Struct


class ByClient(Struct, frozen=True, kw_only=True, tag_field="by", tag="client"):
    """A client of the HTTP API, as its access token names it."""

    client_id: str
    sub: str


class ByUser(Struct, frozen=True, kw_only=True, tag_field="by", tag="user"):
    """A user of the pages, by the user's id. The log has no name or address of a user in clear."""

    user_id: UUID
    session: UUID | None = None


class ByOperator(Struct, frozen=True, kw_only=True, tag_field="by", tag="operator"):
    """An operator at the command line, by the user name in the operating system."""

    user: str


class ByService(Struct, frozen=True, kw_only=True, tag_field="by", tag="service"):
    """The service itself; `why` names the reason, such as the first run."""

    why: str


Actor = ByClient | ByUser | ByOperator | ByService


class Meta(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """`receipt` is the digest of the response that is stored with the event for a retry of the same command."""

    actor: Actor
    request_id: str
    cause: int | None = None
    address: str | None = None
    receipt: str | None = None
