"""What happened to initial access tokens, in sentences."""

from events.ids import client_id_of
from events.initial_access_token import (
    InitialAccessTokenEvent,
    InitialAccessTokenIssued,
    InitialAccessTokenRevoked,
    InitialAccessTokenUsed,
)
from service.cli.output import moment
from service.values.text import counted


def what(event: InitialAccessTokenEvent) -> str:
    """The event in a sentence."""
    match event:
        case InitialAccessTokenIssued():
            allows = event.allows
            kinds = "clients, also machine clients," if allows.machines else "interactive clients"
            until = f", until {moment(allows.expires_at)}" if allows.expires_at else ""
            return (
                f'initial access token "{event.name}" ({event.hint}) issued for {allows.owner}: registers {kinds}'
                f" {counted(allows.uses, 'time')}{until}; scopes {', '.join(allows.scopes) or 'none'}"
            )
        case InitialAccessTokenUsed():
            return f"used to register {client_id_of(event.client)}"
        case InitialAccessTokenRevoked():
            return "revoked; the clients that it registered stay"
