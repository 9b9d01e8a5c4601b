"""Commands on an issued access token, and `decide`."""

from datetime import datetime

from events.access_token import AccessToken, AccessTokenEvent, AccessTokenRevoked, RevokedToken, UnrevokedToken
from service.commands.command import OrdinaryCommand


class RevokeToken(OrdinaryCommand, frozen=True, kw_only=True):
    client_id: str
    expires_at: datetime
    at: datetime


def decide(command: RevokeToken, token: AccessToken) -> list[AccessTokenEvent]:
    """Returns the events of the command. A token is revoked once."""
    match command, token:
        case RevokeToken(), UnrevokedToken():
            return [AccessTokenRevoked(client_id=command.client_id, expires_at=command.expires_at, at=command.at)]
        case RevokeToken(), RevokedToken():
            return []
