"""The parameters of an authorization request, as the API reference describes them."""

from collections.abc import Mapping
from typing import Any

from service.oauth.authorize import LONGER, MOST_CHARACTERS
from service.oauth.client_signatures import LONGEST
from service.oauth.parameters import PROMPTS
from service.oauth.redirects import RESPONSE_MODES
from service.openapi.forms import PRINTABLE, SCOPES
from service.openapi.operation import Parameter

TEXT = {"type": "string", "maxLength": MOST_CHARACTERS}
_SHOWN = {**TEXT, "pattern": PRINTABLE}
ID_TOKEN = {"type": "string", "maxLength": LONGER["id_token_hint"]}
_LIST = {**TEXT, "pattern": SCOPES}
APP, CALLBACK = "oauth_client_xyz789", "https://myapp.example.com/oauth/callback"


def asked(
    name: str, description: str, schema: Mapping[str, Any], *, required: bool = False, example: Any = None
) -> Parameter:
    return Parameter(
        name=name, place="query", description=description, schema=schema, required=required, example=example
    )


AUTHORIZE = (
    asked(
        "response_type",
        "Only the authorization code flow is supported. Required without a `request_uri`.",
        {"const": "code"},
        example="code",
    ),
    asked("client_id", "The id of an interactive client.", TEXT, required=True, example=APP),
    asked(
        "request",
        "The parameters as a JWT that a registered key of the client signed (RFC 9101). Only what is inside counts.",
        {"type": "string", "maxLength": LONGEST},
    ),
    asked(
        "request_uri",
        "The `request_uri` of a pushed request (`/openid/par`), or one of the client's `requestUris`, where its signed request is (RFC 9101 "
        "section 5.2). Only what is in that request counts.",
        TEXT,
    ),
    asked(
        "redirect_uri",
        "One of the client's `redirectUris`, compared character by character; only the port of a loopback address may differ. Optional "
        "if the client has only one and the request does not contain the scope `openid`.",
        TEXT,
        example=CALLBACK,
    ),
    asked(
        "scope",
        "Scopes, separated by spaces. Those that the client may not request are ignored; `scope` in the token response says "
        "which were granted. If omitted, all that the client may have.",
        TEXT,
        example="openid profile email",
    ),
    asked(
        "state",
        "Returned unchanged in the response.",
        {"type": "string", "maxLength": LONGER["state"], "pattern": PRINTABLE},
        example="af0ifjsldkj",
    ),
    asked("nonce", "Returned in the ID token.", _SHOWN, example="n-0S6_WzA2Mj"),
    asked(
        "code_challenge",
        "The SHA-256 of the `code_verifier`, in base64url (RFC 7636). Required for public clients. For others, "
        "`requirePkce` and MUNIMENT_REQUIRE_PKCE decide.",
        {"type": "string", "pattern": "^[A-Za-z0-9_-]{43}$"},
        example="E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM",
    ),
    asked(
        "dpop_jkt",
        "The SHA-256 thumbprint of a key (RFC 7638): the code is redeemed with a DPoP proof by this key only (RFC 9449 section 10).",
        {"type": "string", "pattern": "^[A-Za-z0-9_-]{43}$"},
    ),
    asked("code_challenge_method", "Required with `code_challenge`.", {"const": "S256"}, example="S256"),
    asked(
        "response_mode",
        "How the response is sent to the redirect URI. With `jwt` it is one signed JWT, `response` (JARM).",
        {"enum": list(RESPONSE_MODES), "default": "query"},
    ),
    asked(
        "prompt",
        f"Any of {', '.join(f'`{prompt}`' for prompt in PROMPTS)}, separated by spaces. `none` must be alone; the user then sees no page.",
        _LIST,
    ),
    asked(
        "max_age",
        "How many seconds ago the user may have authenticated, at most.",
        {"type": "string", "pattern": "^[0-9]{1,9}$"},
    ),
    asked("login_hint", "The e-mail address that the sign-in page is filled with.", TEXT),
    asked("id_token_hint", "An ID token of this server. The response may only be about its user.", ID_TOKEN),
    asked("acr_values", "How the user should authenticate: values separated by spaces, the preferred one first.", TEXT),
    asked("ui_locales", "Languages of the pages, separated by spaces, the preferred one first.", TEXT),
    asked(
        "claims",
        "Individual claims for the ID token and userinfo, as JSON (OpenID Connect Core 1.0 section 5.5).",
        TEXT,
    ),
    asked(
        "resource",
        "The API that the access token is for, by its identifier (RFC 8707): one that the client may use. For several APIs, send it "
        "several times. Without it, the token is for the default audience.",
        TEXT,
    ),
    asked("audience", "Another name of `resource`.", TEXT),
)
