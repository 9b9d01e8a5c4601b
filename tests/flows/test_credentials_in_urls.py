"""What a reader types as the value of a filter, be it a secret or an e-mail address, is kept nowhere: in no event, no line, no span."""

import logging
import re
from collections.abc import AsyncIterator
from typing import Any

import pytest
from msgspec import Struct

from events.database import connected
from service.crypto import opaque_tokens
from service.crypto.credentials import new_id, new_secret
from service.openapi.document import document
from service.tracing.variables import Traces
from tests.flows.collector import Collector, collecting
from tests.flows.conftest import Live, new_database, refused, serving
from tests.flows.consoles import console_cookie, paths, places, staff
from tests.flows.test_management_tokens import CLIENTS

MANAGED = ("/api/v1/", "/log/proof", "/log/tile")
OTHERS = {
    "version": "1",
    "index": "1",
    "position": "1",
    "tile": "entries/000",
    "origin": "op.example",
    "size": "1",
    "kid": "k",
}
FILTERS = ("q", "owner", "actor", "user", "client", "id", "since", "at", "subject", "key", "email")
"""What pages of the console are filtered by."""


class Observed(Struct, frozen=True):
    """A service, and all that it writes down."""

    live: Live
    lines: list[str]
    collector: Collector

    async def written(self) -> str:
        """Everything, once the service has sent the spans of a last request."""
        last = await self.live.http.post(CLIENTS, json={"m2m": "neither"}, headers=self.live.bearer)
        await self.collector.trace(last.json()["traceId"])
        async with connected(self.live.database) as connection:
            events = await connection.fetch(
                "select convert_from(data, 'UTF8'), convert_from(meta, 'UTF8') from log.events"
            )
        spans = [body.decode("latin-1") for body in self.collector.bodies]
        return "\n".join([*(text for row in events for text in row), *self.lines, *spans])


class Lines(logging.Handler):
    def __init__(self) -> None:
        super().__init__(logging.DEBUG)
        self.lines: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.lines.append(f"{self.format(record)} {record.__dict__}")


@pytest.fixture
async def observed(postgres: str, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Observed]:
    handler, log = Lines(), logging.getLogger("muniment")
    level = log.level
    log.addHandler(handler)
    log.setLevel(logging.DEBUG)
    with collecting() as collector:
        monkeypatch.setenv("OTEL_BSP_SCHEDULE_DELAY", "20")
        monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", collector.url)
        database = await new_database(postgres)
        async with serving(
            database, traces=Traces(ratio=1.0), access_log=True, rate_limit=0, failed_auth_limit=0
        ) as live:
            yield Observed(live, handler.lines, collector)
    log.removeHandler(handler)
    log.setLevel(level)


def reads(known: dict[str, str]) -> list[tuple[str, str]]:
    """Each query parameter of each read of the management API, beside its path. The streams have no end, and the same filters."""
    found: list[tuple[str, str]] = []
    for path, item in document("https://op.example")["paths"].items():
        if "get" in item and path.startswith(MANAGED) and not path.endswith("/stream"):
            filled = re.sub(r"\{(\w+)\}", lambda each: known.get(each[1], "none"), path)
            names = [each["name"] for each in item["get"].get("parameters", ()) if each["in"] == "query"]
            found += [(filled, name) for name in [*names, "unknown"]]
    return found


async def test_neither_a_secret_nor_an_address_in_a_query_is_written_down_anywhere(observed: Observed):
    live = observed.live
    known = {**OTHERS, **await places(live)}
    known |= {re.sub(r"_(\w)", lambda each: each[1].upper(), name): value for name, value in known.items()}
    secret, address = new_secret().reveal(), f"{new_id()}@example.com"
    for path, name in reads(known):
        told = await live.http.get(path, params={name: secret}, headers=live.bearer)
        assert "a secret, a code or a token in the URL" in refused(told, 400)["detail"], (path, name)
        past = {} if name == "as_of" else {"as_of": "position:9"}
        for query in ({name: address}, {name: address, **past}, {name: secret[7:]}, {name: secret[7:], **past}):
            answer = await live.http.get(path, params=query, headers=live.bearer)
            assert answer.status_code < 500, (path, query)
    for body in (
        {"id": address, "dryRun": True},
        {"id": secret, "dryRun": True},
        {address: 1},
        {"denyScopes": [address]},
    ):
        for path in ("revocations", "rehearsals"):
            await live.http.post(f"/api/v1/audit/{path}", json=body, headers=live.bearer)
    written = await observed.written()
    assert "/api/v1/audit/blast-radius" in written
    assert [text for text in (secret, secret[7:], address) if text in written] == []


async def test_no_page_of_the_console_writes_down_what_is_in_its_address(observed: Observed):
    live = observed.live
    known = await places(live)
    secret, address = new_secret().reveal(), f"{new_id()}@example.com"
    async with staff(live, "operator") as somebody:
        for path in paths(known):
            refusal = await somebody.look(f"{path}?id={secret}")
            assert (refusal.status, "There is a secret or a token in the address" in refusal.text) == (400, True), path
            assert secret not in refusal.text
            page = await somebody.look(path)
            known_here = [name for name in FILTERS if re.search(rf'name="{name}"|[?;]{name}=', page.text)]
            for names in (FILTERS, *([name] for name in known_here)):
                page = await somebody.look(f"{path}?{'&'.join(f'{name}={address}' for name in names)}")
                assert page.status < 500, (path, names)
        somebody.browser.http.cookies.delete(console_cookie(live))
        signed_out = await somebody.browser.http.get(f"/console/audit?actor={secret}")
        assert signed_out.status_code == 400
    written = await observed.written()
    assert [text for text in (secret, address) if text in written] == []


@pytest.mark.parametrize("kind", ["secret", "code", "refresh", "jwt"])
async def test_a_credential_in_a_path_or_a_reason_is_refused_unrecorded(observed: Observed, kind: str):
    live = observed.live
    made: dict[str, Any] = {
        "secret": new_secret().reveal(),
        "code": opaque_tokens.make(opaque_tokens.CODE, new_id()).reveal(),
        "refresh": opaque_tokens.make(opaque_tokens.REFRESH_TOKEN, new_id()).reveal(),
        "jwt": live.token,
    }
    text = made[kind]
    refused(await live.http.get(f"{CLIENTS}/{text}/history", headers=live.bearer), 400)
    client, _ = await live.register()
    reason = {**live.bearer, "Muniment-Reason": f"leaked: {text}"}
    told = refused(await live.http.post(f"{CLIENTS}/{client}/disable", headers=reason), 400)
    assert "contains a secret or a token" in str(told["errors"])
    weak = await live.caller("of-a-weak-caller", "clients:write")
    for caller in (live.bearer, weak):
        for body in ({"displayName": text}, {"scopes": [text]}, {"botUserId": text}):
            asked = {"m2m": True, "botUserId": "bot-abc123", **body}
            told = refused(await live.http.post(CLIENTS, json=asked, headers=caller), 400)
            assert "contains a secret or a token" in str(told["errors"])
    assert text not in await observed.written()
