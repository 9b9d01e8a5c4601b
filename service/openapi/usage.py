"""…/usage of a client, /api/v1/usage and /api/v1/audit/unused, as the API reference describes them."""

from service.endpoints.unused import MOST_UNUSED_DAYS, USUAL_UNUSED_DAYS, UnusedClient
from service.endpoints.unused import PATH as UNUSED_PATH
from service.endpoints.usage import DIMENSIONS, MOST_DAYS, PATH, ClientUsage, IssuedTokens
from service.openapi.clients import CLIENT_ID
from service.openapi.clients import ONE as CLIENT
from service.openapi.operation import Operation, Parameter, ResponseSpec
from service.openapi.parts import CURSOR, LIMIT
from service.problems import ComeAgain, NotFound
from service.values.scopes import AUDIT_READ, CLIENTS_READ

DAY = {
    "day": "2026-11-03",
    "value": None,
    "tokens": 24,
    "firstUtc": "2026-11-03T00:12:00Z",
    "lastUtc": "2026-11-03T23:12:00Z",
}
ISSUED = {"sinceUtc": "2026-11-03T00:00:00Z", "tokens": 1204}
UNUSED = {
    "clientId": "oauth_client_abc123xyz",
    "displayName": "Production CRM Integration",
    "owner": "alice",
    "state": "active",
    "createdUtc": "2026-01-03T09:00:00Z",
    "lastUsedUtc": "2026-11-03T23:12:00Z",
    "unused": False,
    "secrets": [],
    "keys": [],
    "workloadIdentities": [],
    "scopes": [{"scope": "crm:write", "lastUsedUtc": None}],
    "commands": ["muniment clients edit oauth_client_abc123xyz --remove-scope crm:write"],
}


def _day(name: str, description: str) -> Parameter:
    schema = {"type": "string", "format": "date"}
    return Parameter(name=name, place="query", description=description, schema=schema)


USAGE = (
    Operation(
        method="get",
        path=f"{CLIENT}/usage",
        operation_id="readClientUsage",
        summary="Read the usage of a client",
        tag="Clients",
        description="How many tokens the client got on each day (UTC). Each day is there, also without a token; divided by a "
        "field, only days with tokens are.",
        scope=CLIENTS_READ,
        parameters=(
            CLIENT_ID,
            _day("since", f"The first day: usually 29 days before the last one, at most {MOST_DAYS - 1}."),
            _day("until", "The last day; usually today."),
            Parameter(
                name="by",
                place="query",
                description="Divides each day by this field, whose value is in `value`.",
                schema={"type": "string", "enum": list(DIMENSIONS)},
            ),
        ),
        refusals=(NotFound,),
        answers=(ResponseSpec(description="The days, oldest first.", shape=list[ClientUsage], example=[DAY]),),
    ),
    Operation(
        method="get",
        path=PATH,
        operation_id="readIssuedTokens",
        summary="Count the issued tokens",
        tag="Tokens",
        description="How many tokens were issued to all clients on each of the last 30 days (UTC), and in each of the last 60 minutes.",
        scope=AUDIT_READ,
        answers=(
            ResponseSpec(
                description="The counts, oldest first.",
                shape=IssuedTokens,
                example={"days": [ISSUED], "minutes": [ISSUED]},
            ),
        ),
    ),
    Operation(
        method="get",
        path=UNUSED_PATH,
        operation_id="listUnused",
        summary="List what is not used",
        tag="Audit",
        description="Clients that got no token within so many days, and secrets and scopes that none of their tokens used, with the "
        "command that removes each. What is younger than that, or was restored or enabled since, is left out. So are scopes "
        "`introspect:…`, and the secrets of clients that have one, that tokens are for, or that are `introspectors` of an API: introspection needs no token. "
        "A page examines a bounded number of clients, so it may have fewer than `limit`, or none; follow `Link`.",
        scope=AUDIT_READ,
        parameters=(
            Parameter(
                name="days",
                place="query",
                description="For how many days it must be unused.",
                schema={"type": "integer", "minimum": 1, "maximum": MOST_UNUSED_DAYS, "default": USUAL_UNUSED_DAYS},
            ),
            LIMIT,
            CURSOR,
        ),
        refusals=(ComeAgain,),
        answers=(
            ResponseSpec(
                description="One page of clients.",
                shape=list[UnusedClient],
                headers=("Link",),
                example=[UNUSED],
            ),
        ),
    ),
)
