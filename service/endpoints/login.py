"""The login settings of a client in a request: their defaults, their checks, and the login of a new client."""

from collections.abc import Mapping
from typing import Any

from msgspec import UNSET, structs

from events.client import Login
from service.configuration.settings import Settings
from service.endpoints import client_settings
from service.endpoints.client_schemas import CreateOAuthClientRequest
from service.endpoints.client_settings import OAuthClient
from service.endpoints.fields import Fields
from service.network import redirect_uri

_of_interactive = {field.name for field in structs.fields(OAuthClient) if field.default is UNSET}
_nothing_said = CreateOAuthClientRequest(m2m=False)
USUAL: Mapping[str, Any] = {
    field.encode_name: getattr(_nothing_said, field.name)
    for field in structs.fields(CreateOAuthClientRequest)
    if field.name in _of_interactive
}
"""The defaults of an interactive client's settings, which are the only values that a machine client may have."""


def check_registration(fields: Fields[CreateOAuthClientRequest], settings: Settings) -> None:
    check_uris(fields, settings)
    m2m, public, pkce = fields.good("m2m"), fields.good("public"), fields.good("requirePkce")
    if m2m is True:
        for name, usual in USUAL.items():
            if fields.good(name) not in (None, usual):
                fields.fault(
                    name, "is for interactive clients (m2m: false): users cannot sign in through a machine client"
                )
    elif public is True and pkce is False:
        fields.fault("requirePkce", "must be true or null: a public client always needs PKCE")


def check_uris(fields: Fields[Any], settings: Settings) -> None:
    insecure = settings.insecure_http_hosts
    for number, uri in enumerate(fields.good("postLogoutRedirectUris") or ()):
        for fault in redirect_uri.faults(uri, insecure):
            fields.fault("postLogoutRedirectUris", f"[{number}] {fault}")
    told = fields.good("backchannelLogoutUri")
    if isinstance(told, str):
        for fault in redirect_uri.backchannel_faults(told, settings.issuer, insecure):
            fields.fault("backchannelLogoutUri", fault)


def registered(asked: CreateOAuthClientRequest) -> Login:
    return client_settings.login_change(asked).after(Login())
