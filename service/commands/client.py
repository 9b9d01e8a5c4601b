"""Commands on a client, and `decide`."""

from datetime import datetime
from functools import reduce

from msgspec import UNSET, UnsetType

from events.client import (
    AccessTokenAlg,
    Active,
    By,
    Client,
    ClientAccessTokenAlgChanged,
    ClientCredentials,
    ClientDeleted,
    ClientDisabled,
    ClientDisplayNameChanged,
    ClientEnabled,
    ClientEvent,
    ClientLoginChanged,
    ClientRedirectUrisChanged,
    ClientRegistered,
    ClientScopesChanged,
    Deleted,
    Disabled,
    Grant,
    Login,
    Unregistered,
    evolve,
)
from events.client_secret import StoredSecret
from service.commands import secret
from service.commands.authority import (
    EVERYBODY,
    Holder,
    disabling,
    is_reserved,
    may_enable,
    may_give,
    may_import,
    may_widen,
    own_scopes,
)
from service.commands.command import OrdinaryCommand, StoppingCommand
from service.commands.login_change import LoginChange
from service.commands.secret import AddSecret, RehashSecret, RevokeSecret
from service.network.redirect_uri import has_short_scheme
from service.refusals import Contradiction, DoesNotExist, InvalidValue, NotPermitted


class RegisterClient(OrdinaryCommand, frozen=True, kw_only=True):
    """`by` is the caller. Without it, the service itself registers the client, and grants nothing that needs a scope."""

    owner: str
    grant: Grant
    display_name: str | None
    redirect_uris: tuple[str, ...]
    scopes: tuple[str, ...]
    secret: StoredSecret | None
    at: datetime
    login: Login = Login()
    access_token_alg: AccessTokenAlg | None = None
    by: Holder | None = None
    client_id: str | UnsetType = UNSET


class ChangeClient(OrdinaryCommand, frozen=True, kw_only=True):
    """UNSET fields do not change."""

    by: Holder
    display_name: str | UnsetType | None = UNSET
    redirect_uris: tuple[str, ...] | UnsetType = UNSET
    scopes: tuple[str, ...] | UnsetType = UNSET
    login: LoginChange = LoginChange()
    access_token_alg: AccessTokenAlg | UnsetType | None = UNSET


class DisableClient(StoppingCommand, frozen=True, kw_only=True):
    by: Holder


class EnableClient(OrdinaryCommand, frozen=True, kw_only=True):
    by: Holder


class DeleteClient(StoppingCommand, frozen=True, kw_only=True):
    by: Holder


OwnersCommand = ChangeClient | AddSecret | RevokeSecret | DisableClient | EnableClient | DeleteClient
"""The commands that the owner of a client may give."""

ClientCommand = RegisterClient | RehashSecret | OwnersCommand


def decide(command: ClientCommand, client: Client) -> list[ClientEvent]:
    """Returns the events of the command; [] if it changes nothing. Raises DoesNotExist, Contradiction, NotPermitted or InvalidValue."""
    match command, client:
        case RegisterClient(), Unregistered():
            return _register(command)
        case RegisterClient(), Active() | Disabled() | Deleted():
            raise Contradiction("A client of this id was registered before, and an id is never used again.")
        case _, Unregistered() | Deleted():
            raise _unknown()
        case _, Active() if not _holder(command).reaches(client.owner):
            raise _unknown()
        case _, Disabled() if not _holder(command).reaches(client.was.owner):
            raise _unknown()
        case DeleteClient(), Active(owner=owner) | Disabled(was=Active(owner=owner)):
            return [ClientDeleted(owner=owner)]
        case DisableClient(), Active():
            return _disable(command.by, None)
        case DisableClient(), Disabled():
            return _disable(command.by, client.by)
        case EnableClient(), Active():
            return []
        case EnableClient(), Disabled():
            may_enable(command.by, client.by, "client")
            return [ClientEnabled()]
        case ChangeClient() | AddSecret() | RehashSecret() | RevokeSecret(), Active():
            return _change(command, client)
        case ChangeClient() | AddSecret() | RehashSecret() | RevokeSecret(), Disabled():
            return _change(command, client.was)


