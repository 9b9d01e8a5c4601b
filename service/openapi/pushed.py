"""/openid/par, as the API reference describes it: the parameters of /openid/authorize, from the client itself."""

from service.endpoints.par import PushedResponse
from service.oauth.client_assertion import JWT_BEARER, JWT_SPIFFE
from service.openapi.authorization_parameters import AUTHORIZE
from service.openapi.login import form_of
from service.openapi.operation import Operation, Parameter, ResponseSpec
from service.openapi.parts import MIN_POSITION, OAUTH_REFUSALS
from service.pushed_requests import LIFETIME_SECONDS, PREFIX

_SECRET = Parameter(
    name="client_secret",
    place="query",
    description="Of a confidential client that does not authenticate by a header.",
    schema={"type": "string"},
    example="secret_abcdef123456",
)
_ASSERTION_TYPE = Parameter(
    name="client_assertion_type",
    place="query",
    description="Of a client that authenticates by an assertion (RFC 7521 section 4.2).",
    schema={"type": "string", "enum": [JWT_BEARER, JWT_SPIFFE]},
)
_ASSERTION = Parameter(
    name="client_assertion",
    place="query",
    description="The assertion of a client that has a key or the identity of a workload (RFC 7523).",
    schema={"type": "string"},
)
_PUSHED = (*(each for each in AUTHORIZE if each.name != "request_uri"), _SECRET, _ASSERTION_TYPE, _ASSERTION)

PUSHED = (
    Operation(
        method="post",
        path="/openid/par",
        operation_id="pushAuthorizationRequest",
        summary="Push an authorization request",
        tag="Login",
        description="A client sends the parameters of an authorization request itself, authenticated as at the token endpoint (RFC 9126). It "
        "then sends the user's browser to `/openid/authorize` with only `client_id` and the `request_uri` of the response. Every error of "
        "the request is in this response. The `request_uri` is good for one authorization code.",
        proves_client=True,
        parameters=(MIN_POSITION,),
        request=form_of(_PUSHED),
        answers=(
            ResponseSpec(
                status=201,
                description="The request is valid. Use the `request_uri` before it expires.",
                shape=PushedResponse,
                example={
                    "request_uri": f"{PREFIX}6esc_11ACC5bwc014ltc14eY22c8m5q0vQx3s7nQk1E",
                    "expires_in": LIFETIME_SECONDS,
                },
            ),
            *OAUTH_REFUSALS,
        ),
    ),
)
