"""The command that records an exchange, and `decide`."""

from events.exchange import Exchange, ExchangeEvent, TokenExchanged
from service.commands.command import OrdinaryCommand


class RecordExchange(OrdinaryCommand, frozen=True, kw_only=True):
    made: TokenExchanged


def decide(command: RecordExchange, _exchange: Exchange) -> list[ExchangeEvent]:
    """Returns the event. Whether a token may be exchanged is decided before (service/oauth/token_exchange.py)."""
    return [command.made]
