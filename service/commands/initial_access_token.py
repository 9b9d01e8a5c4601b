"""Commands on an initial access token, and `decide`."""

from datetime import datetime
from hmac import compare_digest
from uuid import UUID

from events.client import AuthorizationCode
from events.initial_access_token import (
    Allowance,
    InitialAccessToken,
    InitialAccessTokenEvent,
    InitialAccessTokenIssued,
    InitialAccessTokenRevoked,
    InitialAccessTokenUsed,
    NoInitialAccessToken,
    RevokedInitialAccessToken,
    UsableInitialAccessToken,
)
from service.commands.authority import Holder, may_give
from service.commands.command import OrdinaryCommand, StoppingCommand
from service.refusals import Contradiction, DoesNotExist, NotPermitted
from service.values.scopes import IDENTITY, INTROSPECT, MANAGEMENT


class IssueInitialAccessToken(OrdinaryCommand, frozen=True, kw_only=True):
    by: Holder
    name: str
    allows: Allowance
    hash: str
    hint: str
    at: datetime


class UseInitialAccessToken(OrdinaryCommand, frozen=True, kw_only=True):
    """Whoever presents a token with this hash registers this client."""

    hash: str
    client: UUID
    at: datetime


class RevokeInitialAccessToken(StoppingCommand, frozen=True, kw_only=True):
    by: Holder
    at: datetime


InitialAccessTokenCommand = IssueInitialAccessToken | UseInitialAccessToken | RevokeInitialAccessToken


def decide(command: InitialAccessTokenCommand, token: InitialAccessToken) -> list[InitialAccessTokenEvent]:
    """Returns the events of the command; [] if it changes nothing. Raises DoesNotExist, Contradiction or NotPermitted."""
    match command, token:
        case IssueInitialAccessToken(), NoInitialAccessToken():
            return [_issued(command)]
        case IssueInitialAccessToken(), UsableInitialAccessToken() | RevokedInitialAccessToken():
            raise Contradiction("An initial access token of this id was issued before, and an id is never used again.")
        case UseInitialAccessToken(), UsableInitialAccessToken():
            if not is_good(token, command.hash, command.at):
                raise DoesNotExist("The initial access token is not valid.")
            return [InitialAccessTokenUsed(client=command.client, at=command.at)]
        case UseInitialAccessToken(), NoInitialAccessToken() | RevokedInitialAccessToken():
            raise DoesNotExist("The initial access token is not valid.")
        case RevokeInitialAccessToken(), UsableInitialAccessToken() if command.by.reaches(token.allows.owner):
            return [InitialAccessTokenRevoked(owner=token.allows.owner, at=command.at)]
        case RevokeInitialAccessToken(), RevokedInitialAccessToken() if command.by.reaches(token.owner):
            return []
        case (
            RevokeInitialAccessToken(),
            NoInitialAccessToken() | UsableInitialAccessToken() | RevokedInitialAccessToken(),
        ):
            raise DoesNotExist("You have no initial access token with this id.")


def is_good(token: UsableInitialAccessToken, hashed: str, now: datetime) -> bool:
    """Whether the token has this hash, and may be used once more. The comparison takes constant time."""
    is_it, allows = compare_digest(token.hash, hashed), token.allows
    return is_it and token.used < allows.uses and (allows.expires_at is None or now < allows.expires_at)


def _issued(command: IssueInitialAccessToken) -> InitialAccessTokenIssued:
    scopes = set(command.allows.scopes)
    if powerful := sorted(each for each in scopes if each in MANAGEMENT or each.startswith(INTROSPECT)):
        raise NotPermitted(
            f"No client that registers itself gets these scopes, whoever allows it: {' '.join(powerful)}. Register it yourself."
        )
    if about_users := sorted(scopes & set(IDENTITY)):
        raise Contradiction(
            f"Every interactive client may ask users for these scopes, so leave them out: {' '.join(about_users)}."
        )
    may_give(command.by, scopes, AuthorizationCode())
    return InitialAccessTokenIssued(
        name=command.name, allows=command.allows, hash=command.hash, hint=command.hint, at=command.at
    )
