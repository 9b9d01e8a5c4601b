"""The registration of a client: its checks and its command."""

from datetime import datetime
from uuid import UUID

from msgspec import UNSET, Struct

from events.client import AuthorizationCode, ClientCredentials, Grant
from events.client_secret import StoredSecret
from events.ids import client_id_of, client_stream
from service.clock import utc_now
from service.commands.authority import Holder
from service.commands.client import RegisterClient
from service.configuration.settings import Settings
from service.crypto.credentials import Secret, new_id
from service.endpoints import (
    api_grants,
    authentication_fields,
    client_settings,
    delegation_fields,
    imported,
    key_fields,
    request_fields,
    security_settings,
)
from service.endpoints.client_fields import MOST_REDIRECT_URIS
from service.endpoints.client_schemas import CreateOAuthClientRequest
from service.endpoints.fields import Fields
from service.network import redirect_uri
from service.values.scopes import NEW_CLIENT

Asked = CreateOAuthClientRequest

OF_EVERY_CLIENT = frozenset({"m2m", "botUserId", "displayName", "secretName", "scopes", "apis"})
"""Fields on which no rule about the others depends: a request that has only these, as most have, breaks none of them. The settings of its
client are the usual ones.
"""


def check(fields: Fields[Asked], settings: Settings) -> None:
    """Report every fault in `fields`, except those of the bot, which only the database knows."""
    m2m = fields.good("m2m")
    if m2m is True and fields.good("botUserId") is None and "botUserId" not in fields.errors:
        fields.fault("botUserId", "is required for a machine-to-machine client (m2m: true)")
    if m2m is False and fields.good("deviceGrant") is not True:
        _check_browser(fields)
    if is_usual(fields):
        client_settings.check_scopes(fields)
    else:
        check_others(fields, settings)


def is_usual(fields: Fields[Asked]) -> bool:
    """Whether all fields without a fault are among those OF_EVERY_CLIENT."""
    return fields.names <= OF_EVERY_CLIENT


def check_others(fields: Fields[Asked], settings: Settings) -> None:
    """Report the faults of all fields that have rules of their own, and of the scopes in their place among them."""
    _check_uris(fields, settings)
    client_settings.check_scopes(fields)
    imported.check(fields)
    key_fields.check(fields, settings)
    delegation_fields.check(fields)
    request_fields.check(fields, settings)
    client_settings.check_registered_login(fields, settings)


def _check_browser(fields: Fields[Asked]) -> None:
    """Users who cannot sign in on a device do so in a browser, which is redirected to the client."""
    if not {"redirectUri", "redirectUris"} & set(fields.errors) and not _uris(fields):
        fields.fault(
            "redirectUri",
            "is required for an interactive client (m2m: false), unless redirectUris is given or deviceGrant is true",
        )


class Prepared(Struct, frozen=True, kw_only=True):
    """The command of a registration. `secret` is for the response, if it is a new one."""

    stream: UUID
    client_id: str
    secret: Secret | None
    command: RegisterClient


def prepared(asked: Asked, *, owner: str, by: Holder, usual: bool = False) -> Prepared:
    """`usual` says that the request has only the fields OF_EVERY_CLIENT, so that the others need not be read."""
    now = utc_now()
    stream = client_stream(asked.client_id) if asked.client_id else new_id()
    assert stream is not None
    secret, kept = imported.secret(asked, now)
    command = _command(asked, owner=owner, by=by, secret=kept, at=now)
    return Prepared(
        stream=stream,
        client_id=asked.client_id or client_id_of(stream),
        secret=secret,
        command=command if usual else _with_settings(command, asked, now),
    )


def _command(asked: Asked, *, owner: str, by: Holder, secret: StoredSecret | None, at: datetime) -> RegisterClient:
    return RegisterClient(
        owner=owner,
        grant=_grant(asked),
        display_name=asked.display_name,
        redirect_uris=_redirect_uris(asked),
        scopes=_usual_scopes(by) if asked.scopes is None else tuple(dict.fromkeys(asked.scopes)),
        secret=secret,
        at=at,
        apis=api_grants.granted(asked.apis),
        by=by,
    )


def _with_settings(command: RegisterClient, asked: Asked, at: datetime) -> RegisterClient:
    return command.__replace__(
        login=client_settings.registered_login(asked),
        access_token_alg=asked.access_token_signed_response_alg,
        security=security_settings.registered(asked),
        keys=key_fields.registered_keys(asked.jwks, at),
        client_id=asked.client_id or UNSET,
    )


def _redirect_uris(asked: Asked) -> tuple[str, ...]:
    if asked.redirect_uri:
        return tuple(dict.fromkeys((asked.redirect_uri, *asked.redirect_uris)))
    return tuple(dict.fromkeys(asked.redirect_uris)) if asked.redirect_uris else ()


def _usual_scopes(by: Holder) -> tuple[str, ...]:
    """A request without scopes gets those of every new client, if the caller has them."""
    return NEW_CLIENT if by.scopes.issuperset(NEW_CLIENT) else tuple([each for each in NEW_CLIENT if each in by.scopes])


def _grant(asked: Asked) -> Grant:
    if asked.m2m:
        assert asked.bot_user_id is not None
        return ClientCredentials(bot_user_id=asked.bot_user_id)
    return AuthorizationCode(bot_user_id=asked.bot_user_id)


def _uris(fields: Fields[Asked]) -> list[tuple[str, str, str]]:
    """Return each redirect URI with its field and the text that its faults begin with."""
    one, several = fields.good("redirectUri"), fields.good("redirectUris") or ()
    numbered = [("redirectUris", f"[{number}] ", uri) for number, uri in enumerate(several)]
    return [*([("redirectUri", "", one)] if one is not None else []), *numbered]


def _check_uris(fields: Fields[Asked], settings: Settings) -> None:
    given = _uris(fields)
    for field, number, uri in given:
        for fault in redirect_uri.faults(
            uri, settings.insecure_http_hosts, public=authentication_fields.is_public(fields)
        ):
            fields.fault(field, f"{number}{fault}")
    if len({uri for _, _, uri in given}) > MOST_REDIRECT_URIS:
        fields.fault("redirectUris", f"has more than {MOST_REDIRECT_URIS} redirect URIs together with redirectUri")
