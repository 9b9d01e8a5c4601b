"""The console's list of clients, as one writes it by hand: one statement, and one template without macros, languages or other pages."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from hashlib import sha256
from hmac import digest
from pathlib import Path
from typing import Any
from uuid import UUID

from babel.dates import format_timedelta
from jinja2 import Environment
from markupsafe import Markup
from msgspec import Struct, json

from tests.bench.ceiling.known import COOKIE
from tests.bench.ceiling.program import Program
from tests.bench.ceiling.requests import HTML, Answer, Asked, Refused, cookie_of

KEY = b"k" * 32
SECOND, NEAR = timedelta(seconds=1), timedelta(days=1)


class Secret(Struct, frozen=True):
    created_at: datetime
    expires_at: datetime | None = None


class Person(Struct, frozen=True):
    name: str


class Client(Struct, frozen=True):
    client_id: str
    display_name: str | None
    state: str
    scopes: list[str]
    owner: str
    bot_user_id: str
    created: datetime
    used: datetime | None
    tokens: int
    oldest: datetime | None
    expiry: datetime | None


_secrets = json.Decoder(list[Secret]).decode
_person = json.Decoder(Person).decode


async def client_list(program: Program, asked: Asked) -> Answer:
    session, proof = cookie_of(asked, COOKIE).split(".")
    rows = await program.client_list(UUID(session), sha256(proof.encode()).digest())
    if not rows:
        raise Refused(401)
    now = datetime.now(UTC)
    csrf = f"{session}{session}.{digest(KEY, session.encode(), 'sha256').hex()}"
    person = _visible(_person(rows[0][-1]).name)
    clients = [_client(row, now) for row in rows]
    page = LIST.render(clients=clients, person=person, csrf=csrf, last=clients[-1].client_id[-32:])
    return Answer(page.encode(), 200, HTML)


def _client(row: Sequence[Any], now: datetime) -> Client:
    name, shown, state, scopes, owner, named, bot, created, used, tokens, stored, _ = row
    live = [each for each in _secrets(stored) if each.expires_at is None or each.expires_at > now]
    return Client(
        client_id=name,
        display_name=_visible(shown or ""),
        state=state,
        scopes=scopes,
        owner=_visible(named or owner),
        bot_user_id=_visible(bot),
        created=created,
        used=used,
        tokens=sum(tokens or ()),
        oldest=min([each.created_at for each in live], default=None),
        expiry=min([each.expires_at for each in live if each.expires_at], default=None),
    )


def _visible(text: str) -> str:
    return text if text.isprintable() else text.encode("unicode_escape").decode()


def _when(at: datetime) -> Markup:
    since = at - datetime.now(UTC)
    return _time(at, _words(since // SECOND) if abs(since) < NEAR else f"{at:%d %b %Y}")


@lru_cache
def _words(seconds: int) -> str:
    return (
        "just now"
        if -60 < seconds <= 0
        else format_timedelta(timedelta(seconds=seconds), add_direction=True, locale="en")
    )


@lru_cache(maxsize=4096)
def _time(at: datetime, shown: str) -> Markup:
    exact = f"{at:%Y-%m-%dT%H:%M:%SZ}"
    return Markup('<time datetime="{}" title="{}">{}</time>').format(exact, f"{at:%d %b %Y, %H:%M:%S} UTC", shown)


def _template() -> Any:
    environment = Environment(autoescape=True, trim_blocks=True, auto_reload=False)
    environment.filters["when"] = _when
    return environment.from_string(Path(__file__).with_name("console.html").read_text())


LIST = _template()
