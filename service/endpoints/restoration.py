"""POST …/clients/{client_id}/restore and …/bots/{bot_id}/restore: as it was at a moment; first the difference, if that is wanted."""

from typing import Annotated, Any, TypeVar

from msgspec import Meta, Struct
from starlette.responses import Response

from events.ids import bot_stream
from service.endpoints import as_of, if_match
from service.endpoints.call import Call
from service.endpoints.client_fields import ClientSecretText
from service.endpoints.clients import stream_asked
from service.endpoints.differences import Difference, difference, of_bot, of_client
from service.endpoints.fields import Fields
from service.endpoints.moments import NoMoment, as_text, moment_of
from service.endpoints.responses import answered
from service.problems import NotFound
from service.use_cases.restoration import Restored, Wish, restore_bot, restore_client

AsOf = Annotated[
    str,
    Meta(
        max_length=100,
        description="As it was at this moment: a time (RFC 3339), which includes everything up to that microsecond, "
        "a day (UTC), which stands for its end, or `position:N`.",
    ),
]
Asked = TypeVar("Asked", bound="RestoreBotRequest | RestoreClientRequest")
DryRun = Annotated[bool, Meta(description="Only answer what would change.")]


class RestoreBotRequest(Struct, frozen=True, kw_only=True, rename="camel", forbid_unknown_fields=True):
    as_of: AsOf
    dry_run: DryRun = False


class RestoreClientRequest(Struct, frozen=True, kw_only=True, rename="camel", forbid_unknown_fields=True):
    as_of: AsOf
    keep_secrets: Annotated[
        bool,
        Meta(description="Keep those secrets of a deleted client that were not revoked, instead of a new one."),
    ] = False
    dry_run: DryRun = False


class RestoredBot(Struct, frozen=True, kw_only=True, rename="camel"):
    as_of: Annotated[str, Meta(description="The position that the moment stands for.")]
    dry_run: bool
    changes: Annotated[dict[str, Difference], Meta(description="The fields that change, before and after.")]
    not_restored: Annotated[list[str], Meta(description="What does not come back, in sentences.")]


class RestoredClient(RestoredBot, frozen=True, kw_only=True, rename="camel"):
    client_secret: ClientSecretText | None


async def restore_client_asked(call: Call) -> Response:
    fields = Fields(RestoreClientRequest, call.content_type, call.body)
    stream = stream_asked(call)
    asked, position = await _asked(call, fields)
    wish = Wish(
        by=call.caller.holder,
        as_of=position,
        meta=call.meta,
        dry=asked.dry_run,
        keep_secrets=asked.keep_secrets,
        only_at=if_match.versions(call),
    )
    done = await restore_client(call.resources.ledger, stream, wish)
    answer = RestoredClient(
        as_of=as_text(position),
        dry_run=asked.dry_run,
        changes=difference(done.before and of_client(done.before), done.after and of_client(done.after)),
        not_restored=list(done.left),
        client_secret=done.secret and done.secret.reveal(),
    )
    return answered(answer, headers=_headers(done))


async def restore_bot_asked(call: Call) -> Response:
    fields = Fields(RestoreBotRequest, call.content_type, call.body)
    stream = bot_stream(call.request.path_params["bot_id"])
    if stream is None:
        raise NotFound("You have no bot with this id.")
    asked, position = await _asked(call, fields)
    wish = Wish(
        by=call.caller.holder, as_of=position, meta=call.meta, dry=asked.dry_run, only_at=if_match.versions(call)
    )
    done = await restore_bot(call.resources.ledger, stream, wish)
    answer = RestoredBot(
        as_of=as_text(position),
        dry_run=asked.dry_run,
        changes=difference(done.before and of_bot(done.before), done.after and of_bot(done.after)),
        not_restored=list(done.left),
    )
    return answered(answer, headers=_headers(done))


async def _asked(call: Call, fields: Fields[Asked]) -> tuple[Asked, int]:
    """Return the request, and the position that its moment stands for. Raises Invalid."""
    position: int | str = 0
    text = fields.good("asOf")
    if text is not None:
        try:
            position = await as_of.position_or_fault(call, moment_of(text))
        except NoMoment as fault:
            position = str(fault)
    if isinstance(position, str):
        fields.fault("asOf", position)
        position = 0
    return fields.done(), position


def _headers(done: Restored[Any]) -> dict[str, str]:
    return as_of.headers(done.position)
