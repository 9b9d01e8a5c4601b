"""OpenID Connect Back-Channel Logout 1.0: clients with a URI for it hear of the end of a session."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from urllib.parse import parse_qs
from uuid import UUID

import jwt
import pytest
from msgspec import Struct

from events.codec import Event
from events.database import read
from events.replay import history
from events.session import SessionClientNotified, SessionClientNotReached
from projections import sessions
from service.clock import utc_now
from service.commands.handle import SESSION, handle
from service.commands.session import EndSession, StartSession
from service.crypto.credentials import new_id
from service.reactions import backchannel_delivery
from service.reactions.backchannel_logout import EVENT, Deliverer
from service.resources import Resources, open_resources
from tests.flows.conftest import MASTER_KEY, META, Live, settings_for
from tests.patience import PATIENCE

REDIRECT = b"HTTP/1.1 302 Found\r\nLocation: http://127.0.0.1:1/\r\nContent-Length: 0\r\n\r\n"
GOOD = b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"
EMPTY = b"HTTP/1.1 204 No Content\r\n\r\n"
BROKEN = b"HTTP/1.1 503 Service Unavailable\r\nContent-Length: 3\r\n\r\nno!"


class Client:
    """A client's end of the back channel: it answers what it is told to, each once, and then 200; None is never."""

    def __init__(self, *answers: bytes | None) -> None:
        self.answers = list(answers)
        self.heads: list[bytes] = []
        self.tokens: list[str] = []
        self.over = asyncio.Event()

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = await reader.readuntil(b"\r\n\r\n")
        length = int(head.lower().split(b"content-length: ")[1].split(b"\r\n")[0])
        form = parse_qs((await reader.readexactly(length)).decode(), strict_parsing=True)
        answer = self.answers.pop(0) if self.answers else GOOD
        if answer is None:
            await self.over.wait()
        else:
            self.heads.append(head)
            self.tokens += form.pop("logout_token")
            assert not form
            writer.write(answer)
            await writer.drain()
        writer.close()


@asynccontextmanager
async def listening(client: Client) -> AsyncGenerator[str]:
    server = await asyncio.start_server(client.serve, "127.0.0.1", 0)
    try:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/logged-out?x=1"
    finally:
        server.close()


@pytest.fixture(scope="module")
async def resources(live: Live) -> AsyncIterator[Resources]:
    async with open_resources(settings_for(live.database, live.url), live.database, MASTER_KEY) as resources:
        yield resources


class Ended(Struct, frozen=True):
    session: UUID
    user: UUID


async def ended(resources: Resources, *client_ids: str) -> Ended:
    """A session that is over, of which these clients are to be told."""
    session, user, at = new_id(), new_id(), utc_now()
    start = StartSession(
        user=user, token_hash="", amr=("pwd",), acr="1", device=None, at=at, expires_at=at + timedelta(hours=1)
    )
    await handle(resources.ledger, SESSION, session, start, META)
    await handle(resources.ledger, SESSION, session, EndSession(why="signed_out", notify=client_ids, at=at), META)
    return Ended(session, user)


async def all_told(resources: Resources, session: UUID) -> list[Event]:
    """What happened to the session, once nobody is to be told of its end any more."""
    async with asyncio.timeout(PATIENCE):
        while True:
            row = await read(resources.ledger.pool, lambda c: sessions.find(c, session))
            if row and not row.notify:
                past = await read(resources.ledger.pool, lambda c: history(c, session))
                return [each.event for each in past]
            await asyncio.sleep(0.02)


