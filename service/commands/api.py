"""Commands on an API, and `decide`. Only operators give them."""

from datetime import datetime

from msgspec import UNSET, Struct, UnsetType, structs

from events.api import (
    Alg,
    Api,
    ApiChanged,
    ApiDeleted,
    ApiEvent,
    ApiRegistered,
    ApiScope,
    ApiTerms,
    DeletedApi,
    RegisteredApi,
    UnregisteredApi,
)
from service.commands.command import OrdinaryCommand, StoppingCommand
from service.refusals import Contradiction, DoesNotExist


class TermsChange(Struct, frozen=True, kw_only=True):
    """The fields of ApiTerms. UNSET fields do not change."""

    name: str | UnsetType = UNSET
    scopes: tuple[ApiScope, ...] | UnsetType = UNSET
    access_token_alg: Alg | UnsetType | None = UNSET
    token_lifetime: int | UnsetType | None = UNSET
    dpop_required: bool | UnsetType = UNSET
    mtls_required: bool | UnsetType = UNSET
    claims: tuple[str, ...] | UnsetType = UNSET
    introspectors: tuple[str, ...] | UnsetType = UNSET
    any_client: bool | UnsetType = UNSET

    def after(self, terms: ApiTerms) -> ApiTerms:
        said = {name: value for name, value in structs.asdict(self).items() if value is not UNSET}
        return terms.__replace__(**said)


class RegisterApi(OrdinaryCommand, frozen=True, kw_only=True):
    identifier: str
    terms: ApiTerms
    at: datetime


class ChangeApi(OrdinaryCommand, frozen=True, kw_only=True):
    change: TermsChange


class DeleteApi(StoppingCommand, frozen=True, kw_only=True):
    pass


ApiCommand = RegisterApi | ChangeApi | DeleteApi


def decide(command: ApiCommand, api: Api) -> list[ApiEvent]:
    """Returns the events of the command; [] if it changes nothing. Raises DoesNotExist or Contradiction."""
    match command, api:
        case RegisterApi(), UnregisteredApi() | DeletedApi():
            return [ApiRegistered(identifier=command.identifier, terms=command.terms, at=command.at)]
        case RegisterApi(), RegisteredApi():
            raise Contradiction("There is an API with this identifier already.")
        case ChangeApi() | DeleteApi(), UnregisteredApi() | DeletedApi():
            raise DoesNotExist("There is no API with this id.")
        case ChangeApi(), RegisteredApi():
            after = command.change.after(api.terms)
            return [] if after == api.terms else [ApiChanged(terms=after, was=api.terms)]
        case DeleteApi(), RegisteredApi():
            return [ApiDeleted(identifier=api.identifier)]
