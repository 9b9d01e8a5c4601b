"""/api/v1/auth/bots: the subjects that machine clients act as."""

import re

import asyncpg
from starlette.responses import Response

from events.database import read
from events.ids import bot_id_of, bot_stream
from events.log import Receipt
from projections import bots, clients
from projections.bots import Row
from service.clock import utc_now
from service.commands.authority import EVERYBODY
from service.commands.bot import BotCommand, DeleteBot, DisableBot, EnableBot, RegisterBot
from service.commands.handle import BOT, Handled, handle
from service.crypto.credentials import new_id
from service.endpoints import if_match, paging
from service.endpoints.bot_schemas import Bot, CreateBotRequest
from service.endpoints.clients import position
from service.endpoints.fields import Fields
from service.endpoints.idempotent_create import create
from service.endpoints.management import Call
from service.endpoints.responses import answered
from service.problems import Clash, NotFound
from service.reactions.client_deletion import delete_clients
from service.values.text import EMAIL

PATH = "/api/v1/auth/bots"

_is_email = re.compile(EMAIL).fullmatch


async def register(call: Call) -> Response:
    fields = Fields(CreateBotRequest, call.request.headers.get("content-type"), call.body)
    email = fields.good("email")
    if email is not None and not _is_email(email):
        fields.fault("email", "must be an e-mail address, such as crm-bot@example.com")
    asked = fields.done()
    stream = new_id()
    command = RegisterBot(
        owner=call.caller.sub, email=asked.email, first_name=asked.first_name, last_name=asked.last_name, at=utc_now()
    )
    answer = _bot(bot_id_of(stream), asked.email, asked.first_name, asked.last_name)

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
    page = paging.asked(call.request)
    owner = call.caller.reach
    rows = await read(
        call.resources.ledger.pool, lambda c: bots.listed(c, owner=owner, after=page.after, limit=page.limit + 1)
    )
    shown = rows[: page.limit]
    headers = page.link(call.resources.settings.issuer, PATH, shown[-1].stream_id) if len(rows) > page.limit else None
    return answered([_shown(row) for row in shown], headers=headers)


async def read_bot(call: Call) -> Response:
    bot_id = call.request.path_params["bot_id"]
    row = await read(call.resources.ledger.pool, lambda c: bots.find(c, bot_id)) if bot_stream(bot_id) else None
    if row is None or row.state == "deleted" or call.caller.reach not in (None, row.owner):
        raise NotFound("You have no bot with this id.")
    return answered(_shown(row), headers={"ETag": f'"{row.version}"'})


async def disable_bot(call: Call) -> Response:
    return Response(status_code=204, headers=position(await _carry_out(call, DisableBot(by=call.caller.holder))))


async def enable_bot(call: Call) -> Response:
    return Response(status_code=204, headers=position(await _carry_out(call, EnableBot(by=call.caller.holder))))


async def delete_bot(call: Call) -> Response:
    handled = await _carry_out(call, DeleteBot(by=call.caller.holder))
    bot_id = call.request.path_params["bot_id"]
    left = await read(call.resources.ledger.pool, lambda c: clients.of_bot(c, bot_id))
    await delete_clients(call.resources.ledger, left, EVERYBODY, call.meta.__replace__(cause=handled.position))
    return Response(status_code=204, headers=position(handled))


async def _carry_out(call: Call, command: BotCommand) -> Handled:
    stream = bot_stream(call.request.path_params["bot_id"])
    if stream is None:
        raise NotFound("You have no bot with this id.")
    return await handle(call.resources.ledger, BOT, stream, command, call.meta, only_at=if_match.versions(call))


def _shown(row: Row) -> Bot:
    return _bot(row.bot_id, row.email, row.first_name, row.last_name)


def _bot(bot_id: str, email: str | None, first: str | None, last: str | None) -> Bot:
    return Bot(
        id=bot_id, email=email, first_name=first, last_name=last, full_name=" ".join(filter(None, (first, last)))
    )