def _register(command: RegisterClient) -> list[ClientEvent]:
    _may_register(command)
    _fits(set(command.redirect_uris), public=command.secret is None)
    registered = ClientRegistered(
        owner=command.owner,
        grant=command.grant,
        display_name=command.display_name,
        redirect_uris=command.redirect_uris,
        scopes=own_scopes(command.scopes, command.grant),
        secret=command.secret,
        at=command.at,
        client_id=command.client_id,
    )
    client = _registered(registered)
    return [
        registered,
        *_change_login(command.by, command.login, client),
        *_change_alg(command.access_token_alg, client),
    ]


def _may_register(command: RegisterClient) -> None:
    if command.grant.bot_user_id is not None and is_reserved(command.grant.bot_user_id):
        raise NotPermitted(
            f"A client cannot act as {command.grant.bot_user_id.strip()}: that name is the service's own."
        )
    if command.client_id and command.by:
        may_import(command.by)
    if command.by is not None:
        may_give(command.by, set(own_scopes(command.scopes, command.grant)), command.grant)


def _registered(event: ClientRegistered) -> Active:
    client = evolve(Unregistered(), event)
    assert isinstance(client, Active)
    return client


def _disable(by: Holder, before: By | None) -> list[ClientEvent]:
    asked = disabling(by, before)
    return [ClientDisabled(by=asked)] if asked else []


def _change(command: ChangeClient | AddSecret | RehashSecret | RevokeSecret, client: Active) -> list[ClientEvent]:
    match command:
        case ChangeClient():
            return _change_terms(command, client)
        case AddSecret():
            return secret.add(command, client)
        case RehashSecret():
            return secret.rehash(command, client)
        case RevokeSecret():
            return secret.revoke(command, client)


def _change_terms(command: ChangeClient, client: Active) -> list[ClientEvent]:
    events: list[ClientEvent] = []
    if command.display_name is not UNSET and command.display_name != client.display_name:
        events.append(ClientDisplayNameChanged(display_name=command.display_name, was=client.display_name))
    if command.redirect_uris is not UNSET and command.redirect_uris != client.redirect_uris:
        if not command.redirect_uris and not isinstance(client.grant, ClientCredentials):
            raise Contradiction("An interactive client needs at least one redirect URI.")
        _fits(set(command.redirect_uris) - set(client.redirect_uris), public=client.public)
        events.append(ClientRedirectUrisChanged(redirect_uris=command.redirect_uris, was=client.redirect_uris))
    scopes = client.scopes if command.scopes is UNSET else own_scopes(command.scopes, client.grant)
    if set(scopes) != set(client.scopes):
        may_give(command.by, set(scopes) - set(client.scopes), client.grant)
        events.append(ClientScopesChanged(scopes=scopes, was=client.scopes))
    events += _change_login(command.by, command.login.after(client.login), client)
    events += _change_alg(command.access_token_alg, client)
    after = reduce(evolve, events, client)
    assert isinstance(after, Active)
    may_widen(command.by, client, after)
    return events


def _fits(uris: set[str], *, public: bool) -> None:
    short = sorted(filter(has_short_scheme, uris))
    if short and not public:
        fault = (
            f"must each be https, or have an app's own scheme such as com.example.app:/callback; short schemes are for public"
            f" clients: {' '.join(short)}"
        )
        raise InvalidValue(f"The redirect URIs {fault}.", {"redirect_uris": [fault]})


def _change_login(by: Holder | None, login: Login, client: Active) -> list[ClientLoginChanged]:
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


def _change_alg(alg: AccessTokenAlg | UnsetType | None, client: Active) -> list[ClientAccessTokenAlgChanged]:
    if alg is UNSET or alg == client.access_token_alg:
        return []
    return [ClientAccessTokenAlgChanged(access_token_alg=alg, was=client.access_token_alg)]


def _holder(command: OwnersCommand | RehashSecret) -> Holder:
    """Returns the caller. Only the service itself rehashes a secret."""
    return EVERYBODY if isinstance(command, RehashSecret) else command.by


def _unknown() -> DoesNotExist:
    return DoesNotExist("You have no client with this id.")
