"""The responses of endpoints: JSON, a refusal as a problem (RFC 9457), and reads that wait for a position of the log."""

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
BEYOND = f"{MIN_POSITION} is beyond the end of the log; send one from a response of this server."


def as_problem(fault: Exception, request_id: UUID, outages: Outages) -> Problem:
    """Return the problem for a fault. An unforeseen fault is logged, and its details are not sent."""
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
            return Invalid("The body ended early. Send it again.")
        case _:
            log.error("request %s failed", request_id, exc_info=fault)
            return Unforeseen(
                f"Something went wrong. The operator finds the details in the log under request id {request_id}."
            )


def refusal(problem: Problem, request_id: UUID) -> Response:
    body = json.encode(problem.body(f"urn:uuid:{request_id}"))
    return Response(body, problem.status, problem.headers, media_type="application/problem+json")


def answered(content: object, status: int = 200, headers: Mapping[str, str] | None = None) -> Response:
    return Response(json.encode(content), status, headers, media_type="application/json")


async def unreached(resources: Resources, wanted: str | None) -> str | None:
    """Return why the position in Muniment-Min-Position cannot be waited for; None if this process has reached it. Raises Unavailable."""
    if wanted is None:
        return None
    if not (wanted.isascii() and wanted.isdigit() and len(wanted) < 19):
        return NO_POSITION
    if resources.lookup.position < int(wanted):
        await resources.lookup.be_certain()
    return None if resources.lookup.position >= int(wanted) else BEYOND
