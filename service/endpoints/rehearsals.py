"""/api/v1/audit/rehearsals: which recorded requests a stricter policy would have refused."""

from datetime import UTC, datetime, timedelta
from typing import Annotated

from msgspec import Meta, Struct
from starlette.responses import Response

from events import locks
from events.database import connected
from events.verify import BEGINNING
from projections import clients
from service.endpoints.call import Call
from service.endpoints.client_fields import Scope
from service.endpoints.fields import Fields
from service.endpoints.responses import answered
from service.problems import Clash, Invalid
from service.rehearsal import replay, report
from service.rehearsal.policy import Policy

PATH = "/api/v1/audit/rehearsals"
USUAL_SPAN = timedelta(days=30)
MOST_TOKENS, MOST_EVENTS = 1_000_000, 200_000
"""More than these would hold the request for long; the command line has no such limit."""


class RehearsalRequest(Struct, frozen=True, kw_only=True, rename="camel", forbid_unknown_fields=True):
    """A stricter policy, and the time whose requests are replayed against it. At least one rule is required."""

    require_pkce: Annotated[
        bool, Meta(description="Refuse authorization requests without PKCE, and settings that allow them.")
    ] = False
    max_token_lifetime: Annotated[int, Meta(ge=1, description="Refuse tokens that live longer, in seconds.")] | None = (
        None
    )
    deny_scopes: Annotated[
        list[Scope],
        Meta(
            max_length=50,
            description="Refuse tokens, codes, registrations and changes with one of these scopes, also as scopes of a granted API.",
        ),
    ] = []
    max_secret_age_days: (
        Annotated[int, Meta(ge=0, le=36500, description="Refuse secrets that are older, in whole days.")] | None
    ) = None
    since: Annotated[datetime, Meta(tz=True, description="If omitted, 30 days before `until`.")] | None = None
    until: Annotated[datetime, Meta(tz=True, description="If omitted, now.")] | None = None

    @property
    def policy(self) -> Policy:
        return Policy(
            require_pkce=self.require_pkce,
            max_token_lifetime=self.max_token_lifetime,
            deny_scopes=frozenset(self.deny_scopes),
            max_secret_age=self.max_secret_age_days,
        )


async def rehearse(call: Call) -> Response:
    fields = Fields(RehearsalRequest, call.content_type, call.body)
    now = datetime.now(UTC)
    until = max(min(fields.good("until") or now, now), BEGINNING)
    since = max(fields.good("since") or until - USUAL_SPAN, BEGINNING)
    if since >= until:
        fields.fault("since", "must be before `until`, and before now")
    asked = fields.done()
    if asked.policy.is_empty:
        raise Invalid("Name at least one rule: requirePkce, maxTokenLifetime, denyScopes or maxSecretAgeDays.")
    return answered(await _rehearsed(call, asked.policy, since, until))


async def _rehearsed(call: Call, policy: Policy, since: datetime, until: datetime) -> report.Report:
    url = call.resources.settings.database_url
    assert url is not None
    async with connected(url) as connection, replay.reading(connection):
        if not await connection.fetchval(locks.in_transaction_if_free(locks.REHEARSAL)):
            raise Clash("Another rehearsal is running; try again when it has ended.")
        span = await replay.span(connection, since, until)
        if span.token_count > MOST_TOKENS or span.event_count > MOST_EVENTS:
            raise Invalid(
                f"{span.token_count:,} tokens and {span.event_count:,} events were recorded in this time; one request replays at most"
                f" {MOST_TOKENS:,} and {MOST_EVENTS:,}. Shorten the time, or run muniment policy rehearse."
            )
        found = await replay.rehearse(connection, policy, span, lambda _done, _total: None)
        names, _ = await clients.find_as_of(connection, [refusal.client for refusal in found.refusals])
        return report.of(found, names)
