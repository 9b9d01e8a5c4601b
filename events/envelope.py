"""The metadata of every event: who caused it, by which request, because of which event, from which address, and why."""

from uuid import UUID

from msgspec import Struct

from events.sealed import Sealed


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


class SealedReason(Struct, frozen=True, kw_only=True):
    """A reason on the stream of a user, whom it may name: encrypted under the user's data key, so the log forgets both together."""

    user_id: UUID
    sealed: Sealed


class Meta(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """`receipt` is the digest of the response that is stored with the event for a retry of the same command.

    `reason` is the text that the actor gave for the change. `trace_id` is that of W3C Trace Context, if the request belongs to a trace.
    """

    actor: Actor
    request_id: str
    cause: int | None = None
    address: str | None = None
    receipt: str | None = None
    reason: str | SealedReason | None = None
    trace_id: str | None = None
