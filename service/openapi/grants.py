"""/api/v1/auth/consents, /grants, /device-authorizations and /signing-keys, as the API reference describes them."""

from projections.device_authorizations import STATES as DEVICE_STATES
from service.endpoints.device_authorizations import PATH as DEVICES
from service.endpoints.device_authorizations import DeviceAuthorization
from service.endpoints.grant_schemas import Consent, Grant
from service.endpoints.grants import CONSENT_STATES, CONSENTS, GRANT_STATES
from service.endpoints.grants import GRANTS as GRANTS_PATH
from service.endpoints.signing_keys import PATH as KEYS
from service.endpoints.signing_keys import STATES, RotatedKeys, RotateKeysRequest, SigningKey
from service.openapi.operation import Content, Example, Operation, Parameter, ResponseSpec
from service.openapi.parts import AS_OF, CURSOR, LIMIT
from service.problems import Clash, NotFound, NotJson, TooLarge
from service.values.scopes import AUDIT_READ, CLIENTS_READ, OPERATE, USERS_READ

SHOWN = {
    "id": "0199f3a5-7c1e-7d0a-9b43-2f6f0d1c8e55",
    "userId": "0199f3a5-7c1e-7d0a-9b43-2f6f0d1c8e56",
    "clientId": "oauth_client_abc123xyz",
    "resource": None,
    "scopes": ["openid", "profile"],
}
CONSENT = {**SHOWN, "state": "given", "givenUtc": "2026-11-03T09:00:00Z", "withdrawnUtc": None}
GRANT = {
    **SHOWN,
    "sessionId": "0199f3a5-7c1e-7d0a-9b43-2f6f0d1c8e57",
    "state": "active",
    "grantedUtc": "2026-11-03T09:00:00Z",
    "redeemedUtc": "2026-11-03T09:00:01Z",
    "lastUsedUtc": "2026-11-03T09:00:01Z",
    "refreshableUntilUtc": None,
    "revokedUtc": None,
    "why": None,
}
DEVICE = {
    "id": "0199f3a5-7c1e-7d0a-9b43-2f6f0d1c8e58",
    "clientId": "oauth_client_abc123xyz",
    "state": "approved",
    "scopes": ["openid", "profile"],
    "resource": None,
    "requestedUtc": "2026-11-03T08:59:30Z",
    "expiresUtc": "2026-11-03T09:09:30Z",
    "answeredUtc": "2026-11-03T09:00:00Z",
    "userId": "0199f3a5-7c1e-7d0a-9b43-2f6f0d1c8e56",
    "grantId": "0199f3a5-7c1e-7d0a-9b43-2f6f0d1c8e55",
}
DEVICE_ID = Parameter(
    name="device_id",
    place="path",
    description="The `id` of the device authorization.",
    schema={"type": "string", "format": "uuid"},
    example=DEVICE["id"],
)
ONE_DEVICE = f"{DEVICES}/{{device_id}}"
KEY = {
    "kid": "0199f3a5-es256",
    "alg": "ES256",
    "state": "active",
    "publicJwk": {
        "kty": "EC",
        "crv": "P-256",
        "x": "f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU",
        "y": "x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0",
    },
    "publishedUtc": "2026-10-03T09:00:00Z",
    "activatedUtc": "2026-11-03T09:00:00Z",
    "retiredUtc": None,
}


def _state(states: tuple[str, ...]) -> Parameter:
    return Parameter(
        name="state",
        place="query",
        description="Only those in this state.",
        schema={"type": "string", "enum": list(states)},
    )


USER = Parameter(
    name="userId", place="query", description="Only this user's.", schema={"type": "string", "format": "uuid"}
)
CLIENT = Parameter(
    name="clientId",
    place="query",
    description="Only those of this client.",
    schema={"type": "string", "pattern": r"^[!-.0-~]{1,255}$"},
)

GRANTS = (
    Operation(
        method="get",
        path=CONSENTS,
        operation_id="listConsents",
        summary="List consents",
        tag="Grants",
        description="What users allowed clients, also what they have withdrawn since.",
        scope=USERS_READ,
        parameters=(LIMIT, CURSOR, AS_OF, USER, CLIENT, _state(CONSENT_STATES)),
        answers=(
            ResponseSpec(
                description="One page of consents.",
                shape=list[Consent],
                headers=("Link", "Muniment-Position"),
                example=[CONSENT],
            ),
        ),
    ),
    Operation(
        method="get",
        path=GRANTS_PATH,
        operation_id="listGrants",
        summary="List grants",
        tag="Grants",
        description="A grant is one sign-in of a user through a client. Tokens are issued from it until it is revoked. "
        "As of a moment of the past, the fields about its use are left out.",
        scope=USERS_READ,
        parameters=(LIMIT, CURSOR, AS_OF, USER, CLIENT, _state(GRANT_STATES)),
        answers=(
            ResponseSpec(
                description="One page of grants, oldest first.",
                shape=list[Grant],
                headers=("Link", "Muniment-Position"),
                example=[GRANT],
            ),
        ),
    ),
    Operation(
        method="get",
        path=DEVICES,
        operation_id="listDeviceAuthorizations",
        summary="List device authorizations",
        tag="Grants",
        description="The devices that asked to sign a user in (RFC 8628), also those that nobody answered. Their codes are never shown.",
        scope=AUDIT_READ,
        parameters=(LIMIT, CURSOR, USER, CLIENT, _state(DEVICE_STATES)),
        answers=(
            ResponseSpec(
                description="One page of device authorizations, latest first.",
                shape=list[DeviceAuthorization],
                headers=("Link",),
                example=[DEVICE],
            ),
        ),
    ),
    Operation(
        method="get",
        path=ONE_DEVICE,
        operation_id="readDeviceAuthorization",
        summary="Read a device authorization",
        tag="Grants",
        scope=AUDIT_READ,
        parameters=(DEVICE_ID,),
        answers=(
            ResponseSpec(
                description="The device authorization.", shape=DeviceAuthorization, headers=("ETag",), example=DEVICE
            ),
        ),
        refusals=(NotFound,),
    ),
    Operation(
        method="get",
        path=KEYS,
        operation_id="listSigningKeys",
        summary="List signing keys",
        tag="Grants",
        description="The public part of every key that ever signed tokens, oldest first. /openid/jwks has those that resource servers need now.",
        scope=CLIENTS_READ,
        parameters=(LIMIT, CURSOR, AS_OF, _state(STATES)),
        answers=(
            ResponseSpec(
                description="One page of keys.",
                shape=list[SigningKey],
                headers=("Link", "Muniment-Position"),
                example=[KEY],
            ),
        ),
    ),
    Operation(
        method="post",
        path=f"{KEYS}/rotate",
        operation_id="rotateSigningKeys",
        summary="Rotate the signing keys",
        tag="Grants",
        description="For each algorithm, the next key signs from now on, the present one only verifies, and a new next one is published. "
        "Tokens signed before stay valid. The next key has been in /openid/jwks since the last rotation, so give resource servers time "
        "between two.",
        scope=OPERATE,
        request=Content(
            shape=RotateKeysRequest,
            examples={"rotate": Example(summary="Rotate once", value={"activeKid": "0199f3a5-es256"})},
        ),
        answers=(
            ResponseSpec(
                description="The keys that sign from now on.",
                shape=RotatedKeys,
                example={"activeKids": {"ES256": "0199f3a6-es256", "RS256": "0199f3a6-rs256"}},
            ),
        ),
        refusals=(Clash, TooLarge, NotJson),
    ),
)
