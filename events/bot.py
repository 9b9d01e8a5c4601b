"""The events of a bot, and the states that they lead to."""

from datetime import datetime

from msgspec import UNSET, Struct, UnsetType

from events.client import By


class BotRegistered(Struct, frozen=True, kw_only=True, gc=False, tag="bot.registered"):
    owner: str
    email: str
    first_name: str | None
    last_name: str | None
    at: datetime


class BotDisabled(Struct, frozen=True, kw_only=True, gc=False, omit_defaults=True, tag="bot.disabled"):
    """Events that are older than `by` count as the owner's: the owner could undo them then."""

    by: By = "owner"


class BotEnabled(Struct, frozen=True, kw_only=True, gc=False, tag="bot.enabled"):
    pass


class BotDeleted(Struct, frozen=True, kw_only=True, gc=False, tag="bot.deleted"):
    """Older stored events say neither the owner (the stream does) nor `by`, who deleted it: UNSET counts as an operator."""

    owner: str | UnsetType = UNSET
    by: By | UnsetType = UNSET


class BotRestored(Struct, frozen=True, kw_only=True, gc=False, tag="bot.restored"):
    """A deleted bot is there again under its own id, as it was at the position `as_of`. Its clients are not: each is restored for itself."""

    owner: str
    email: str
    first_name: str | None
    last_name: str | None
    disabled_by: By | None
    as_of: int
    at: datetime


BotEvent = BotRegistered | BotDisabled | BotEnabled | BotDeleted | BotRestored


class UnregisteredBot(Struct, frozen=True):
    pass


class ActiveBot(Struct, frozen=True, kw_only=True, gc=False):
    owner: str


class DisabledBot(Struct, frozen=True, kw_only=True, gc=False):
    owner: str
    by: By = "owner"


class DeletedBot(Struct, frozen=True, kw_only=True, gc=False):
    """`by` is who deleted it, and `disabled_by` who had disabled it before."""

    owner: str
    by: By = "owner"
    disabled_by: By | None = None


Bot = UnregisteredBot | ActiveBot | DisabledBot | DeletedBot


def evolve(bot: Bot, event: BotEvent) -> Bot:
    """Returns the bot after the event. It never refuses."""
    match event:
        case BotRegistered():
            return ActiveBot(owner=event.owner)
        case BotDisabled():
            held = isinstance(bot, DisabledBot) and bot.by == "operator"
            return DisabledBot(owner=_owner(bot), by="operator" if held else event.by)
        case BotEnabled():
            return ActiveBot(owner=_owner(bot))
        case BotDeleted():
            by = "operator" if event.by is UNSET else event.by
            return DeletedBot(owner=_owner(bot), by=by, disabled_by=bot.by if isinstance(bot, DisabledBot) else None)
        case BotRestored():
            owner, by = event.owner, event.disabled_by
            return ActiveBot(owner=owner) if by is None else DisabledBot(owner=owner, by=by)


def _owner(bot: Bot) -> str:
    return "" if isinstance(bot, UnregisteredBot) else bot.owner
