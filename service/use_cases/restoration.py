"""A client or bot is restored as it was at a position of the log: first the difference, then the events that lead there."""

from collections.abc import Sequence
from collections.abc import Set as AbstractSet
from typing import Generic, TypeVar
from uuid import UUID

import asyncpg
from msgspec import Struct

from events.bot import ActiveBot, BotRegistered, DeletedBot, DisabledBot, UnregisteredBot
from events.client import Active, Client, ClientRegistered, Deleted, Disabled, Unregistered, terms_of
from events.client_secret import StoredSecret
from events.codec import Event, Recorded
from events.database import read
from events.envelope import Meta
from events.ids import bot_stream
from events.replay import history
from projections import bots, client_lists, clients
from projections.table import Table
from service.clock import utc_now
from service.commands.authority import EVERYBODY, Holder
from service.commands.command import AnyCommand
from service.commands.handle import BOT, CLIENT, Aggregate, Ledger, handle
from service.commands.restoration import RestoreBot, RestoreClient
from service.crypto.credentials import Secret, new_secret, stored
from service.reactions.client_deletion import delete_clients
from service.refusals import Contradiction, DoesNotExist, InvalidValue

Row = TypeVar("Row", bound=Struct)

NEW_LIFE = "Access tokens, codes and refresh tokens from before the deletion stay invalid."
A_NEW_ONE = "Its former secrets were not restored: it has one new secret."
ONE_TO_COME = "Its former secrets will not be restored: it will have one new secret."
CLIENTS = "The clients that were deleted with it stay deleted: restore each of them."


class Wish(Struct, frozen=True, kw_only=True):
    """Who wants it restored as of which position. `dry` only asks for the difference. `only_at` are the versions that it may have now."""

    by: Holder
    as_of: int
    meta: Meta
    dry: bool
    keep_secrets: bool = False
    only_at: AbstractSet[int] | None = None


class Restored(Struct, Generic[Row], frozen=True, kw_only=True):
    """The row before and after it; None where there is none. `left` says in sentences what did not come back.

    `position` is that of the last event, None if there was none. `secret` is the new one, if there is one.
    """

    before: Row | None
    after: Row | None
    left: Sequence[str]
    position: int | None
    secret: Secret | None = None


async def restore_client(ledger: Ledger, stream: UUID, wish: Wish) -> Restored[clients.Row]:
    """Raises what `decide` raises, and InvalidValue if there was no such client then."""
    past = await _past(ledger, stream)
    now, then = CLIENT.state(_events(past)), CLIENT.state(_events(past, wish.as_of))
    if isinstance(now, Unregistered) or not wish.by.reaches(_owner(now)):
        raise DoesNotExist("You have no client with this id.")
    if not isinstance(then, Active | Disabled):
        raise _absent(wish, "client")
    deleted, registered = isinstance(now, Deleted), past[0].event
    assert isinstance(registered, ClientRegistered)
    if deleted:
        await _check_bot(ledger, terms_of(then))
    secret = new_secret() if deleted and not wish.keep_secrets and _needs_secret(terms_of(then)) else None
    at = utc_now()
    command = RestoreClient(
        by=wish.by,
        then=then,
        as_of=wish.as_of,
        created_at=registered.at,
        secret=secret and stored(secret, name=f"restored {at:%Y-%m-%d}", at=at),
        at=at,
        client_id=registered.client_id,
    )
    events, position = await _carried_out(ledger, CLIENT, command, past, wish)
    before, after = _rows(clients.TABLE, stream, past, events, clients.Row)
    left = _left(now, terms_of(then), new=secret is not None)
    if secret is not None and wish.dry:  # the id and the hint of the new secret do not exist before the secret does
        left = [ONE_TO_COME if sentence == A_NEW_ONE else sentence for sentence in left]
        after = after and after.__replace__(secrets=())
    return Restored(before=before, after=after, left=left, position=position, secret=None if wish.dry else secret)


def _needs_secret(client: Active) -> bool:
    return not client.public and client.security.token_endpoint_auth_method is None


