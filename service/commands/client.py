"""Commands on a client, and `decide`."""

from datetime import datetime

from msgspec import UNSET, UnsetType

from events.client import (
    AccessTokenAlg,
    Active,
    By,
    Client,
    ClientDeleted,
    ClientDisabled,
    ClientEnabled,
    ClientEvent,
    ClientRegistered,
    Deleted,
    Disabled,
    Grant,
    Login,
    Unregistered,
    evolve,
    terms_of,
)
from events.client_apis import Apis
from events.client_key import StoredKey
from events.client_registration import Registration
from events.client_secret import StoredSecret
from events.client_security import USUAL_SECURITY, Security
from service.commands import key, secret
from service.commands.api_grants import WithdrawApi, may_grant, withdraw_api
from service.commands.authority import (
    EVERYBODY,
    Holder,
    disabling,
    is_reserved,
    may_enable,
    may_give,
    may_import,
    own_scopes,
)
from service.commands.client_document import SeeDocument, see_document
from service.commands.client_registration import ReplaceMetadata, change_about, replace_metadata
from service.commands.client_terms import ChangeClient, change_alg, change_login, change_terms, fits
from service.commands.command import OrdinaryCommand, StoppingCommand
from service.commands.key import AddKey, RevokeKey
from service.commands.login_change import login_of
from service.commands.restoration import RestoreClient, restore_client
from service.commands.secret import AddSecret, RehashSecret, RevokeSecret
from service.commands.security_change import may_delegate, security_of
from service.commands.security_profile import keeps_profile
from service.refusals import Contradiction, DoesNotExist, NotPermitted

USUAL_LOGIN = Login()


class RegisterClient(OrdinaryCommand, frozen=True, kw_only=True):
    """`apis` UNSET is the rule of a client that nobody grants any (None), where the caller has no say in it.

    `by` is the caller. Without it, the service itself registers the client, and grants nothing that needs a scope.
    """

    owner: str
    grant: Grant
    display_name: str | None
    redirect_uris: tuple[str, ...]
    scopes: tuple[str, ...]
    secret: StoredSecret | None
    at: datetime
    login: Login = USUAL_LOGIN
    access_token_alg: AccessTokenAlg | None = None
    security: Security = USUAL_SECURITY
    registration: Registration | None = None
    apis: Apis | UnsetType = UNSET
    keys: tuple[StoredKey, ...] = ()
    by: Holder | None = None
    client_id: str | UnsetType = UNSET


class DisableClient(StoppingCommand, frozen=True, kw_only=True):
    by: Holder


class EnableClient(OrdinaryCommand, frozen=True, kw_only=True):
    by: Holder


class DeleteClient(StoppingCommand, frozen=True, kw_only=True):
    by: Holder


OwnersChange = ChangeClient | ReplaceMetadata | AddSecret | RevokeSecret | AddKey | RevokeKey
OwnersCommand = OwnersChange | DisableClient | EnableClient | DeleteClient | RestoreClient
"""The commands that the owner of a client may give."""

ClientCommand = RegisterClient | SeeDocument | RehashSecret | WithdrawApi | OwnersCommand


def decide(command: ClientCommand, client: Client) -> list[ClientEvent]:
    """Returns the events of the command; [] if it changes nothing. Raises DoesNotExist, Contradiction, NotPermitted or InvalidValue."""
    match command, client:
        case RegisterClient(), Unregistered():
            return _register(command)
        case RegisterClient(), Active() | Disabled() | Deleted():
            raise Contradiction("A client of this id was registered before, and an id is never used again.")
        case SeeDocument(), _:
            return see_document(command, client)
        case RestoreClient(), Deleted() if command.by.reaches(terms_of(client.was).owner):
            return [*restore_client(command, client)]
        case _, Unregistered() | Deleted():
            raise _unknown()
        case _, Active() if not _holder(command).reaches(client.owner):
            raise _unknown()
        case _, Disabled() if not _holder(command).reaches(client.was.owner):
            raise _unknown()
        case DeleteClient(), Active(owner=owner) | Disabled(was=Active(owner=owner)):
            return [ClientDeleted(owner=owner, by="operator" if _holder(command).operates else "owner")]
        case DisableClient(), Active():
            return _disable(command.by, None)
        case DisableClient(), Disabled():
            return _disable(command.by, client.by)
        case EnableClient(), Active():
            return []
        case EnableClient(), Disabled():
            may_enable(command.by, client.by, "client")
            return [ClientEnabled()]
        case RestoreClient(), Active() | Disabled():
            return _undo(command, client)
        case _, Active():
            return _change(command, client)
        case _, Disabled():
            return _change(command, client.was)


