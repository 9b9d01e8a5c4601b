"""How a crowd comes to be: by the service's own commands, and in a ceiling program by what it knows at start."""

import asyncio
from uuid import UUID

import httpx
from msgspec import json

from events.consent import stream_of as consent_of
from service.clock import utc_now
from service.commands.consent import GiveConsent
from service.commands.handle import CONSENT, USER, handle
from service.commands.user import GiveRole
from service.configuration.settings import read_settings
from service.resources import Resources, open_resources
from service.values.profile import Profile
from service.values.scopes import ACRS
from tests.bench.ceiling import known
from tests.bench.crowds import A_GROUP, CALLBACK, OFFLINE, Crowd
from tests.bench.load import Exchange, closed_loop
from tests.bench.peers import MASTER_KEY, META, Peer, Registered, registration, settings_of

PEOPLE = 10

PASSWORD = "a battery, correctly stapled"
CLIENTS = "/api/v1/auth/clients"


def of_ceiling(peer: Peer) -> Crowd:
    cookies = [f"Cookie: {known.COOKIE}={known.session(number)}" for number in range(known.SESSIONS)]
    client, es256_client = known.credentials(known.BY_RS256), known.credentials(known.BY_ES256)
    past = f"{CLIENTS}/{client[0]}?as_of=position:{known.POSITION}"
    return Crowd(
        peer.server,
        client=client,
        es256_client=es256_client,
        cookies=cookies,
        staff=cookies[0],
        bearer=known.BEARER,
        past=past,
    )


def of_service(peer: Peer, url: str) -> Crowd:
    return asyncio.run(_of_service(peer, url))


def email(number: int) -> str:
    return f"ada{number}@example.com"


async def _of_service(peer: Peer, url: str) -> Crowd:
    client, es256_client = _application(peer, "RS256"), _application(peer, "ES256")
    settings = read_settings(settings_of(url, peer.server.address[1]))
    async with open_resources(settings, url, MASTER_KEY) as beside:
        people = [await _person(beside, number, client[0], es256_client[0]) for number in range(PEOPLE)]
        made = [people[number % PEOPLE] for number in range(known.SESSIONS)]
        values = [
            value
            for first in range(0, known.SESSIONS, A_GROUP)  # more at once are refused
            for value in await asyncio.gather(
                *(beside.sessions.start(user, ("pwd",), ACRS[0], None) for user in made[first : first + A_GROUP])
            )
        ]
        cookies = [f"{beside.sessions.cookie}={value}" for value in values]
        await handle(beside.ledger, USER, people[0], GiveRole(role="operator", at=utc_now()), META)
        await beside.lookup.be_certain()
        past = f"{CLIENTS}/{peer.credentials[0][0]}?as_of=position:{beside.lookup.position}"
        return Crowd(
            peer.server,
            client=client,
            es256_client=es256_client,
            cookies=[f"Cookie: {cookie}" for cookie in cookies],
            staff=f"Cookie: {await _at_console(peer, beside.sessions.cookie, values[0])}",
            bearer=peer.bearer,
            past=past,
        )


def _application(peer: Peer, alg: str) -> tuple[str, str]:
    """Its id and secret: one in which people sign in, with ID tokens that are signed so."""
    bodies: list[bytes] = []
    body = registration(peer.bearer, m2m=False, botUserId=None, redirectUri=CALLBACK, idTokenSignedResponseAlg=alg)
    closed_loop(peer.server, Exchange(iter([body]), 201, len, keep=bodies), seconds=60, connections=1)
    made = json.decode(bodies[0], type=Registered)
    return made.client_id, made.client_secret


async def _person(beside: Resources, number: int, *client_ids: str) -> UUID:
    """Somebody with an account, who has consented to what the applications ask for."""
    profile = Profile(email=email(number), name="Ada Lovelace", given_name="Ada", family_name="Lovelace")
    user = await beside.people.register(profile, PASSWORD, META, verified=True)
    scopes = tuple(OFFLINE.split())
    for client_id in client_ids:
        command = GiveConsent(user=user, client_id=client_id, resource=None, scopes=scopes, at=utc_now())
        await handle(beside.ledger, CONSENT, consent_of(user, client_id, None), command, META)
    return user


async def _at_console(peer: Peer, name: str, session: str) -> str:
    """All cookies of a browser that has opened the console."""
    host, port = peer.server.address
    async with httpx.AsyncClient(base_url=f"http://{host}:{port}", cookies={name: session}, timeout=60) as browser:
        await browser.get("/console", headers={"Accept": "text/html"}, follow_redirects=True)
        return "; ".join(f"{each.name}={each.value}" for each in browser.cookies.jar)