async def test_a_client_is_told_by_a_token_that_somebody_else_s_library_verifies(live: Live, resources: Resources):
    rsa, ec = Client(EMPTY), Client(GOOD)
    async with listening(rsa) as one, listening(ec) as other:
        by_rsa, _ = await live.interactive(backchannelLogoutUri=one)
        by_ec, _ = await live.interactive(backchannelLogoutUri=other, idTokenSignedResponseAlg="ES256")
        over = await ended(resources, by_rsa, by_ec)
        events = await all_told(resources, over.session)
    assert {e.client_id for e in events if isinstance(e, SessionClientNotified)} == {by_rsa, by_ec}
    jwks = jwt.PyJWKSet.from_dict((await live.http.get("/openid/jwks")).json())
    for client, client_id, alg in ((rsa, by_rsa, "RS256"), (ec, by_ec, "ES256")):
        (head,), (token,) = client.heads, client.tokens
        assert head.startswith(b"POST /logged-out?x=1 HTTP/1.1\r\n")
        assert b"content-type: application/x-www-form-urlencoded\r\n" in head.lower()
        header = jwt.get_unverified_header(token)
        assert (header["typ"], header["alg"]) == ("logout+jwt", alg)
        claims = jwt.decode(token, jwks[header["kid"]], algorithms=[alg], audience=client_id, issuer=live.url)
        assert set(claims) == {"iss", "sub", "aud", "iat", "exp", "jti", "sid", "events"}
        assert (claims["sub"], claims["sid"]) == (str(over.user), str(over.session))
        assert claims["events"] == {EVENT: {}}
        assert claims["exp"] - claims["iat"] == 120


async def test_a_client_that_fails_or_redirects_is_told_again(live: Live, resources: Resources):
    failing, redirecting = Client(BROKEN), Client(REDIRECT)
    async with listening(failing) as one, listening(redirecting) as other:
        client_ids = [(await live.interactive(backchannelLogoutUri=uri))[0] for uri in (one, other)]
        over = await ended(resources, *client_ids)
        events = await all_told(resources, over.session)
    assert {e.client_id for e in events if isinstance(e, SessionClientNotified)} == set(client_ids)
    for client in (failing, redirecting):
        assert len(client.tokens) == 2
        assert len({jwt.decode(token, options={"verify_signature": False})["jti"] for token in client.tokens}) == 2


async def test_a_client_that_wants_to_hear_no_more_is_given_up_at_once(live: Live, resources: Resources):
    silent, _ = await live.interactive()
    gone, _ = await live.interactive(backchannelLogoutUri="http://127.0.0.1:1/")
    await live.http.delete(f"/api/v1/auth/clients/{gone}", headers=live.bearer)
    over = await ended(resources, silent, gone)
    events = await all_told(resources, over.session)
    given_up = {e.client_id: e.why for e in events if isinstance(e, SessionClientNotReached)}
    assert given_up == dict.fromkeys((silent, gone), "the client no longer wants to be notified")


async def test_a_client_that_never_answers_holds_up_nobody_else(
    live: Live, resources: Resources, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(
        backchannel_delivery, "TIMEOUT_SECONDS", 10 * PATIENCE
    )  # nobody is told after the slow one, only beside it
    slow, quick = Client(*[None] * 20), Client()
    async with listening(slow) as one, listening(quick) as other:
        slow_id, _ = await live.interactive(backchannelLogoutUri=one)
        quick_id, _ = await live.interactive(backchannelLogoutUri=other)
        for _ in range(12):
            await ended(resources, slow_id)
        over = [await ended(resources, quick_id) for _ in range(4)]
        for each in over:
            await all_told(resources, each.session)
        await live.http.delete(f"/api/v1/auth/clients/{slow_id}", headers=live.bearer)
        slow.over.set()
    assert len(quick.tokens) == 4


async def test_one_process_delivers_and_the_others_look_on(live: Live, resources: Resources):
    another = Deliverer(resources.ledger, resources.ring, live.url, live.database)
    client = Client()
    try:
        async with listening(client) as uri:
            client_id, _ = await live.interactive(backchannelLogoutUri=uri)
            over = await ended(resources, client_id)
            await another.look()
            await all_told(resources, over.session)
            await another.look()
    finally:
        await another.close()
    assert len(client.tokens) == 1