async def restore_bot(ledger: Ledger, stream: UUID, wish: Wish) -> Restored[bots.Row]:
    """Raises what `decide` raises, InvalidValue if there was no such bot then, and Contradiction if its address is taken."""
    past = await _past(ledger, stream)
    now, then = BOT.state(_events(past)), BOT.state(_events(past, wish.as_of))
    if isinstance(now, UnregisteredBot) or not wish.by.reaches(now.owner):
        raise DoesNotExist("You have no bot with this id.")
    if not isinstance(then, ActiveBot | DisabledBot):
        raise _absent(wish, "bot")
    registered = past[0].event
    assert isinstance(registered, BotRegistered)
    command = RestoreBot(
        by=wish.by,
        email=registered.email,
        first_name=registered.first_name,
        last_name=registered.last_name,
        disabled_by=then.by if isinstance(then, DisabledBot) else None,
        as_of=wish.as_of,
        at=utc_now(),
    )
    deleted = isinstance(now, DeletedBot)
    if deleted and not wish.dry:
        await _finish_deletion(ledger, stream, wish.meta)
    try:
        events, position = await _carried_out(ledger, BOT, command, past, wish)
    except asyncpg.UniqueViolationError as fault:
        raise Contradiction(
            f"Another bot has the address {registered.email} now. Delete that bot first, or register a new bot with another address."
        ) from fault
    before, after = _rows(bots.TABLE, stream, past, events, bots.Row)
    return Restored(before=before, after=after, left=[CLIENTS] if deleted else [], position=position)


async def _past(ledger: Ledger, stream: UUID) -> list[Recorded]:
    return await read(ledger.pool, lambda connection: history(connection, stream))


def _events(past: Sequence[Recorded], upto: int | None = None) -> list[Event]:
    return [recorded.event for recorded in past if upto is None or recorded.position <= upto]


def _owner(client: Active | Disabled | Deleted) -> str:
    return terms_of(client.was if isinstance(client, Deleted) else client).owner


def _absent(wish: Wish, noun: str) -> InvalidValue:
    fault = f"is position {wish.as_of} of the log, when there was no such {noun}: name a moment before it was deleted"
    return InvalidValue(f"as_of {fault}.", {"as_of": [fault]})


async def _check_bot(ledger: Ledger, client: Active) -> None:
    """A client of a deleted bot would be deleted again. Raises Contradiction."""
    bot = client.grant.bot_user_id
    if bot is None or bot_stream(bot) is None:
        return
    row = await read(ledger.pool, lambda connection: bots.find(connection, bot))
    if row is not None and row.state == "deleted":
        raise Contradiction(f"Its bot {bot} is deleted. Restore the bot first.")


async def _finish_deletion(ledger: Ledger, stream: UUID, meta: Meta) -> None:
    """Delete the clients that the deleted bot still has because a process was killed: their tokens must not become valid again."""
    bot_id = bots.bot_id_of(stream)
    left = await read(ledger.pool, lambda connection: client_lists.of_bot(connection, bot_id))
    await delete_clients(ledger, left, EVERYBODY, meta)


Command = TypeVar("Command", bound=AnyCommand)
State = TypeVar("State")
Happened = TypeVar("Happened", bound=Event)


async def _carried_out(
    ledger: Ledger,
    aggregate: Aggregate[Command, State, Happened],
    command: Command,
    past: Sequence[Recorded],
    wish: Wish,
) -> tuple[Sequence[Event], int | None]:
    if wish.dry:
        return aggregate.decide(command, aggregate.state(_events(past))), None
    only_at = {len(past)} if wish.only_at is None else wish.only_at
    handled = await handle(ledger, aggregate, past[0].stream_id, command, wish.meta, only_at=only_at)
    return handled.events, handled.position


def _rows(
    table: Table, stream: UUID, past: Sequence[Recorded], events: Sequence[Event], kind: type[Row]
) -> tuple[Row | None, Row | None]:
    before, after = table.fold(stream, _events(past)), table.fold(stream, [*_events(past), *events])
    return (before if isinstance(before, kind) else None), (after if isinstance(after, kind) else None)


def _left(now: Client, then: Active, *, new: bool) -> list[str]:
    """Return what does not come back, in sentences."""
    deleted = isinstance(now, Deleted)
    assert not isinstance(now, Unregistered)
    last = terms_of(now.was if isinstance(now, Deleted) else now)
    revoked = _but(then.secrets, last.secrets)
    added = [] if new else _but(last.secrets, then.secrets)
    return [
        *(f"The secret {_named(s)} was revoked since then and stays revoked." for s in revoked),
        *(
            f"The secret {_named(s)} was added since then{', and is not restored' if deleted else ' and stays'}."
            for s in added
        ),
        *([A_NEW_ONE] if new else []),
        *([NEW_LIFE] if deleted else []),
    ]


def _but(secrets: Sequence[StoredSecret], others: Sequence[StoredSecret]) -> list[StoredSecret]:
    ids = {other.secret_id for other in others}
    return [secret for secret in secrets if secret.secret_id not in ids]


def _named(secret: StoredSecret) -> str:
    return f"{secret.name} ({secret.hint})"
