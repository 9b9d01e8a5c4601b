"""…/history of a client, bot, user, API, trusted issuer, initial access token or device authorization, as the API reference describes it."""

from service.endpoints import cursors
from service.endpoints.cursors import ORDERS
from service.endpoints.history_page import MOST_DIGITS
from service.endpoints.history_schemas import HistoryEntry
from service.openapi.apis import API_ID
from service.openapi.apis import ONE as API
from service.openapi.bots import BOT_ID
from service.openapi.bots import ONE as BOT
from service.openapi.clients import CLIENT_ID
from service.openapi.clients import ONE as CLIENT
from service.openapi.grants import DEVICE_ID, ONE_DEVICE
from service.openapi.initial_access_tokens import ONE as INITIAL_ACCESS_TOKEN
from service.openapi.initial_access_tokens import TOKEN_ID
from service.openapi.operation import Operation, Parameter, ResponseSpec
from service.openapi.parts import LIMIT
from service.openapi.trusted_issuers import ISSUER_ID
from service.openapi.trusted_issuers import ONE as TRUSTED_ISSUER
from service.openapi.users import ONE as USER
from service.openapi.users import USER_ID
from service.problems import NotFound
from service.values.scopes import AUDIT_READ, BOTS_READ, CLIENTS_READ, USERS_READ

ORDER = Parameter(
    name="order",
    place="query",
    description="Which changes come first.",
    schema={"type": "string", "enum": list(ORDERS), "default": ORDERS[0]},
)
PAGE = (
    ORDER,
    Parameter(name=LIMIT.name, place="query", description="At most this many.", schema=LIMIT.schema),
    Parameter(
        name="cursor",
        place="query",
        description="Where another page is. Follow the `Link` header instead of building this.",
        schema={"type": "string", "pattern": cursors.pattern(MOST_DIGITS)},
    ),
)
SHOWN = {
    "position": 4711,
    "version": 3,
    "recordedAt": "2026-03-03T14:02:00.123456Z",
    "type": "client.display_name_changed",
    "actor": {"by": "client", "clientId": "oauth_client_0199f3a57c1e7d0a9b432f6f0d1c8e55", "sub": "alice"},
    "requestId": "0199f3a5-7c1e-7d0a-9b43-2f6f0d1c8e55",
    "cause": None,
    "address": "192.0.2.1",
    "reason": "ticket 4711",
    "changes": {"displayName": {"before": "CRM", "after": "Production CRM Integration"}},
}


def _history(
    parameter: Parameter, path: str, *, noun: str, tag: str, scope: str, more: str, one: str = ""
) -> Operation:
    """`one` is how a sentence names it, if it is not as its tag does."""
    named = one or f"a {tag.lower()[:-1]}"
    return Operation(
        method="get",
        path=f"{path}/history",
        operation_id=f"read{noun}History",
        summary=f"Read the history of {named}",
        tag=tag,
        description=f"Each change, with who caused it and why, and its fields before and after it. {more}",
        scope=scope,
        parameters=(parameter, *PAGE),
        answers=(
            ResponseSpec(
                description="One page of changes. `Link` has the next page and the previous one.",
                shape=list[HistoryEntry],
                headers=("Link",),
                example=[SHOWN],
            ),
        ),
        refusals=(NotFound,),
    )


_STAYS = "It can be read after the deletion, too."

HISTORY = (
    _history(
        CLIENT_ID,
        CLIENT,
        noun="OAuthClient",
        tag="Clients",
        scope=CLIENTS_READ,
        more=f"Of a secret, it has the id, name and hint. {_STAYS}",
    ),
    _history(BOT_ID, BOT, noun="Bot", tag="Bots", scope=BOTS_READ, more=_STAYS),
    _history(
        USER_ID,
        USER,
        noun="User",
        tag="Users",
        scope=USERS_READ,
        more="After an erasure it has what happened and when, without personal data and reasons.",
    ),
    _history(API_ID, API, noun="Api", tag="APIs", scope=CLIENTS_READ, more=_STAYS, one="an API"),
    _history(
        TOKEN_ID,
        INITIAL_ACCESS_TOKEN,
        noun="InitialAccessToken",
        tag="Initial access tokens",
        scope=CLIENTS_READ,
        more="Each use is one, which the client that it registered names as its cause.",
    ),
    _history(
        ISSUER_ID,
        TRUSTED_ISSUER,
        noun="TrustedIssuer",
        tag="Trusted issuers",
        scope=AUDIT_READ,
        more=_STAYS,
    ),
    _history(
        DEVICE_ID,
        ONE_DEVICE,
        noun="DeviceAuthorization",
        tag="Grants",
        scope=AUDIT_READ,
        more="That nobody answered in time is no change.",
        one="a device authorization",
    ),
)
