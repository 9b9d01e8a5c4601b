"""Commands on a bot, and `decide`."""

from datetime import datetime

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
from events.client import By
from service.commands.authority import Holder, disabling, may_enable
from service.commands.command import OrdinaryCommand, StoppingCommand
from service.commands.restoration import RestoreBot, restore_bot
from service.refusals import Contradiction, DoesNotExist


class RegisterBot(OrdinaryCommand, frozen=True, kw_only=True):
    owner: str
    email: str
    first_name: str | None
    last_name: str | None
    at: datetime


class DisableBot(StoppingCommand, frozen=True, kw_only=True):
    by: Holder


class EnableBot(OrdinaryCommand, frozen=True, kw_only=True):
    by: Holder


class DeleteBot(StoppingCommand, frozen=True, kw_only=True):
    by: Holder


BotCommand = RegisterBot | DisableBot | EnableBot | DeleteBot | RestoreBot


def decide(command: BotCommand, bot: Bot) -> list[BotEvent]:
    """Returns the events of the command; [] if it changes nothing. Raises DoesNotExist, Contradiction or NotPermitted."""
    match command, bot:
        case RegisterBot(), UnregisteredBot():
            return _register(command)
        case RegisterBot(), ActiveBot() | DisabledBot() | DeletedBot():
            raise Contradiction("A bot of this id was registered before, and an id is never used again.")
        case RestoreBot(), DeletedBot() if command.by.reaches(bot.owner):
            return [*restore_bot(command, bot)]
        case DisableBot() | EnableBot() | DeleteBot() | RestoreBot(), UnregisteredBot() | DeletedBot():
            raise _unknown()
        case DisableBot() | EnableBot() | DeleteBot() | RestoreBot(), ActiveBot() | DisabledBot() if (
            not command.by.reaches(bot.owner)
        ):
            raise _unknown()
        case RestoreBot(), ActiveBot() | DisabledBot():
            by = command.by
            return decide(DisableBot(by=by) if command.disabled_by else EnableBot(by=by), bot)
        case DisableBot(), ActiveBot():
            return _disable(command.by, None)
        case DisableBot(), DisabledBot():
            return _disable(command.by, bot.by)
        case EnableBot(), ActiveBot():
            return []
        case EnableBot(), DisabledBot():
            may_enable(command.by, bot.by, "bot")
            return [BotEnabled()]
        case DeleteBot(), ActiveBot() | DisabledBot():
            return [BotDeleted(owner=bot.owner, by="operator" if command.by.operates else "owner")]


def _register(command: RegisterBot) -> list[BotEvent]:
    return [
        BotRegistered(
            owner=command.owner,
            email=command.email,
            first_name=command.first_name,
            last_name=command.last_name,
            at=command.at,
        )
    ]


def _disable(by: Holder, before: By | None) -> list[BotEvent]:
    asked = disabling(by, before)
    return [BotDisabled(by=asked)] if asked else []


def _unknown() -> DoesNotExist:
    return DoesNotExist("You have no bot with this id.")
