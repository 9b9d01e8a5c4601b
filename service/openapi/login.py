"""/openid/authorize, /openid/userinfo and /openid/logout, as the API reference describes them: sign-in, sign-out, and claims of users."""

from collections.abc import Mapping
from typing import Any

from service.oauth.authorize import LONGER, MOST_CHARACTERS
from service.oauth.form import FORM
from service.oauth.parameters import PROMPTS
from service.oauth.redirects import RESPONSE_MODES
from service.oauth.signed_requests import LONGEST
from service.openapi.forms import PRINTABLE, SCOPES
from service.openapi.operation import Content, Example, Operation, Parameter, ResponseSpec
from service.problems import ComeAgain, Forbidden, Invalid, TooLarge, Unauthenticated, Unforeseen

HTML = "text/html"
_PAGE: Mapping[str, Any] = {"type": "string"}
_TEXT = {"type": "string", "maxLength": MOST_CHARACTERS}
_SHOWN = {**_TEXT, "pattern": PRINTABLE}
_ID_TOKEN = {"type": "string", "maxLength": LONGER["id_token_hint"]}
_LIST = {**_TEXT, "pattern": SCOPES}
APP, CALLBACK = "oauth_client_xyz789", "https://myapp.example.com/oauth/callback"


def _asked(
    name: str, description: str, schema: Mapping[str, Any], *, required: bool = False, example: Any = None
) -> Parameter:
    return Parameter(
        name=name, place="query", description=description, schema=schema, required=required, example=example
    )


AUTHORIZE = (
    _asked(
        "response_type",
        "Only the authorization code flow is supported. Required without a `request_uri`.",
        {"const": "code"},
        example="code",
    ),
    _asked("client_id", "The id of an interactive client.", _TEXT, required=True, example=APP),
    _asked(
        "request",
        "The parameters as a JWT that a registered key of the client signed (RFC 9101). Only what is inside counts.",
        {"type": "string", "maxLength": LONGEST},
    ),
    _asked(
        "request_uri",
        "The `request_uri` of a pushed request (`/openid/par`). All other parameters than this one and `client_id` are then ignored.",
        _TEXT,
    ),
    _asked(
        "redirect_uri",
        "One of the client's `redirectUris`, compared character by character; only the port of a loopback address may differ. Optional "
        "if the client has only one and the request does not contain the scope `openid`.",
        _TEXT,
        example=CALLBACK,
    ),
    _asked(
        "scope",
        "Scopes, separated by spaces. Those that the client may not request are ignored; `scope` in the token response says "
        "which were granted. If omitted, all that the client may have.",
        _TEXT,
        example="openid profile email",
    ),
    _asked(
        "state",
        "Returned unchanged in the response.",
        {"type": "string", "maxLength": LONGER["state"], "pattern": PRINTABLE},
        example="af0ifjsldkj",
    ),
    _asked("nonce", "Returned in the ID token.", _SHOWN, example="n-0S6_WzA2Mj"),
    _asked(
        "code_challenge",
        "The SHA-256 of the `code_verifier`, in base64url (RFC 7636). Required for public clients. For others, "
        "`requirePkce` and MUNIMENT_REQUIRE_PKCE decide.",
        {"type": "string", "pattern": "^[A-Za-z0-9_-]{43}$"},
        example="E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM",
    ),
    _asked(
        "dpop_jkt",
        "The SHA-256 thumbprint of a key (RFC 7638): the code is redeemed with a DPoP proof by this key only (RFC 9449 section 10).",
        {"type": "string", "pattern": "^[A-Za-z0-9_-]{43}$"},
    ),
    _asked("code_challenge_method", "Required with `code_challenge`.", {"const": "S256"}, example="S256"),
    _asked(
        "response_mode",
        "How the response is sent to the redirect URI. With `jwt` it is one signed JWT, `response` (JARM).",
        {"enum": list(RESPONSE_MODES), "default": "query"},
    ),
    _asked(
        "prompt",
        f"Any of {', '.join(f'`{prompt}`' for prompt in PROMPTS)}, separated by spaces. `none` must be alone; the user then sees no page.",
        _LIST,
    ),
    _asked(
        "max_age",
        "How many seconds ago the user may have authenticated, at most.",
        {"type": "string", "pattern": "^[0-9]{1,9}$"},
    ),
    _asked("login_hint", "The e-mail address that the sign-in page is filled with.", _TEXT),
    _asked("id_token_hint", "An ID token of this server. The response may only be about its user.", _ID_TOKEN),
    _asked(
        "acr_values", "How the user should authenticate: values separated by spaces, the preferred one first.", _TEXT
    ),
    _asked("ui_locales", "Languages of the pages, separated by spaces, the preferred one first.", _TEXT),
    _asked(
        "claims",
        "Individual claims for the ID token and userinfo, as JSON (OpenID Connect Core 1.0 section 5.5).",
        _TEXT,
    ),
    _asked(
        "resource",
        "The API that the access token is for, by its identifier (RFC 8707): one that the client may use. For several APIs, send it "
        "several times. Without it, the token is for the default audience.",
        _TEXT,
    ),
    _asked("audience", "Another name of `resource`.", _TEXT),
)

