"""What may be asked of a bot, and what comes of asking."""

from datetime import datetime

from msgspec import Struct

from events.bot import (
    ActiveBot,
    Bot,
    BotDeleted,
    BotDisabled,
    BotEnabled,
    BotEvent,
    BotRegistered,
    DeletedBot,
    DisabledBot,
    UnregisteredBot,
)
from service.commands.authority import Holder, disabling, may_enable
from service.problems import Clash, NotFound


class RegisterBot(Struct, frozen=True, kw_only=True):
    owner: str
    email: str
    first_name: str | None
    last_name: str | None
    at: datetime


class DisableBot(Struct, frozen=True, kw_only=True):
    by: Holder


class EnableBot(Struct, frozen=True, kw_only=True):
    by: Holder


class DeleteBot(Struct, frozen=True, kw_only=True):
    by: Holder


BotCommand = RegisterBot | DisableBot | EnableBot | DeleteBot


def decide(command: BotCommand, bot: Bot) -> list[BotEvent]:
    """What happens. Asking for what already is gives []. Raises NotFound, Clash or Forbidden."""
    match command:
        case RegisterBot():
            return _register(command, bot)
        case DisableBot():
            return _disable(command.by, _existing(bot, command.by))
        case EnableBot():
            return _enable(command.by, _existing(bot, command.by))
        case DeleteBot():
            _existing(bot, command.by)
            return [BotDeleted()]


def _register(command: RegisterBot, bot: Bot) -> list[BotEvent]:
    match bot:
        case UnregisteredBot():
            return [
                BotRegistered(
                    owner=command.owner,
                    email=command.email,
                    first_name=command.first_name,
                    last_name=command.last_name,
                    at=command.at,
                )
            ]
        case ActiveBot() | DisabledBot() | DeletedBot():
            raise Clash("A bot of this id was registered before, and an id is never used again.")


def _disable(by: Holder, bot: ActiveBot | DisabledBot) -> list[BotEvent]:
    asked = disabling(by, bot.by if isinstance(bot, DisabledBot) else None)
    return [BotDisabled(by=asked)] if asked else []


def _enable(by: Holder, bot: ActiveBot | DisabledBot) -> list[BotEvent]:
    match bot:
        case ActiveBot():
            return []
        case DisabledBot():
            may_enable(by, bot.by, "bot")
            return [BotEnabled()]


def _existing(bot: Bot, by: Holder) -> ActiveBot | DisabledBot:
    match bot:
        case ActiveBot() | DisabledBot():
            if by.owner is None or by.owner == bot.owner:
                return bot
        case UnregisteredBot() | DeletedBot():
            pass
    raise NotFound("You have no bot of that id.")
