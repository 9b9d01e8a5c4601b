"""Finds the event that another one will follow from, for a consequence that a killed process left undone."""

from uuid import UUID

from events.database import AnyConnection
from projections import authorizations

_LAST = """
select e.position from ({sources}) as source (stream_id) cross join lateral
  (select position from log.events where stream_id = source.stream_id and type = any($2::text[]) order by version desc limit 1) as e
"""
OF_USER = _LAST.format(
    sources="select user_id from read.sessions where stream_id = $1 union all select user_id from read.authorizations where stream_id = $1"
)
OF_SESSION = _LAST.format(sources="select session_id from read.authorizations where stream_id = $1")
OF_CLIENT = _LAST.format(sources="select client from read.authorizations where stream_id = $1")
OF_CONSENT = _LAST.format(
    sources=f"""
select c.stream_id from read.authorizations a join read.consents c on c.user_id = a.user_id
 where a.stream_id = $1 and {authorizations.CONSENTED}"""
)
OF_BOT = _LAST.format(
    sources="select b.stream_id from read.clients c join read.bots b on b.bot_id = c.bot_user_id where c.stream_id = $1"
)


async def of_user(connection: AnyConnection, stream: UUID, *kinds: str) -> int | None:
    """Returns the position of the last event of these types of the user of a session or an authorization."""
    return await connection.fetchval(OF_USER, stream, kinds)


async def of_session(connection: AnyConnection, authorization: UUID) -> int | None:
    """Returns the position of the end of the session in which the authorization was granted."""
    return await connection.fetchval(OF_SESSION, authorization, ("session.ended",))


async def of_consent(connection: AnyConnection, authorization: UUID) -> int | None:
    """Returns the position of the withdrawal of the consent from which the authorization was granted."""
    return await connection.fetchval(OF_CONSENT, authorization, ("consent.withdrawn",))


async def of_client(connection: AnyConnection, authorization: UUID) -> int | None:
    """Returns the position of the last deletion of the client to which the authorization was granted."""
    return await connection.fetchval(OF_CLIENT, authorization, ("client.deleted",))


async def of_bot(connection: AnyConnection, client: UUID) -> int | None:
    """Returns the position of the deletion of the client's bot."""
    return await connection.fetchval(OF_BOT, client, ("bot.deleted",))
