"""How endpoints answer: JSON, a refusal as a problem (RFC 9457), and reads that wait for a position of the log."""

import logging
from collections.abc import Mapping
from uuid import UUID

from msgspec import json
from starlette.responses import Response

from events.database import Unavailable
from service.endpoints.refusals import problem_of
from service.http.asgi import BodyCutShort, BodyTooLong
from service.outages import Outages
from service.problems import ComeAgain, Invalid, Problem, TooLarge, Unforeseen
from service.refusals import AnyDomainRefusal
from service.resources import Resources

log = logging.getLogger("muniment.api")

POSITION = "Muniment-Position"
MIN_POSITION = "Muniment-Min-Position"
NO_POSITION = f"{MIN_POSITION} must be a position of the log: a whole number."
BEYOND = f"{MIN_POSITION} is beyond the end of the log; send one that an answer of this server named."


def as_problem(fault: Exception, request_id: UUID, outages: Outages) -> Problem:
    """The refusal that a fault comes to; what nobody foresaw is logged, and told to nobody."""
    if isinstance(fault, AnyDomainRefusal):
        return problem_of(fault)
    match fault:
        case Problem():
            return fault
        case Unavailable():
            outages.notice(fault)
            return ComeAgain()
        case BodyTooLong():
            return TooLarge("The body is longer than 64 KiB.")
        case BodyCutShort():
            return Invalid("The body ended before its end.")
        case _:
            log.error("request %s failed", request_id, exc_info=fault)
            return Unforeseen(f"Something went wrong here. The operator finds more under request id {request_id}.")


def refusal(problem: Problem, request_id: UUID) -> Response:
    body = json.encode(problem.body(f"urn:uuid:{request_id}"))
    return Response(body, problem.status, problem.headers, media_type="application/problem+json")


def answered(content: object, status: int = 200, headers: Mapping[str, str] | None = None) -> Response:
    return Response(json.encode(content), status, headers, media_type="application/json")


async def unreached(resources: Resources, wanted: str | None) -> str | None:
    """Why the position in Muniment-Min-Position cannot be waited for; None when it is reflected here. Raises Unavailable."""
    if wanted is None:
        return None
    if not (wanted.isascii() and wanted.isdigit() and len(wanted) < 19):
        return NO_POSITION
    if resources.lookup.position < int(wanted):
        await resources.lookup.be_certain()
    return None if resources.lookup.position >= int(wanted) else BEYOND
