"""How issued tokens are found: the filter that finds the fewest leads, by its index, and the others are conditions.

A request reads at most MOST_READ tokens, or looks up those that MOST_NAMED events name (more only if these happened within seconds). If
these are not enough for a page, the page is short, or empty, and its next one goes on behind them.
"""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from uuid import UUID

from events import exchange, issued_token_lists, issued_tokens
from events.authorization import NAMING, token_named
from events.client import ClientCredentials, ClientRegistered
from events.codec import Recorded, tags
from events.database import AnyConnection
from events.exchange import TokenExchanged
from events.extent import Extent
from events.issued_token_lists import Conditions, Part
from events.replay import histories, history
from events.secrets_given import credentials_given
from projections import as_of, audit_events, signing_keys
from projections.audit_events import Wanted
from service.endpoints.audit import DAWN, END
from service.endpoints.audit_query import Page, uuid
from service.endpoints.moments import Moment

MOST_READ = 100_000
MOST_NAMED = 1000
MOST_CLIENTS = 1000
"""The clients of a bot whose tokens are found: the latest."""

USUALLY_APART, APART = timedelta(seconds=1), timedelta(seconds=10)
"""A token and the event that names it are recorded one after the other, never further apart than this."""

A_MINUTE = timedelta(minutes=1)
NAMING_TYPES = tuple(sorted(tags(NAMING)))


def needs_the_feed(conditions: Conditions) -> bool:
    """Return whether the tokens may be found by the index of the audit feed, which is behind the log."""
    return (conditions.user, conditions.bot, conditions.subject) != (None, None, None)


async def tokens(connection: AnyConnection, jti: UUID | None, wanted: Conditions, page: Page) -> Part:
    """Return the tokens of a page and one more, if there are enough, in the order of its extent."""
    extent = await _extent(connection, page)
    if wanted.key is not None:
        extent = await _within(connection, wanted.key, extent)
    if jti is not None:
        made = (
            {jti: issued_tokens.made_at(jti)}
            if jti.version == 7 and await _is_of_its_subject(connection, jti, wanted)
            else {}
        )
        return Part(await issued_token_lists.of_ids(connection, made, issued_tokens.WINDOWS, extent, wanted))
    if (wanted.subject_token, wanted.authorization, wanted.user) != (None, None, None):
        return await _named(connection, wanted, extent)
    if wanted.secret is not None or wanted.client is not None or wanted.bot is not None:
        return await _of_secrets(connection, wanted, extent)
    if wanted.subject is not None:
        return await _of_subject(connection, wanted.subject, wanted, extent)
    return await issued_token_lists.scanned(connection, extent, wanted, most=MOST_READ)


async def _of_secrets(connection: AnyConnection, wanted: Conditions, extent: Extent) -> Part:
    """The secret, the client or the bot leads. Tokens that the client got without a secret are its, too."""
    public = wanted.client if wanted.secret is None else None
    if wanted.secret is not None:
        secrets, others = [wanted.secret], wanted.__replace__(secret=None)
    elif wanted.client is not None:
        secrets, others = await _secrets(connection, [wanted.client]), wanted.__replace__(client=None)
    else:
        secrets, others = await _of_bot(connection, wanted.bot), wanted.__replace__(bot=None)
    return await issued_token_lists.of_secrets(connection, secrets, public, extent, others, most=MOST_READ)


async def _of_subject(connection: AnyConnection, subject: str, wanted: Conditions, extent: Extent) -> Part:
    """The subject of a token is the bot of a machine client, or the user who authorized it."""
    others, user = wanted.__replace__(subject=None), uuid(subject)
    parts = [await _of_secrets(connection, others.__replace__(bot=subject), extent)]
    if user is not None:
        parts.append(await _named(connection, others.__replace__(user=user), extent))
    return issued_token_lists.joined(parts, extent)


async def _named(connection: AnyConnection, wanted: Conditions, extent: Extent) -> Part:
    """Return the tokens that the events of an authorization or a user name."""
    near, most, edge = await _near(connection, extent), MOST_NAMED, None
    while len(named := await _naming(connection, wanted, near.__replace__(limit=most + 1))) > most:
        edge = await _edge(connection, named[most].recorded_at, extent)
        if edge is None or extent.includes(edge):
            break
        most *= 2  # so many events in so little time do not say where a page may end
    else:
        edge = None
    jtis = {jti: past.recorded_at for past in named[:most] if (jti := _token_of(past.event)) is not None}
    rows = await issued_token_lists.of_ids(connection, jtis, (USUALLY_APART, APART), extent, wanted)
    return issued_token_lists.joined([Part(rows, edge)], extent)


