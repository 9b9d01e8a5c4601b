"""The public keys of a client, as the API reference describes them."""

from service.endpoints.key_schemas import AddKeyRequest, AddKeyResponse, ClientKey
from service.openapi.clients import CLIENT_ID, ONE
from service.openapi.operation import Content, Example, Operation, Parameter, ResponseSpec
from service.openapi.parts import AS_OF, IDEMPOTENCY_KEY, IF_MATCH
from service.openapi.resource import GONE
from service.problems import Clash, NotFound, NotJson, Stale, TooLarge
from service.values.scopes import CLIENTS_READ, CLIENTS_WRITE

KEY_ID = Parameter(
    name="key_id",
    place="path",
    description="The `keyId` in the list of keys.",
    schema={"type": "string", "format": "uuid"},
    example="0199f3a5-7c1e-7d0a-9b43-2f6f0d1c8e77",
)
JWK = {"kty": "OKP", "crv": "Ed25519", "x": "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}
SHOWN = {
    "keyId": "0199f3a5-7c1e-7d0a-9b43-2f6f0d1c8e77",
    "name": "rotation 2026-11",
    "kid": "kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k",
    "thumbprint": "kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k",
    "algorithms": ["EdDSA"],
    "expiresUtc": None,
}

CLIENT_KEYS = (
    Operation(
        method="get",
        path=f"{ONE}/keys",
        operation_id="listClientKeys",
        summary="List a client's public keys",
        tag="Secrets",
        description="The keys with which the client signs its assertions (`private_key_jwt`, RFC 7523), and when each was last used. "
        "Keys at a `jwksUri` are not in the list.",
        scope=CLIENTS_READ,
        parameters=(CLIENT_ID, AS_OF),
        answers=(
            ResponseSpec(
                description="All keys.",
                shape=list[ClientKey],
                headers=("Muniment-Position",),
                example=[{**SHOWN, "jwk": JWK, "createdUtc": "2026-11-03T09:00:00Z", "lastUsedUtc": None}],
            ),
        ),
        refusals=(NotFound,),
    ),
    Operation(
        method="post",
        path=f"{ONE}/keys",
        operation_id="addClientKey",
        summary="Add a public key",
        tag="Secrets",
        description="To rotate without an outage: add the new key, let the program sign with it, see in the list that it is used, "
        "then revoke the old one; or let the old ones expire by themselves, with `othersExpireUtc`. A client has at most ten live keys. "
        "Your token must have all scopes of the client; an operator (scope `operate`) needs only those of this API.",
        scope=CLIENTS_WRITE,
        parameters=(CLIENT_ID, IDEMPOTENCY_KEY, IF_MATCH),
        request=Content(
            shape=AddKeyRequest,
            examples={
                "named": Example(summary="A named key", value={"jwk": JWK, "name": "rotation 2026-11"}),
                "rotation": Example(
                    summary="A rotation: the other keys expire",
                    value={"jwk": JWK, "name": "rotation 2026-12", "othersExpireUtc": "2099-12-02T09:00:00Z"},
                ),
            },
        ),
        answers=(
            ResponseSpec(
                status=201,
                description="The key.",
                shape=AddKeyResponse,
                headers=("Location", "Muniment-Position", "Idempotent-Replayed"),
                example=SHOWN,
                leads_to={
                    "revokeClientKey": {"client_id": "$request.path.client_id", "key_id": "$response.body#/keyId"}
                },
            ),
        ),
        refusals=(NotFound, Clash, Stale, TooLarge, NotJson),
    ),
    Operation(
        method="delete",
        path=f"{ONE}/keys/{{key_id}}",
        operation_id="revokeClientKey",
        summary="Revoke a public key",
        tag="Secrets",
        description="The key no longer gets tokens. Tokens that it got stay valid until they expire; to stop them too, disable the client.",
        scope=CLIENTS_WRITE,
        parameters=(CLIENT_ID, KEY_ID, IF_MATCH),
        answers=(GONE,),
        refusals=(NotFound, Clash, Stale),
    ),
)
