"""muniment bots create, disable, enable and delete: by the rules of the API, in the name of an operator."""

from typing import Annotated

import asyncpg
import typer

from events.database import read
from events.ids import bot_id_of
from projections import client_lists
from service.cli.bot_lookup import BotId, carry_out, row_of
from service.cli.ledger import OPERATOR, AtVersion, Yes, confirm, say_state, with_ledger
from service.cli.opening import Plainly, by_operator
from service.cli.output import Json, document, say
from service.cli.ownership import Owner, check_owner
from service.cli.reason_option import Reason
from service.cli.request_fields import done, fields_of
from service.clock import utc_now
from service.commands.authority import EVERYBODY
from service.commands.bot import DeleteBot, DisableBot, EnableBot, RegisterBot
from service.commands.handle import BOT, Ledger, handle
from service.configuration.settings import Settings
from service.crypto.credentials import new_id
from service.endpoints import bot_schemas
from service.endpoints.bot_schemas import CreateBotRequest
from service.reactions.client_deletion import delete_clients
from service.values.text import counted

OPTIONS = {"email": "EMAIL", "firstName": "--first-name", "lastName": "--last-name"}

Email = Annotated[str, typer.Argument(help="Unique among all bots.", show_default=False)]
FirstName = Annotated[str | None, typer.Option("--first-name", metavar="TEXT", show_default=False)]
LastName = Annotated[str | None, typer.Option("--last-name", metavar="TEXT", show_default=False)]


def create(
    email: Email,
    *,
    owner: Owner,
    first_name: FirstName = None,
    last_name: LastName = None,
    reason: Reason = None,
    as_json: Json = False,
) -> None:
    """Register a bot that machine clients can act as, and print its id.

    Example: `muniment bots create crm-bot@example.com --owner crm-team --first-name CRM`
    """
    fields = fields_of(CreateBotRequest(email=email, first_name=first_name, last_name=last_name))
    bot_schemas.check(fields)
    asked = done(fields, OPTIONS)
    check_owner(owner, "bots")
    stream, meta = new_id(), by_operator(reason)
    command = RegisterBot(
        owner=owner, email=asked.email, first_name=asked.first_name, last_name=asked.last_name, at=utc_now()
    )

    async def created(ledger: Ledger, _settings: Settings) -> None:
        try:
            await handle(ledger, BOT, stream, command, meta, fresh=True)
        except asyncpg.UniqueViolationError as fault:
            raise Plainly(
                f"There is a bot with the e-mail address {email} already; muniment bots list has it."
            ) from fault

    with_ledger(created)
    if as_json:
        document({"id": bot_id_of(stream)})
    else:
        say(bot_id_of(stream))


def disable(bot_id: BotId, *, at_version: AtVersion = None, reason: Reason = None, as_json: Json = False) -> None:
    """Stop a bot at once: its clients get no tokens, and their tokens introspect as inactive. Only an operator can enable it again.

    Example: `muniment bots disable bot_0192f3a1c5d87cc4a1b2c3d4e5f60718`
    """
    _change(bot_id, DisableBot(by=OPERATOR), "disabled", at_version, reason, as_json=as_json)


def enable(bot_id: BotId, *, at_version: AtVersion = None, reason: Reason = None, as_json: Json = False) -> None:
    """Let the clients of a disabled bot get tokens again.

    Example: `muniment bots enable bot_0192f3a1c5d87cc4a1b2c3d4e5f60718`
    """
    _change(bot_id, EnableBot(by=OPERATOR), "active", at_version, reason, as_json=as_json)


def delete(
    bot_id: BotId, *, at_version: AtVersion = None, yes: Yes = False, reason: Reason = None, as_json: Json = False
) -> None:
    """Delete a bot and all of its clients, and with them everything that was issued to them.

    Example: `muniment bots delete bot_0192f3a1c5d87cc4a1b2c3d4e5f60718 --yes`
    """
    meta = by_operator(reason)

    async def deleted(ledger: Ledger, _settings: Settings) -> int:
        those = await read(ledger.pool, lambda connection: client_lists.of_bot(connection, bot_id))
        bot = await row_of(ledger, bot_id)
        question = f"Delete {bot_id} ({bot.email}) of {bot.owner}, and its {counted(len(those), 'client')}?"
        confirm(question, yes=yes, otherwise="nothing was deleted")
        handled = await carry_out(ledger, bot_id, DeleteBot(by=OPERATOR), meta, at_version)
        left = await read(ledger.pool, lambda connection: client_lists.of_bot(connection, bot_id))
        await delete_clients(ledger, left, EVERYBODY, meta.__replace__(cause=handled.position))
        # A running service deletes the clients of a deleted bot, too, and may have been faster.
        return len({one.stream_id for one in (*those, *left)})

    number = with_ledger(deleted)
    if as_json:
        document({"id": bot_id, "state": "deleted", "clients": number})
    else:
        say(f"{bot_id} is deleted, and {counted(number, 'client')} with it.")


def _change(
    bot_id: str,
    command: DisableBot | EnableBot,
    state: str,
    at_version: int | None,
    reason: str | None,
    *,
    as_json: bool,
) -> None:
    meta = by_operator(reason)
    handled = with_ledger(lambda ledger, _: carry_out(ledger, bot_id, command, meta, at_version))
    say_state(bot_id, state, handled, field="id", as_json=as_json)
