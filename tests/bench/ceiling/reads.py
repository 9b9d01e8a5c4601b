"""What operators read: a client as it was, a page of events, and the console's list of clients."""

from base64 import urlsafe_b64decode
from datetime import datetime
from hashlib import sha256
from itertools import count
from typing import Any
from uuid import UUID

from jinja2 import Environment
from msgspec import Raw, Struct, json

from tests.bench.ceiling.known import BEARER, COOKIE
from tests.bench.ceiling.program import Program
from tests.bench.ceiling.requests import HTML, Answer, Asked, Refused, bearer_of, cookie_of, pairs_of

NUMBERS = count()
MOST_NUMBER = 2**31
LIST = Environment(autoescape=True, trim_blocks=True).from_string("""<!doctype html><html lang="en"><meta charset="utf-8">
<title>Clients</title><table>
{% for name, shown, state, scopes, owner, bot, created, secrets in clients %}
<tr><th scope="row"><a href="/console/clients/{{ name }}">{{ shown or "Unnamed client" }}</a><span>{{ name[:20] }}</span>
<span>{% if bot %}Machine · {{ bot }}{% else %}Sign-in{% endif %}</span></th>
<td><span class="state">{{ state }}</span></td><td>{{ scopes|join(", ") }}</td><td><span title="{{ owner }}">{{ owner }}</span></td>
<td>none</td><td><time datetime="{{ created.isoformat() }}">{{ created.strftime("%d %b %Y %H:%M") }}</time></td><td>never</td>
<td><time datetime="{{ created.isoformat() }}">{{ created.strftime("%d %b %Y %H:%M") }}</time></td></tr>
{% endfor %}
</table></html>""")


class Event(Struct, frozen=True, rename="camel"):
    position: int
    recorded_utc: datetime
    stream_id: UUID
    version: int
    type: str
    meta: Raw
    data: Raw


def _is_operator(asked: Asked) -> None:
    """Raises Refused."""
    if bearer_of(asked) != BEARER:
        raise Refused(401)


async def client(program: Program, asked: Asked) -> Answer:
    """As of a position."""
    _is_operator(asked)
    position = int(pairs_of(asked.query)["as_of"].removeprefix("position:"))
    number = next(NUMBERS) % MOST_NUMBER
    row = (await program.as_of(number, UUID(asked.path[-32:]), position)).get(number)
    if row is None:
        raise Refused(404)
    return Answer(json.encode(json.decode(row[1], type=dict[str, Any])))


async def events(program: Program, asked: Asked) -> Answer:
    _is_operator(asked)
    cursor = pairs_of(asked.query).get("cursor") if asked.query else None
    rows = await program.events(int(urlsafe_b64decode(cursor)) if cursor else 0)
    return Answer(json.encode([_event(*row) for row in rows]))


def _event(position: int, at: datetime, stream: UUID, version: int, kind: str, meta: bytes, data: bytes) -> Event:  # noqa: PLR0917 - a row
    return Event(position, at, stream, version, kind, Raw(meta), Raw(data))


async def client_list(program: Program, asked: Asked) -> Answer:
    session, proof = cookie_of(asked, COOKIE).split(".")
    rows = await program.client_list(UUID(session), sha256(proof.encode()).digest())
    if not rows:
        raise Refused(401)
    return Answer(LIST.render(clients=rows).encode(), 200, HTML)
