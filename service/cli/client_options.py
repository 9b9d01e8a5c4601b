"""The settings of a client as options, and as fields of the API's requests. An empty value removes what there was."""

from collections.abc import Callable, Iterable, Mapping
from typing import Annotated, Literal

import typer
from msgspec import UNSET, UnsetType

from events import client
from events.client_security import UserinfoAlg
from service.cli import authentication_options, delegation_options
from service.cli.panels import SIGN_IN, TOKENS
from service.values import typed_lists

OPTIONS = {
    "displayName": "--name",
    "botUserId": "--bot",
    "redirectUri": "--redirect-uri",
    "redirectUris": "--redirect-uri",
    "scopes": "--scope",
    "secretName": "--secret-name",
    "public": "--public",
    "requirePkce": "--require-pkce",
    "firstParty": "--first-party",
    "idTokenSignedResponseAlg": "--id-token-alg",
    "postLogoutRedirectUris": "--post-logout-uri",
    "backchannelLogoutUri": "--backchannel-logout-uri",
    "idTokenClaims": "--id-token-claims",
    "accessTokenSignedResponseAlg": "--access-token-alg",
    "apis": "--api",
    "deviceGrant": "--device-grant",
    "requirePushedAuthorizationRequests": "--require-par",
    "requireSignedRequestObject": "--require-jar",
    "requestObjectSigningAlg": "--jar-alg",
    "authorizationSignedResponseAlg": "--jarm-alg",
    "userinfoSignedResponseAlg": "--userinfo-alg",
    "requestUris": "--request-uri",
    "defaultMaxAge": "--default-max-age",
    "requireAuthTime": "--require-auth-time",
    **authentication_options.OPTIONS,
    **delegation_options.OPTIONS,
}
"""The option of each field."""

Name = Annotated[str | None, typer.Option("--name", metavar="TEXT", help="What people call it.", show_default=False)]
RedirectUris = Annotated[
    list[str] | None,
    typer.Option(
        "--redirect-uri",
        metavar="URI",
        help="Where browsers are sent back to; may be a list or be repeated, and is the whole list.",
        show_default=False,
        rich_help_panel=SIGN_IN,
    ),
]
Scopes = Annotated[
    list[str] | None,
    typer.Option(
        "--scope",
        metavar="SCOPE",
        help="What its tokens may have; may be a list or be repeated, and is the whole list.",
        show_default=False,
    ),
]
RequirePkce = Annotated[
    Literal["yes", "no", "default"] | None,
    typer.Option(
        "--require-pkce",
        metavar="WORD",
        help="Whether logins need PKCE: yes, no, or default (the service's setting).",
        show_default=False,
        rich_help_panel=SIGN_IN,
    ),
]
FirstParty = Annotated[
    Literal["yes", "no"] | None,
    typer.Option(
        "--first-party",
        metavar="WORD",
        help="Whether it is the product's own, so that nobody is asked for consent: yes or no.",
        show_default=False,
        rich_help_panel=SIGN_IN,
    ),
]
DeviceGrant = Annotated[
    Literal["yes", "no"] | None,
    typer.Option(
        "--device-grant",
        metavar="WORD",
        help="Whether people may sign in with it on a device without a browser, by a code: yes or no.",
        show_default=False,
        rich_help_panel=SIGN_IN,
    ),
]
IdTokenAlg = Annotated[
    Literal["RS256", "ES256"] | None,
    typer.Option(
        "--id-token-alg",
        metavar="ALG",
        help="What signs its ID tokens: RS256 or ES256.",
        show_default=False,
        rich_help_panel=SIGN_IN,
    ),
]
AccessTokenAlg = Annotated[
    Literal["ES256", "RS256", "EdDSA", "default"] | None,
    typer.Option(
        "--access-token-alg",
        metavar="ALG",
        help="What signs its access tokens: ES256, RS256, EdDSA, or default (the service's setting).",
        show_default=False,
        rich_help_panel=TOKENS,
    ),
]
UserinfoAlgOption = Annotated[
    Literal["RS256", "ES256", "none"] | None,
    typer.Option(
        "--userinfo-alg",
        metavar="NAME",
        help="The algorithm of userinfo as a signed JWT: RS256 or ES256; none: userinfo is JSON.",
        show_default=False,
        rich_help_panel=SIGN_IN,
    ),
]
LogoutUris = Annotated[
    list[str] | None,
    typer.Option(
        "--post-logout-uri",
        metavar="URI",
        help="Where users may be sent after sign-out; may be a list or be repeated, and is the whole list.",
        show_default=False,
        rich_help_panel=SIGN_IN,
    ),
]
BackchannelUri = Annotated[
    str | None,
    typer.Option(
        "--backchannel-logout-uri",
        metavar="URI",
        help="Where logout tokens are sent.",
        show_default=False,
        rich_help_panel=SIGN_IN,
    ),
]
IdTokenClaims = Annotated[
    Literal["scopes", "minimal"] | None,
    typer.Option(
        "--id-token-claims",
        metavar="WORD",
        help="What its ID tokens say of users: scopes (all that was granted) or minimal.",
        show_default=False,
        rich_help_panel=SIGN_IN,
    ),
]

PKCE: Mapping[str, bool | None] = {"yes": True, "no": False, "default": None}
ALGS: Mapping[str, client.AccessTokenAlg | None] = {
    "ES256": "ES256",
    "RS256": "RS256",
    "EdDSA": "EdDSA",
    "default": None,
}
USERINFO_ALGS: Mapping[str, UserinfoAlg | None] = {"none": None, "RS256": "RS256", "ES256": "ES256"}


def scopes_of(values: Iterable[str]) -> list[str]:
    """Return the scopes of all values, each of which may be a list."""
    return typed_lists.scopes(" ".join(values))


def uris_of(values: Iterable[str]) -> list[str]:
    return typed_lists.uris(" ".join(values))


def whole_list(values: list[str] | None, read: Callable[[Iterable[str]], list[str]]) -> list[str] | UnsetType:
    """Not given: UNSET. An empty value: an empty list."""
    return UNSET if values is None else read(values)


def text(value: str | None) -> str | UnsetType | None:
    """Not given: UNSET. Empty: None."""
    return UNSET if value is None else value or None
