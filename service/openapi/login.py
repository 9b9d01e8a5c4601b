"""/openid/authorize, /openid/userinfo and /openid/logout, as the API reference describes them: sign-in, sign-out, and claims of users."""

from collections.abc import Mapping
from typing import Any

from service.oauth.form import FORM
from service.openapi.authorization_parameters import APP, AUTHORIZE, ID_TOKEN, TEXT, asked
from service.openapi.operation import Content, Example, Operation, Parameter, ResponseSpec
from service.problems import ComeAgain, Forbidden, Invalid, TooLarge, Unauthenticated, Unforeseen

HTML = "text/html"
_PAGE: Mapping[str, Any] = {"type": "string"}

LOGOUT = (
    asked("id_token_hint", "The ID token of the session to end. With it, the user is not asked to confirm.", ID_TOKEN),
    asked("client_id", "The client that sends the user, if there is no `id_token_hint`.", TEXT, example=APP),
    asked(
        "post_logout_redirect_uri",
        "Where the user is redirected after sign-out: one of the client's `postLogoutRedirectUris`. With any other URI the user is signed out, "
        "but not redirected.",
        TEXT,
    ),
    asked("state", "Returned unchanged to that URI.", TEXT),
    asked("ui_locales", "Languages of the pages, separated by spaces, the preferred one first.", TEXT),
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
_AUTHORIZETEXT = (
    "A client library sends the user's browser here (RFC 6749 section 4.1.1, OpenID Connect Core 1.0 section 3.1.2). Once client "
    "and redirect URI are known, every error of the request is sent to the client at its redirect URI."
)
_LOGOUTTEXT = (
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
_USERINFOTEXT = (
    "Only the claims about the user that the token's scopes allow (OpenID Connect Core 1.0 section 5.3). The token must come from "
    "a user's authorization, have the scope `openid`, and be for this server, too. A client with `userinfoSignedResponseAlg` gets "
    "them as a signed JWT (`application/jwt`), with `iss` and `aud` (section 5.3.2)."
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
        description=_AUTHORIZETEXT,
        parameters=AUTHORIZE,
        answers=(
            *_AUTHORIZED,
            ResponseSpec(
                status=431, description="The address is longer than 64 KiB. Push the request, or send it as a form."
            ),
        ),
    ),
    Operation(
        method="post",
        path="/openid/authorize",
        operation_id="authorizeByForm",
        summary="Sign a user in, by a form",
        tag="Login",
        description=_AUTHORIZETEXT,
        request=form_of(AUTHORIZE),
        answers=(*_AUTHORIZED, _TOO_LONG),
    ),
    Operation(
        method="get",
        path="/openid/userinfo",
        operation_id="userinfo",
        summary="Read the claims about a user",
        tag="Login",
        description=_USERINFOTEXT,
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
        description=_USERINFOTEXT,
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
        description=_LOGOUTTEXT,
        parameters=LOGOUT,
        answers=(_way_on("To the page that signs out."), _AWAY),
    ),
    Operation(
        method="post",
        path="/openid/logout",
        operation_id="logoutByForm",
        summary="Sign a user out, by a form",
        tag="Login",
        description=_LOGOUTTEXT,
        request=form_of(LOGOUT),
        answers=(_way_on("To the page that signs out."), _TOO_LONG, _AWAY),
    ),
)