def _register(command: RegisterClient) -> list[ClientEvent]:
    scopes = own_scopes(command.scopes, command.grant)
    _may_register(command, scopes)
    is_usual = command.security == USUAL_SECURITY
    if command.keys or not is_usual:
        key.fits_method(command.security, command.keys)
        keeps_profile(command.security, command.login, command.grant)
    registered = ClientRegistered(
        owner=command.owner,
        grant=command.grant,
        display_name=command.display_name,
        redirect_uris=command.redirect_uris,
        scopes=scopes,
        secret=command.secret,
        at=command.at,
        client_id=command.client_id,
        security=UNSET if is_usual else command.security,
        registration=command.registration or UNSET,
        apis=UNSET if command.apis is None else command.apis,
        keys=command.keys or UNSET,
    )
    if command.redirect_uris:
        fits(set(command.redirect_uris), public=registered.public)
    return [registered, *_settings_of_its_own(command, registered)]


def _settings_of_its_own(command: RegisterClient, registered: ClientRegistered) -> list[ClientEvent]:
    """Returns the events of the settings that are not in the registration itself. Most clients say nothing of them."""
    if command.login == USUAL_LOGIN and command.access_token_alg is None:
        return []
    client = _registered(registered)
    return [*change_login(command.by, command.login, client), *change_alg(command.access_token_alg, client)]


def _may_register(command: RegisterClient, scopes: tuple[str, ...]) -> None:
    if command.grant.bot_user_id is not None and is_reserved(command.grant.bot_user_id):
        raise NotPermitted(
            f"A client cannot act as {command.grant.bot_user_id.strip()}: that name is the service's own."
        )
    if command.client_id and command.by:
        may_import(command.by)
    may_delegate(command.by, command.security, USUAL_SECURITY)
    if command.by is not None:
        may_give(command.by, set(scopes), command.grant)
        if command.apis is not UNSET:
            may_grant(command.by, command.apis)


def _registered(event: ClientRegistered) -> Active:
    client = evolve(Unregistered(), event)
    assert isinstance(client, Active)
    return client


def _disable(by: Holder, before: By | None) -> list[ClientEvent]:
    asked = disabling(by, before)
    return [ClientDisabled(by=asked)] if asked else []


def _change(command: OwnersChange | RehashSecret | WithdrawApi, client: Active) -> list[ClientEvent]:
    match command:
        case ChangeClient():
            return change_terms(command, client)
        case ReplaceMetadata():
            return replace_metadata(command, client)
        case AddSecret():
            return secret.add(command, client)
        case RehashSecret():
            return secret.rehash(command, client)
        case RevokeSecret():
            return secret.revoke(command, client)
        case WithdrawApi():
            return [*withdraw_api(command, client)]
        case AddKey():
            return key.add(command, client)
        case RevokeKey():
            return key.revoke(command, client)


def _undo(command: RestoreClient, client: Active | Disabled) -> list[ClientEvent]:
    """Returns the changes that lead back to the settings and the state of then. Secrets stay as they are now."""
    then = terms_of(command.then)
    change = ChangeClient(
        by=command.by,
        display_name=then.display_name,
        redirect_uris=then.redirect_uris,
        scopes=then.scopes,
        login=login_of(then.login),
        access_token_alg=then.access_token_alg,
        security=security_of(then.security),
        apis=then.apis,
    )
    state = EnableClient(by=command.by) if isinstance(command.then, Active) else DisableClient(by=command.by)
    about = then.registration and then.registration.about
    terms = terms_of(client)
    return [*change_terms(change, terms, undo=True), *change_about(about, terms), *decide(state, client)]


def _holder(command: OwnersCommand | RehashSecret | WithdrawApi) -> Holder:
    """Returns the caller. Only the service itself rehashes a secret, and withdraws a deleted API."""
    return EVERYBODY if isinstance(command, RehashSecret | WithdrawApi) else command.by


def _unknown() -> DoesNotExist:
    return DoesNotExist("You have no client with this id.")
