"""The responses of endpoints: JSON, a refusal as a problem (RFC 9457), and reads that wait for a position of the log."""

import logging
from collections.abc import Mapping, Sized
from functools import cached_property
from uuid import UUID

from msgspec import json
from starlette.responses import Response
from starlette.types import Scope

from events.database import NotReached, Overloaded, Unavailable
from service.endpoints.moments import position_of
from service.endpoints.refusals import problem_of
from service.http.asgi import BodyCutShort, BodyTooLong, are_clean
from service.http.exchange import EXCHANGE, Exchange
from service.outages import Outages
from service.problems import ComeAgain, Invalid, Problem, TooLarge, Unforeseen
from service.refusals import AnyDomainRefusal
from service.request_id import trace_id
from service.resources import Resources

log = logging.getLogger("muniment.api")

POSITION = "Muniment-Position"
MIN_POSITION = "Muniment-Min-Position"
_POSITION = POSITION.lower()
NO_POSITION = f"{MIN_POSITION} must be a position of the log: a whole number."
OVERLOADED = "This server has more to do than it can in time, so nothing was done. Try again in a second."
BEYOND = f"{MIN_POSITION} is beyond the end of the log; send one from a response of this server."


def as_problem(fault: Exception, request_id: UUID, outages: Outages) -> Problem:
    """Return the problem for a fault. An unforeseen fault is logged, and its details are not sent."""
    if isinstance(fault, AnyDomainRefusal):
        return problem_of(fault)
    match fault:
        case Problem():
            return fault
        case NotReached():
            return ComeAgain(f"{str(fault)[:1].upper()}{str(fault)[1:]}. Try again.")
        case Overloaded():
            return ComeAgain(OVERLOADED)
        case Unavailable():
            outages.notice(fault)
            return ComeAgain()
        case BodyTooLong():
            return TooLarge("The body is longer than 64 KiB.")
        case BodyCutShort():
            return Invalid("The body ended early. Send it again.")
        case _:
            log.error("request %s failed", request_id, exc_info=fault)
            return Unforeseen(
                f"Something went wrong. The operator finds the details in the log under request id {request_id}."
            )


def refusal(problem: Problem, request_id: UUID) -> Response:
    body = json.encode(problem.body(f"urn:uuid:{request_id}", trace_id()))
    return Response(body, problem.status, problem.headers, media_type="application/problem+json")


class Plain(Response):
    """Bytes of a type. Starlette's own constructor looks for what to encode and which headers to add, which here is known.

    `said` are the headers but for the length, by their names in lower case.
    """

    def __init__(self, body: bytes, status: int, headers: Mapping[str, str], media: str) -> None:
        self.status_code, self.body, self.media_type, self.background = status, body, media, None
        kind = f"{media}; charset=utf-8" if media.startswith("text/") else media
        self.said = {**{name.lower(): value for name, value in headers.items()}, "content-type": kind}

    @cached_property
    def raw_headers(self) -> list[tuple[bytes, bytes]]:  # pyright: ignore[reportIncompatibleVariableOverride] - most responses need none
        *own, kind = [(name.encode("latin-1"), value.encode("latin-1")) for name, value in self.said.items()]
        return [*own, (b"content-length", b"%d" % len(self.body)), kind]


def sent_at_once(scope: Scope, response: Response, further: Mapping[str, str], usual: Mapping[str, str]) -> bool:
    """Send the response of plain bytes that `respond` sends, at once; return False where `respond` has to.

    `further` headers replace its own, which replace the `usual` ones.
    """
    exchange: Exchange | None = scope.get(EXCHANGE)
    if exchange is None or not isinstance(response, Plain) or response.status_code in (204, 304):
        return False
    said = {**usual, **response.said}
    for name, value in further.items():
        said[name.lower()] = value
    lines = "".join([f"{name}: {value}\r\n" for name, value in said.items()]).encode("latin-1")
    return are_clean(lines, len(said)) and exchange.whole(response.status_code, lines, response.body)


class Found(Plain):
    """A response with this many rows. `content` is what its body was made of, where it is JSON."""

    def __init__(
        self,
        body: bytes,
        found: int,
        headers: Mapping[str, str] | None,
        media: str,
        *,
        status: int = 200,
        content: object = None,
    ) -> None:
        super().__init__(body, status, headers or {}, media)
        self.found, self.content = found, content


def position_in(response: Response) -> str | None:
    """Return what the response says in Muniment-Position."""
    return response.said.get(_POSITION) if isinstance(response, Plain) else response.headers.get(POSITION)


def answered(
    content: object, status: int = 200, headers: Mapping[str, str] | None = None, *, found: int | None = None
) -> Found:
    """Unless `found` says how many rows the content has, a list has as many as it has items, and anything else is one."""
    rows = len(content) if isinstance(content, Sized) else 1
    rows = rows if found is None else found
    return Found(json.encode(content), rows, headers, "application/json", status=status, content=content)


async def unreached(resources: Resources, wanted: str | None) -> str | None:
    """Return why the position in Muniment-Min-Position cannot be waited for; None if this process has reached it. Raises Unavailable."""
    if wanted is None:
        return None
    position = position_of(wanted)
    if position is None:
        return NO_POSITION
    if resources.lookup.position < position:
        await resources.lookup.be_certain()
    return None if resources.lookup.position >= position else BEYOND
