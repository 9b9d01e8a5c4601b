"""/api/v1/auth/bots: the subjects that machine clients act as."""

from collections.abc import Sequence
from uuid import UUID

import asyncpg
from starlette.responses import Response

from events.database import AnyConnection, read
from events.ids import bot_id_of, bot_stream
from events.log import Receipt
from projections import bot_history, bots, client_lists
from projections.bots import Row
from service.clock import utc_now
from service.commands.authority import EVERYBODY
from service.commands.bot import BotCommand, DeleteBot, DisableBot, EnableBot, RegisterBot
from service.commands.handle import BOT, Handled, handle
from service.crypto.credentials import new_id
from service.endpoints import as_of, bot_schemas, if_match, several
from service.endpoints.bot_schemas import Bot, CreateBotRequest
from service.endpoints.call import Call
from service.endpoints.clients import position
from service.endpoints.fields import Fields
from service.endpoints.idempotent_create import create
from service.endpoints.responses import answered
from service.problems import Clash, NotFound
from service.reactions.client_deletion import delete_clients

PATH = "/api/v1/auth/bots"


async def register(call: Call) -> Response:
    fields = Fields(CreateBotRequest, call.content_type, call.body)
    bot_schemas.check(fields)
    asked = fields.done()
    stream = new_id()
    command = RegisterBot(
        owner=call.caller.sub, email=asked.email, first_name=asked.first_name, last_name=asked.last_name, at=utc_now()
    )
    answer = shown_bot(_registered(stream, command))

    async def carry_out(receipt: Receipt | None) -> Handled:
        try:
            return await handle(call.resources.ledger, BOT, stream, command, call.meta, fresh=True, receipt=receipt)
        except asyncpg.UniqueViolationError as fault:
            raise Clash("There is a bot with this email already.") from fault

    async def is_there(bot_id: str) -> bool:
        row = await read(call.resources.ledger.pool, lambda c: bots.find(c, bot_id))
        return row is not None and row.state != "deleted"

    return await create(call, answer, f"{PATH}/{answer.id}", carry_out, is_there)


async def list_bots(call: Call) -> Response:
    page = await as_of.page_asked(call, (several.IDS,), {several.IDS: several.check})
    owner, ids = call.caller.reach, several.ids(page)

    async def now(connection: AnyConnection, most: int) -> Sequence[Row]:
        if ids is None:
            return await bots.listed(connection, owner=owner, after=page.after, limit=most)
        streams = [stream for stream in map(bot_stream, ids) if stream is not None]
        return await bots.of_ids(connection, streams, owner=owner, after=page.after, limit=most)

    found = await as_of.page_of(
        call,
        PATH,
        page,
        now,
        history=bot_history.HISTORY,
        filters=bot_history.filters(owner),
    )
    return answered([shown_bot(row) for row in found.rows], headers=found.headers)


async def read_bot(call: Call) -> Response:
    bot_id = call.request.path_params["bot_id"]
    position, stream = await as_of.asked(call), bot_stream(bot_id)
    if stream is None:
        raise NotFound("You have no bot with this id.")
    if position is not None:
        return await _read_then(call, stream, position)
    row = await read(call.resources.ledger.pool, lambda c: bots.find(c, bot_id))
    if row is None or not _may_see(call, row):
        raise NotFound("You have no bot with this id.")
    return answered(shown_bot(row), headers={"ETag": f'"{row.version}"'})


async def _read_then(call: Call, stream: UUID, position: int) -> Response:
    row = await as_of.find(call, bot_history.HISTORY, stream, position)
    if row is None or not _may_see(call, row):
        raise NotFound(f"You had no bot with this id at position {position} of the log.")
    return answered(shown_bot(row), headers=as_of.headers(position))


def _may_see(call: Call, row: Row) -> bool:
    return row.state != "deleted" and call.caller.reach in (None, row.owner)


async def disable_bot(call: Call) -> Response:
    return Response(status_code=204, headers=position(await _carry_out(call, DisableBot(by=call.caller.holder))))


async def enable_bot(call: Call) -> Response:
    return Response(status_code=204, headers=position(await _carry_out(call, EnableBot(by=call.caller.holder))))


async def delete_bot(call: Call) -> Response:
    handled = await _carry_out(call, DeleteBot(by=call.caller.holder))
    bot_id = call.request.path_params["bot_id"]
    left = await read(call.resources.ledger.pool, lambda c: client_lists.of_bot(c, bot_id))
    await delete_clients(call.resources.ledger, left, EVERYBODY, call.meta.__replace__(cause=handled.position))
    return Response(status_code=204, headers=position(handled))


async def _carry_out(call: Call, command: BotCommand) -> Handled:
    stream = bot_stream(call.request.path_params["bot_id"])
    if stream is None:
        raise NotFound("You have no bot with this id.")
    return await handle(call.resources.ledger, BOT, stream, command, call.meta, only_at=if_match.versions(call))


def _registered(stream: UUID, command: RegisterBot) -> Row:
    return Row(
        stream_id=stream,
        bot_id=bot_id_of(stream),
        owner=command.owner,
        email=command.email,
        first_name=command.first_name,
        last_name=command.last_name,
        state="active",
        created_at=command.at,
        version=1,
    )


def shown_bot(row: Row) -> Bot:
    return Bot(
        id=row.bot_id,
        email=row.email,
        first_name=row.first_name,
        last_name=row.last_name,
        full_name=" ".join(filter(None, (row.first_name, row.last_name))),
        owner=row.owner,
        state=row.state,
        created_utc=row.created_at,
    )
