"""What a rehearsal found, as the API and the command line show it."""

from collections.abc import Mapping
from datetime import datetime
from typing import Annotated
from uuid import UUID

from msgspec import Meta, Struct

from events.ids import client_id_of
from projections.clients import Found
from service.rehearsal.policy import Refusal, Request, Rule
from service.rehearsal.replay import Rehearsal


class Refused(Struct, frozen=True, kw_only=True, rename="camel"):
    """Requests of one client that one rule would have refused."""

    rule: Rule
    request: Request
    client_id: str
    display_name: Annotated[str | None, Meta(description="Null if it has no name, or was deleted.")]
    owner: Annotated[str | None, Meta(description="Null if it was deleted.")]
    times: Annotated[int, Meta(ge=1)]
    first: Annotated[datetime, Meta(tz=True)]
    last: Annotated[datetime, Meta(tz=True)]
    last_position: Annotated[
        int, Meta(description="Of a token, a position of the issuance log; else of the event log.")
    ]


class Report(Struct, frozen=True, kw_only=True, rename="camel"):
    """What was replayed, and what the policy would have refused of it, most often first."""

    since: Annotated[datetime, Meta(tz=True)]
    until: Annotated[datetime, Meta(tz=True)]
    tokens: Annotated[int, Meta(ge=0, description="How many issued tokens were replayed.")]
    others: Annotated[int, Meta(ge=0, description="How many authorization requests, registrations and changes.")]
    refused: list[Refused]


def of(found: Rehearsal, clients: Mapping[UUID, Found]) -> Report:
    """`clients` has those of the clients that exist now."""
    return Report(
        since=found.span.since,
        until=found.span.until,
        tokens=found.tokens,
        others=found.others,
        refused=[_refused(refusal, clients.get(refusal.client)) for refusal in found.refusals],
    )


def _refused(refusal: Refusal, known: Found | None) -> Refused:
    return Refused(
        rule=refusal.rule,
        request=refusal.request,
        client_id=known.client.client_id if known else client_id_of(refusal.client),
        display_name=known.client.display_name if known else None,
        owner=known.client.owner if known else None,
        times=refusal.times,
        first=refusal.first,
        last=refusal.last,
        last_position=refusal.last_position,
    )
