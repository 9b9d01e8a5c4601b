"""The settings of a client, and what changes them."""

from functools import reduce

from msgspec import UNSET, UnsetType

from events.client import (
    AccessTokenAlg,
    Active,
    ClientAccessTokenAlgChanged,
    ClientCredentials,
    ClientDisplayNameChanged,
    ClientEvent,
    ClientLoginChanged,
    ClientRedirectUrisChanged,
    ClientScopesChanged,
    Login,
    evolve,
)
from events.client_apis import Apis
from service.commands.api_grants import change_apis
from service.commands.authority import Holder, may_give, may_widen, own_scopes
from service.commands.client_document import may_change
from service.commands.command import OrdinaryCommand
from service.commands.key import STAYS_PUBLIC, may_change_method
from service.commands.login_change import LoginChange
from service.commands.own_client import stays_open
from service.commands.security_change import BY_SECRET, SecurityChange, change_security, may_delegate
from service.commands.security_profile import keeps_profile
from service.network.redirect_uri import has_short_scheme
from service.refusals import Contradiction, InvalidValue, NotPermitted


class ChangeClient(OrdinaryCommand, frozen=True, kw_only=True):
    """UNSET fields do not change."""

    by: Holder
    display_name: str | UnsetType | None = UNSET
    redirect_uris: tuple[str, ...] | UnsetType = UNSET
    scopes: tuple[str, ...] | UnsetType = UNSET
    login: LoginChange = LoginChange()
    access_token_alg: AccessTokenAlg | UnsetType | None = UNSET
    security: SecurityChange = SecurityChange()
    apis: Apis | UnsetType = UNSET


def change_terms(command: ChangeClient, client: Active, *, undo: bool = False) -> list[ClientEvent]:
    events: list[ClientEvent] = []
    may_change(client, says=_is_of_the_document(command, client))
    if command.display_name is not UNSET and command.display_name != client.display_name:
        events.append(ClientDisplayNameChanged(display_name=command.display_name, was=client.display_name))
    if command.redirect_uris is not UNSET and command.redirect_uris != client.redirect_uris:
        fits(set(command.redirect_uris) - set(client.redirect_uris), public=client.public)
        events.append(ClientRedirectUrisChanged(redirect_uris=command.redirect_uris, was=client.redirect_uris))
    scopes = client.scopes if command.scopes is UNSET else own_scopes(command.scopes, client.grant)
    if set(scopes) != set(client.scopes):
        may_give(command.by, set(scopes) - set(client.scopes), client.grant)
        events.append(ClientScopesChanged(scopes=scopes, was=client.scopes))
    events += change_login(command.by, command.login.after(client.login), client)
    events += change_alg(command.access_token_alg, client)
    events += change_apis(command.by, command.apis, client)
    security = command.security.after(client.security)
    by_secret = command.security.token_endpoint_auth_method == BY_SECRET
    if by_secret and client.public:
        raise Contradiction(STAYS_PUBLIC)
    may_delegate(command.by, security, client.security)
    stays_open(security, client)
    may_change_method(command.by, security, client, undo=undo)
    events += change_security(security, client.security)
    after = reduce(evolve, events, client)
    assert isinstance(after, Active)
    _users_can_still_sign_in(client, after)
    if not undo:
        keeps_profile(after.security, after.login, after.grant)
    may_widen(command.by, client, after)
    return events


def _is_of_the_document(command: ChangeClient, client: Active) -> bool:
    return (
        command.display_name not in (UNSET, client.display_name)
        or command.redirect_uris not in (UNSET, client.redirect_uris)
        or command.login.after(client.login) != client.login
    )


def _users_can_still_sign_in(before: Active, after: Active) -> None:
    """Through an interactive client, in a browser or on a device; never through a machine client."""
    if isinstance(after.grant, ClientCredentials):
        if after.security.device_grant:
            raise Contradiction(
                "Users do not sign in through a machine client: deviceGrant is for interactive clients."
            )
    elif _users_can_sign_in(before) and not _users_can_sign_in(after):
        raise Contradiction("An interactive client needs at least one redirect URI, unless its deviceGrant is true.")


def _users_can_sign_in(client: Active) -> bool:
    return bool(client.redirect_uris) or client.security.device_grant


def fits(uris: set[str], *, public: bool) -> None:
    short = sorted(filter(has_short_scheme, uris))
    if short and not public:
        fault = (
            f"must each be https, or have an app's own scheme such as com.example.app:/callback; short schemes are for public"
            f" clients: {' '.join(short)}"
        )
        raise InvalidValue(f"The redirect URIs {fault}.", {"redirect_uris": [fault]})


def change_login(by: Holder | None, login: Login, client: Active) -> list[ClientLoginChanged]:
    if login == client.login:
        return []
    if isinstance(client.grant, ClientCredentials):
        raise Contradiction(
            "Users do not sign in through a machine client; these settings are for interactive clients."
        )
    if client.public and login.require_pkce is False:
        raise Contradiction("A public client always needs PKCE: requirePkce is true or null.")
    if login.first_party and not client.login.first_party and not (by and by.operates):
        raise NotPermitted("Only an operator can let a client skip the consent of users (firstParty).")
    return [ClientLoginChanged(login=login, was=client.login)]


def change_alg(alg: AccessTokenAlg | UnsetType | None, client: Active) -> list[ClientAccessTokenAlgChanged]:
    if alg is UNSET or alg == client.access_token_alg:
        return []
    return [ClientAccessTokenAlgChanged(access_token_alg=alg, was=client.access_token_alg)]