async def _naming(connection: AnyConnection, wanted: Conditions, near: Extent) -> list[Recorded]:
    if wanted.subject_token is not None:
        past = await history(connection, exchange.stream_of(wanted.subject_token))
    elif wanted.authorization is not None:
        past = await history(connection, wanted.authorization)
    else:
        return await audit_events.find(connection, Wanted(user_id=wanted.user, types=NAMING_TYPES), near)
    named = [each for each in past if _token_of(each.event) is not None and near.includes(each.position)]
    return (named[::-1] if near.newest_first else named)[: near.limit]


def _token_of(event: object) -> UUID | None:
    """Return the jti of the token that an event of an authorization or an exchange names."""
    return event.jti if isinstance(event, TokenExchanged) else token_named(event)


async def _is_of_its_subject(connection: AnyConnection, jti: UUID, wanted: Conditions) -> bool:
    """Return whether the token was got for the subject token that is asked for, if one is."""
    if wanted.subject_token is None:
        return True
    past = await history(connection, exchange.stream_of(wanted.subject_token))
    return any(_token_of(each.event) == jti for each in past)


async def _near(connection: AnyConnection, extent: Extent) -> Extent:
    """Return where in the event log the events are that name tokens of the extent."""
    first = None if extent.after == 0 else await issued_tokens.time_of(connection, extent.after)
    last = await issued_tokens.time_of(connection, extent.upto + 1)
    after = None if first is None else await as_of.position_of(connection, first - APART)
    upto = None if last is None else await as_of.position_of(connection, last + APART)
    return extent.__replace__(after=after or 0, upto=END if upto is None else upto)


async def _edge(connection: AnyConnection, following: datetime, extent: Extent) -> int | None:
    """Return the last position up to which no token is named by an event from this time on, or None if that is the whole extent."""
    if extent.newest_first:
        edge = await issued_tokens.position_of(connection, following + APART) + 1
        return None if edge <= extent.after + 1 else edge
    edge = await issued_tokens.position_of(connection, following - APART)
    return None if edge >= extent.upto else edge


async def _extent(connection: AnyConnection, page: Page) -> Extent:
    end = await issued_tokens.position_of(connection, datetime.max.replace(tzinfo=UTC))
    after, upto = await _before(connection, page.since), min(end, await _until(connection, page.until))
    return page.extent(after, upto)


async def _before(connection: AnyConnection, since: Moment | None) -> int:
    if isinstance(since, datetime):
        return await issued_tokens.position_of(connection, max(since, DAWN) - timedelta(microseconds=1))
    return 0 if since is None else max(since - 1, 0)


async def _until(connection: AnyConnection, until: Moment | None) -> int:
    if isinstance(until, datetime):
        return await issued_tokens.position_of(connection, until)
    return END if until is None else until


async def _within(connection: AnyConnection, kid: str, extent: Extent) -> Extent:
    """Narrow the extent to the time in which the key signed. Another process may sign with it a moment longer."""
    key = next((row for row in await signing_keys.every(connection) if row.kid == kid), None)
    if key is None or key.activated_at is None:
        return extent.__replace__(upto=extent.after)
    after = max(extent.after, await issued_tokens.position_of(connection, key.activated_at - A_MINUTE))
    if key.retired_at is None:
        return extent.__replace__(after=after)
    upto = min(extent.upto, await issued_tokens.position_of(connection, key.retired_at + A_MINUTE))
    return extent.__replace__(after=after, upto=upto)


async def _secrets(connection: AnyConnection, clients: Sequence[UUID]) -> list[UUID]:
    """Return the ids of all secrets, keys and workload identities that these clients ever had, each once."""
    past = await histories(connection, list(clients))
    return list(dict.fromkeys(id_ for each in past for id_ in credentials_given(each.stream_id, each.event)))


async def _of_bot(connection: AnyConnection, bot: str | None) -> list[UUID]:
    """Return the secrets of the machine clients that act as the bot: every token of theirs has the bot as its `sub`."""
    extent = Extent(after=0, upto=END, limit=MOST_CLIENTS, newest_first=True)
    registered = await audit_events.find(connection, Wanted(bot=bot, types=("client.registered",)), extent)
    clients = [
        past.stream_id
        for past in registered
        if isinstance(past.event, ClientRegistered) and isinstance(past.event.grant, ClientCredentials)
    ]
    return await _secrets(connection, clients)
