"""Reads of the audit log, of the past and of the log's entries are events themselves, in streams of their own.

The first read of each query in a minute is recorded before its answer is sent. What is read is read only if that can be recorded.
Further reads are added up, and recorded once a minute and when the process ends; only a process that is killed loses a minute of these.
"""

import asyncio
from collections.abc import Iterable, Mapping

from msgspec import Raw, json

from events.audit_read import AuditRead
from events.database import Unavailable
from events.envelope import Meta
from events.log import Append
from service.audit.read_counts import MINUTE, Query, Read, Sum
from service.clock import utc_now
from service.crypto.credentials import new_id
from service.grants.closed_values import is_closed
from service.resources import Resources
from service.tracing.spans import span
from service.values.malformed import MALFORMED
from service.values.text import printable

LONGEST_NAME, LONGEST_VALUE, LONGEST_PATH = 40, 200, 300


def audit_read(path: str, template: str, filters: tuple[str, ...], found: int | None, meta: Meta) -> Read:
    """`template` is the path without the ids in it."""
    return Read(path=path[:LONGEST_PATH], template=template, filters=filters, found=found, meta=meta, at=utc_now())


def filters_of(query: Iterable[tuple[str, str]]) -> tuple[str, ...]:
    """Return what the log keeps of a query. Of a value that could be a secret or personal data, only the parameter is named."""
    return tuple(_filter(name, value) for name, value in query)


def _filter(name: str, value: str) -> str:
    named = printable(name)[:LONGEST_NAME]
    return f"{named}={value}" if len(value) <= LONGEST_VALUE and is_closed(name, value) else named


def members(body: bytes) -> Mapping[str, str]:
    """Return the members of a JSON object, each as JSON, or none for another body."""
    try:
        return {name: bytes(value).decode() for name, value in json.decode(body, type=dict[str, Raw]).items()}
    except MALFORMED:
        return {}


async def record_read(resources: Resources, read: Read) -> None:
    """Raises Unavailable."""
    if not resources.reads.count(read):
        return
    try:
        await _append(resources, read.event, read.meta)
    except Unavailable:
        resources.reads.forget(read)
        raise


async def record_sums(resources: Resources, *, at_end: bool = False) -> None:
    """Record the further reads of the minute, if it is over or the process ends. Raises Unavailable."""
    now = utc_now()
    sums = resources.reads.take(now if at_end else now - MINUTE)
    outcomes = await asyncio.gather(*(_record_sum(resources, *each) for each in sums.items()), return_exceptions=True)
    failed = dict(zip(sums, outcomes, strict=True))
    resources.reads.put_back({query: each for query, each in sums.items() if failed[query] is not None})
    for fault in outcomes:
        if fault is not None:
            raise fault


async def _record_sum(resources: Resources, query: Query, counted: Sum) -> None:
    await _append(resources, counted.event(query), counted.last.meta)


async def _append(resources: Resources, event: AuditRead, meta: Meta) -> None:
    with span("append"):
        await resources.ledger.log.append(Append(stream=new_id(), expected=0, is_fresh=True, events=[event], meta=meta))
