"""The exchanges of a token for others (RFC 8693). The stream is named by the jti of the token that was exchanged."""

from datetime import datetime
from typing import Literal
from uuid import UUID

from msgspec import Struct

from events.naming import stream_named

Kind = Literal["access_token", "id_jag"]


class TokenExchanged(Struct, frozen=True, kw_only=True, gc=False, tag="exchange.made"):
    """`client_id` exchanged the token `subject`, which `subject_client` had got, for the token `jti`, whose subject is `sub`.

    `actor` is who acts for the subject; None: the token does not say (impersonation).
    """

    subject: UUID
    subject_client: str
    jti: UUID
    kind: Kind
    client_id: str
    sub: str
    actor: str | None
    scope: str
    audience: str
    at: datetime


ExchangeEvent = TokenExchanged


class NoExchange(Struct, frozen=True):
    pass


class Exchanged(Struct, frozen=True, kw_only=True, gc=False):
    subject: UUID


Exchange = NoExchange | Exchanged


def stream_of(subject: UUID) -> UUID:
    """Returns the stream of the exchanges of the token with this jti."""
    return stream_named(b"exchange", subject.bytes)


def evolve(_exchange: Exchange, event: ExchangeEvent) -> Exchange:
    return Exchanged(subject=event.subject)
