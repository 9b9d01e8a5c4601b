"""muniment clients restore and muniment bots restore: the difference first, then the events that lead there."""

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Annotated, Any
from uuid import UUID

import typer
from msgspec import Struct, to_builtins

from events.ids import bot_stream
from service.cli import bot_lookup, client_lookup
from service.cli.as_of import past
from service.cli.bot_lookup import BotId
from service.cli.client_lookup import ClientId
from service.cli.histories import field_facts
from service.cli.ledger import OPERATOR, Yes, ask_whether_sure, check_terminal, open_ledger
from service.cli.opening import ask_at, by_operator, opened_at, run
from service.cli.output import Json, document, lines, note, say
from service.cli.reason_option import Reason
from service.commands.handle import Ledger
from service.use_cases.restoration import Restored, Wish, restore_bot, restore_client

if TYPE_CHECKING:
    from service.endpoints.differences import Difference

When = Annotated[
    str,
    typer.Option(
        "--as-of",
        metavar="WHEN",
        help="As it was then: a time (2026-03-03T14:02, UTC unless it says; a day is whole) or a position of the log.",
        show_default=False,
    ),
]
Keep = Annotated[
    bool, typer.Option("--keep-secrets", help="Keep the secrets that were not revoked, instead of making a new one.")
]
Dry = Annotated[bool, typer.Option("--dry-run", help="Only show what would change.")]


class _Kind(Struct, frozen=True):
    stream: UUID
    restore: Callable[[Ledger, UUID, Wish], Any]
    represent: Callable[[Any], Mapping[str, Any]]


class _Restoration(Struct, frozen=True, kw_only=True):
    named: str
    when: str
    keep: bool = False
    dry: bool
    yes: bool
    reason: str | None
    as_json: bool


def restore_client_asked(
    client_id: ClientId,
    *,
    as_of: When,
    keep_secrets: Keep = False,
    dry_run: Dry = False,
    yes: Yes = False,
    reason: Reason = None,
    as_json: Json = False,
) -> None:
    """Give a client the settings and the state that it had; a deleted one comes back under its own id, with a new secret.

    It shows the difference first, and what does not come back. What was issued before a deletion stays invalid.

    Example: `muniment clients restore oauth_client_0192f3a1c5d87cc4a1b2c3d4e5f60718 --as-of 2026-03-03T14:02`
    """
    from service.endpoints import differences  # noqa: PLC0415 - Starlette comes along

    stream = client_lookup.stream_of(client_id)
    asked = _Restoration(
        named=client_id, when=as_of, keep=keep_secrets, dry=dry_run, yes=yes, reason=reason, as_json=as_json
    )
    _restore(asked, _Kind(stream, restore_client, differences.of_client))


def restore_bot_asked(
    bot_id: BotId,
    *,
    as_of: When,
    dry_run: Dry = False,
    yes: Yes = False,
    reason: Reason = None,
    as_json: Json = False,
) -> None:
    """Give a bot the state that it had; a deleted one comes back under its own id. Its clients do not: restore each of them.

    Example: `muniment bots restore bot_0192f3a1c5d87cc4a1b2c3d4e5f60718 --as-of 2026-03-03T14:02`
    """
    from service.endpoints import differences  # noqa: PLC0415 - Starlette comes along

    stream = bot_lookup.stream_of(bot_id)
    asked = _Restoration(named=bot_id, when=as_of, dry=dry_run, yes=yes, reason=reason, as_json=as_json)
    _restore(asked, _Kind(stream, restore_bot, differences.of_bot))


def _restore(asked: _Restoration, kind: _Kind) -> None:
    meta = by_operator(asked.reason)
    with opened_at() as url:
        position = ask_at(url, lambda connection: past(connection, asked.when)).position
        wish = Wish(by=OPERATOR, as_of=position, meta=meta, dry=True, keep_secrets=asked.keep)
        tried = run(_carried_out(url, kind, wish))
        changes = _changes(kind, tried)
        if asked.dry or not changes:
            _tell(asked, position, tried, changes)
            return
        if not asked.yes:
            _ask(asked.named, tried, changes)
        done = run(_carried_out(url, kind, wish.__replace__(dry=False)))
        _tell(asked, position, done, _changes(kind, done))


async def _carried_out(url: str, kind: _Kind, wish: Wish) -> Restored[Any]:
    async with open_ledger(url) as ledger:
        return await kind.restore(ledger, kind.stream, wish)


def _changes(kind: _Kind, done: Restored[Any]) -> dict[str, "Difference"]:
    from service.endpoints.differences import difference  # noqa: PLC0415 - Starlette comes along

    return difference(done.before and kind.represent(done.before), done.after and kind.represent(done.after))


def _ask(named: str, tried: Restored[Any], changes: Mapping[str, "Difference"]) -> None:
    """Raises Plainly unless the person at the terminal says yes."""
    check_terminal("say --yes, or --dry-run to see what changes")
    lines(field_facts(changes))
    for sentence in tried.left:
        say(sentence)
    ask_whether_sure(f"Restore {named}?", "nothing was restored")


def _tell(asked: _Restoration, position: int, done: Restored[Any], changes: Mapping[str, "Difference"]) -> None:
    secret = done.secret and done.secret.reveal()
    if asked.as_json:
        told = {"as_of": position, "dry_run": asked.dry, "changes": to_builtins(changes), "not_restored": done.left}
        document(told if bot_stream(asked.named) else {**told, "client_secret": secret})
        return
    lines(field_facts(changes))
    for sentence in done.left:
        say(sentence)
    if secret:
        say(f"client_secret {secret} (it is shown only here, once)")
    note("nothing changes" if not changes else "nothing was changed" if asked.dry else f"{asked.named} is restored")
