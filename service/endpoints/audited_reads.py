"""Which reads of the management API the log records, and what it says of each."""

from collections.abc import Iterable

from starlette.types import Scope

from events.envelope import ByClient
from service.audit.read_counts import Read
from service.endpoints.call import Call, origin, template
from service.endpoints.fields import SECRETS
from service.endpoints.moments import AS_OF
from service.grants.audited_reads import audit_read, filters_of, members, record_read
from service.http.asgi import query_pairs
from service.http.last_head import once_a_head
from service.request_id import envelope

AUDIT, TREES, HISTORY = "/api/v1/audit/", "/log/", "/history"
"""Reads below the first two paths, and of each history, are recorded, and so are reads with `as_of`."""

ASKED, DRY, DRY_RUN = ("/rehearsals", "/credentials"), ("/restore", "/revocations"), "dryRun"
"""What is asked by POST and changes nothing is a read, too."""

READING = ("GET", "HEAD")


def is_audited(call: Call) -> bool:
    """Return whether the log records this request as a read."""
    said = once_a_head(call.request.scope, _is_audited_read)
    return members(call.body).get(DRY_RUN) == "true" if said is None else said


def _is_audited_read(scope: Scope) -> bool | None:
    """Return None if the body decides: that of a change that may be a dry run."""
    path = scope["path"]
    if scope["method"] not in READING:
        return None if path.endswith(DRY) else path.endswith(ASKED)
    is_of_log = path.startswith((AUDIT, TREES)) or path.endswith(HISTORY)
    return is_of_log or any(name == AS_OF for name, _ in once_a_head(scope, query_pairs))


def read_of(call: Call, found: int | None) -> Read:
    """Return what is recorded of this read, which found so many rows. A field that is a secret is only named, whatever its form."""
    actor = ByClient(client_id=call.caller.client_id, sub=call.caller.sub)
    meta = envelope(actor, address=origin(call.request, call.caller))
    filters = once_a_head(call.request.scope, _asked)
    if call.request.method == "POST":
        filters = (*filters, *_filters(members(call.body).items()))
    return audit_read(call.request.scope["path"], template(call.request), filters, found, meta)


async def record_nothing_found(call: Call) -> None:
    """What was looked for is recorded, too, without the path and the body: the text in the place of an id, and in it, may be anything."""
    nothing = read_of(call, 0)
    filters = () if call.request.method == "POST" else nothing.filters
    await record_read(call.resources, nothing.__replace__(path=nothing.template, filters=filters))


def _asked(scope: Scope) -> tuple[str, ...]:
    return _filters(once_a_head(scope, query_pairs))


def _filters(given: Iterable[tuple[str, str]]) -> tuple[str, ...]:
    return filters_of((name, "" if name in SECRETS else value) for name, value in given)