LOGOUT = (
    _asked(
        "id_token_hint", "The ID token of the session to end. With it, the user is not asked to confirm.", _ID_TOKEN
    ),
    _asked("client_id", "The client that sends the user, if there is no `id_token_hint`.", _TEXT, example=APP),
    _asked(
        "post_logout_redirect_uri",
        "Where the user is redirected after sign-out: one of the client's `postLogoutRedirectUris`. With any other URI the user is signed out, "
        "but not redirected.",
        _TEXT,
    ),
    _asked("state", "Returned unchanged to that URI.", _TEXT),
    _asked("ui_locales", "Languages of the pages, separated by spaces, the preferred one first.", _TEXT),
)


def form_of(parameters: tuple[Parameter, ...]) -> Content:
    """The same parameters, in the body."""
    properties = {each.name: {**each.schema, "description": each.description} for each in parameters}
    schema = {
        "type": "object",
        "properties": properties,
        "required": [each.name for each in parameters if each.required],
    }
    example = {each.name: each.example for each in parameters if each.example is not None}
    return Content(shape=schema, media=FORM, examples={"body": Example(summary="A request", value=example)})


def _page(status: int, description: str, headers: tuple[str, ...] = ()) -> ResponseSpec:
    return ResponseSpec(status=status, description=description, shape=_PAGE, media=HTML, headers=headers)


def _way_on(description: str) -> ResponseSpec:
    return ResponseSpec(status=303, description=description, headers=("Location", "Cache-Control"))


_AWAY = _page(503, "The database is unavailable.", ("Retry-After",))
_TOO_LONG = _page(413, "The body is longer than 64 KiB.")

_AUTHORIZED = (
    _page(200, "With `response_mode=form_post`, a page with a form that submits itself to the redirect URI."),
    _way_on(
        "To a page where the user signs in or consents; or to the redirect URI, with `code` or with `error` and `error_description`, "
        "and with `state` and `iss` (RFC 9207)."
    ),
    _page(400, "The client or the redirect URI is unknown: the user sees an error page and is not redirected."),
    _page(403, "The client is disabled."),
    _AWAY,
)
_AUTHORIZE_TEXT = (
    "A client library sends the user's browser here (RFC 6749 section 4.1.1, OpenID Connect Core 1.0 section 3.1.2). Once client "
    "and redirect URI are known, every error of the request is sent to the client at its redirect URI."
)
_LOGOUT_TEXT = (
    "A client sends the user's browser here to sign out (OpenID Connect RP-Initiated Logout 1.0). Without an `id_token_hint` of "
    "this session, the user is asked to confirm. An invalid request does not prevent the sign-out."
)
_PERSON = {
    "type": "object",
    "properties": {"sub": {"type": "string", "description": "The user's id."}},
    "required": ["sub"],
    "additionalProperties": {
        "description": "Each claim about the user that the granted scopes or the parameter `claims` name, if it has a value."
    },
}
_USERINFO_TEXT = (
    "Only the claims about the user that the token's scopes allow (OpenID Connect Core 1.0 section 5.3). The token must come from "
    "a user's authorization, have the scope `openid`, and be for this server, too."
)
_USERINFO = (
    ResponseSpec(
        description="The claims about the user.",
        shape=_PERSON,
        headers=("Cache-Control",),
        example={"sub": "0199f3a5-7c1e-7d0a-9b43-2f6f0d1c8e55", "name": "Ada King", "email": "ada@example.com"},
    ),
)
_USERINFO_REFUSALS = (Invalid, Unauthenticated, Forbidden, Unforeseen, ComeAgain)
_TOKEN_FORM = Content(
    shape={
        "type": "object",
        "properties": {"access_token": {"type": "string", "description": "If there is no Authorization header."}},
    },
    media=FORM,
    required=False,
    examples={
        "body": Example(summary="The token in the body (RFC 6750 section 2.2)", value={"access_token": "eyJhbGciOi…"})
    },
)

LOGIN = (
    Operation(
        method="get",
        path="/openid/authorize",
        operation_id="authorize",
        summary="Sign a user in",
        tag="Login",
        description=_AUTHORIZE_TEXT,
        parameters=AUTHORIZE,
        answers=_AUTHORIZED,
    ),
    Operation(
        method="post",
        path="/openid/authorize",
        operation_id="authorizeByForm",
        summary="Sign a user in, by a form",
        tag="Login",
        description=_AUTHORIZE_TEXT,
        request=form_of(AUTHORIZE),
        answers=(*_AUTHORIZED, _TOO_LONG),
    ),
    Operation(
        method="get",
        path="/openid/userinfo",
        operation_id="userinfo",
        summary="Read the claims about a user",
        tag="Login",
        description=_USERINFO_TEXT,
        bearer=True,
        answers=_USERINFO,
        refusals=_USERINFO_REFUSALS,
    ),
    Operation(
        method="post",
        path="/openid/userinfo",
        operation_id="userinfoByForm",
        summary="Read the claims about a user, with the token in a form",
        tag="Login",
        description=_USERINFO_TEXT,
        bearer=True,
        request=_TOKEN_FORM,
        answers=_USERINFO,
        refusals=(*_USERINFO_REFUSALS, TooLarge),
    ),
    Operation(
        method="get",
        path="/openid/logout",
        operation_id="logout",
        summary="Sign a user out",
        tag="Login",
        description=_LOGOUT_TEXT,
        parameters=LOGOUT,
        answers=(_way_on("To the page that signs out."), _AWAY),
    ),
    Operation(
        method="post",
        path="/openid/logout",
        operation_id="logoutByForm",
        summary="Sign a user out, by a form",
        tag="Login",
        description=_LOGOUT_TEXT,
        request=form_of(LOGOUT),
        answers=(_way_on("To the page that signs out."), _TOO_LONG, _AWAY),
    ),
)
