"""/api/v1/audit/events: what happened, by any filter, in pages, in three formats; of a secret only its hint."""

import csv
import io
import json
from typing import Any
from uuid import uuid4

import httpx
import pytest

from events.ids import client_stream
from tests.flows.conftest import Live, refused
from tests.flows.test_management_tokens import CLIENTS

EVENTS = "/api/v1/audit/events"


@pytest.fixture(scope="module")
async def auditor(live: Live) -> dict[str, str]:
    return await live.caller("ines", "audit:read")


@pytest.fixture(scope="module")
async def life(live: Live, auditor: dict[str, str]) -> dict[str, Any]:
    """A client that was registered for a bot of its own, renamed, and disabled; and the headers of a read that waits for all of that."""
    owner = await live.caller("frida", "clients:write", "clients:read", "api:public")
    body = {"m2m": True, "botUserId": "bot-of-frida", "displayName": "=1+1"}
    made = await live.http.post(CLIENTS, json=body, headers=owner)
    path = made.headers["location"]
    await live.http.patch(path, json={"displayName": "after"}, headers={**owner, "If-Match": "*"})
    last = await live.http.post(f"{path}/disable", headers=owner)
    return {
        "client": made.json()["clientId"],
        "secret": made.json()["clientSecret"],
        "requests": [made.headers["x-request-id"], last.headers["x-request-id"]],
        "position": int(last.headers["muniment-position"]),
        "headers": {**auditor, "Muniment-Min-Position": last.headers["muniment-position"]},
    }


async def read(live: Live, life: dict[str, Any], **query: str) -> httpx.Response:
    answer = await live.http.get(EVENTS, params=query, headers=life["headers"])
    assert answer.status_code == 200, answer.text
    return answer


TYPES = ["client.registered", "client.display_name_changed", "client.disabled"]


async def test_what_happened_to_a_client_is_told_with_who_did_it_and_what_the_event_says(live: Live, life: Any):
    answer = await read(live, life, client=life["client"], order="oldest")
    assert int(answer.headers["muniment-position"]) >= life["position"]
    assert [event["type"] for event in answer.json()] == TYPES
    last = answer.json()[-1]
    assert last["position"] == life["position"]
    assert last["actor"]["by"] == "client"
    assert last["actor"]["sub"] == "frida"
    assert last["actor"]["clientId"].startswith("oauth_client_")
    assert (last["subject"], last["version"], last["address"]) == (life["client"], 3, "127.0.0.1")
    assert last["requestId"] == life["requests"][1]
    assert last["data"] == {}
    assert answer.json()[1]["data"] == {"display_name": "after", "was": "=1+1"}


async def test_of_a_secret_there_is_the_hint_and_nothing_else(live: Live, life: Any):
    answer = await read(live, life, client=life["client"], type="client.registered")
    (event,) = answer.json()
    assert event["data"]["secret"]["hint"].endswith(life["secret"][-4:])
    assert not {"hash", "imported"} & set(event["data"]["secret"])
    assert life["secret"] not in answer.text


async def test_each_filter_finds_the_client_s_events(live: Live, life: Any):
    (registered, _, disabled) = (await read(live, life, client=life["client"], order="oldest")).json()
    for query, expected in (
        ({"bot": "bot-of-frida"}, TYPES),
        ({"stream": str(client_stream(life["client"]))}, TYPES),
        ({"actor": "frida"}, TYPES),
        ({"actor": registered["actor"]["clientId"]}, TYPES),
        ({"actor": "frida", "type": "client.disabled,client.registered"}, [TYPES[0], TYPES[2]]),
        ({"actor": "frida", "type": "client"}, TYPES),
        ({"actor": "frida", "type": "bot"}, []),
        ({"actor": "frida", "without": "client.disabled,audit"}, TYPES[:2]),
        ({"actor": "frida", "type": "client", "without": "client.disabled"}, TYPES[:2]),
        ({"request": life["requests"][0]}, TYPES[:1]),
        ({"actor": "frida", "address": "127.0.0.1"}, TYPES),
        ({"actor": "frida", "address": "192.0.2.1"}, []),
        ({"actor": "frida", "user": str(uuid4())}, []),
        ({"actor": "frida", "since": f"position:{disabled['position']}"}, TYPES[2:]),
        ({"actor": "frida", "until": f"position:{registered['position']}"}, TYPES[:1]),
        ({"actor": "frida", "since": disabled["recordedAt"]}, TYPES[2:]),
        ({"actor": "frida", "until": registered["recordedAt"]}, TYPES[:1]),
        ({"actor": "frida", "since": registered["recordedAt"][:10], "until": disabled["recordedAt"][:10]}, TYPES),
        ({"client": str(client_stream(life["client"]))}, TYPES),
        ({"actor": "frida", "since": f"position:{life['position'] + 1}"}, []),
        ({"actor": "frida", "until": "9999-12-31"}, TYPES),
        ({"actor": "frida", "until": "0001-01-01"}, []),
        ({"actor": "frida", "since": "0001-01-01T00:00:00Z"}, TYPES),
    ):
        answer = await read(live, life, order="oldest", **query)
        assert [event["type"] for event in answer.json()] == expected, query


async def test_pages_have_every_event_once_in_either_order(live: Live, life: Any):
    for order in ("newest", "oldest"):
        answer = await read(live, life, client=life["client"], order=order, limit="1")
        positions = [event["position"] for event in answer.json()]
        while "next" in answer.links:
            assert answer.links["next"]["url"].startswith(live.url)
            answer = await live.http.get(answer.links["next"]["url"], headers=life["headers"])
            positions += [event["position"] for event in answer.json()]
        assert len(positions) == 3
        back = [answer.json()[0]["position"]]
        while "prev" in answer.links:
            answer = await live.http.get(answer.links["prev"]["url"], headers=life["headers"])
            back += [event["position"] for event in answer.json()]
        assert back == positions[::-1]
        assert positions == sorted(positions, reverse=order == "newest")


async def test_accept_chooses_json_a_line_each_or_a_spreadsheet_that_computes_nothing(live: Live, life: Any):
    query = {"client": life["client"], "order": "oldest"}
    events = (await read(live, life, **query)).json()
    lines = await live.http.get(EVENTS, params=query, headers={**life["headers"], "Accept": "application/x-ndjson"})
    assert lines.headers["content-type"] == "application/x-ndjson"
    assert [json.loads(line) for line in lines.text.splitlines()] == events
    table = await live.http.get(EVENTS, params=query, headers={**life["headers"], "Accept": "text/csv"})
    assert table.headers["content-type"].startswith("text/csv")
    rows = list(csv.DictReader(io.StringIO(table.text)))
    assert [int(row["position"]) for row in rows] == [event["position"] for event in events]
    assert [json.loads(row["data"]) for row in rows] == [event["data"] for event in events]
    assert rows[0]["recordedAt"] == events[0]["recordedAt"]
    assert rows[0]["actor"] == f"{events[0]['actor']['clientId']} frida"
    none = await live.http.get(EVENTS, params=query, headers={**life["headers"], "Accept": "text/html"})
    assert "text/csv" in refused(none, 406)["detail"]


async def test_a_spreadsheet_computes_nothing_that_a_stranger_chose(live: Live, life: Any):
    evil = await live.caller("=HYPERLINK(1)", "clients:write", "api:public")
    made = await live.http.post(CLIENTS, json={"m2m": True, "botUserId": "b"}, headers=evil)
    headers = {**life["headers"], "Accept": "text/csv", "Muniment-Min-Position": made.headers["muniment-position"]}
    table = await live.http.get(EVENTS, params={"actor": "=HYPERLINK(1)"}, headers=headers)
    (row,) = csv.DictReader(io.StringIO(table.text))
    assert row["actor"].endswith("=HYPERLINK(1)")
    assert not row["actor"].startswith("=")


async def test_what_cannot_be_right_is_refused_instead_of_finding_nothing(live: Live, auditor: dict[str, str]):
    wrong = [
        *[("address", text) for text in ("now", "127.0.0.1/8", "localhost", "\ufffd", "")],
        *[(name, text) for name in ("actor", "bot") for text in ("", " ")],
        *[("client", text) for text in ("x", "", str(uuid4()))],
        *[("request", text) for text in ("x", "")],
        *[("since", text) for text in ("2999-01-01", "2999-01-01T00:00:00Z", "position:999999")],
    ]
    for name, text in wrong:
        answer = await live.http.get(EVENTS, params={name: text}, headers=auditor)
        assert set(refused(answer, 400)["errors"]) == {name}, (name, text)
    right = {"address": "2001:DB8:0::1", "until": "2999-01-01"}
    assert (await live.http.get(EVENTS, params=right, headers=auditor)).json() == []
    for name, text in (
        ("since", "2999-01-01"),
        ("since", "position:999999"),
        ("client", "x"),
        ("key", ""),
        ("subject", ""),
    ):
        answer = await live.http.get("/api/v1/audit/tokens", params={name: text}, headers=auditor)
        assert set(refused(answer, 400)["errors"]) == {name}, (name, text)


async def test_every_fault_of_a_query_is_named_at_once(live: Live, auditor: dict[str, str]):
    query = {
        "type": "client.exploded,nonsense",
        "stream": "x",
        "client": "oauth_client_\u00e9",
        "user": str(uuid4()).upper(),
        "since": "yesterday",
        "until": "2026-03-03T14:02:00",
        "order": "random",
        "limit": "10000",
        "cursor": "-1",
        "at": "now",
    }
    errors = refused(await live.http.get(EVENTS, params=query, headers=auditor), 400)["errors"]
    assert set(errors) == set(query)
    assert "client.exploded, nonsense is not a type" in errors["type"][0]
    assert "from 1 to 1000" in errors["limit"][0]
    twice = await live.http.get(f"{EVENTS}?type=client&type=bot", headers=auditor)
    assert refused(twice, 400)["errors"] == {"type": ["is given more than once"]}


@pytest.mark.parametrize("place", ["position:", "position:x", "position:-1", "position:" + "9" * 19, "2026-13-01", "", "0001-01-01T00:00:00+23:59", "\ud7ff"])  # fmt: skip
async def test_what_is_no_place_in_the_log_is_refused(live: Live, auditor: dict[str, str], place: str):
    for name in ("since", "until"):
        errors = refused(await live.http.get(EVENTS, params={name: place}, headers=auditor), 400)["errors"]
        assert "position:N" in errors[name][0]


async def test_the_first_read_of_each_query_is_an_event_before_it_is_answered(live: Live, life: Any):
    reader = {**life["headers"], **await live.caller("a-reader", "audit:read", "clients:read")}
    path, then = f"{CLIENTS}/{life['client']}", f"position:{life['position']}"
    for _ in range(3):
        assert (await live.http.get(EVENTS, params={"actor": "frida", "address": "::1"}, headers=reader)).is_success
        assert (await live.http.get(EVENTS, params={"actor": "frida"}, headers=reader)).is_success
        assert (await live.http.get(path, params={"as_of": then}, headers=reader)).is_success
    refused(await live.http.get(EVENTS, params={"actor": "frida", "x": "y"}, headers=reader), 400)
    head = await live.beside.ledger.pool.fetchval("select max(position) from log.events")
    asked = {"actor": "a-reader", "type": "audit", "order": "oldest"}
    answer = await live.http.get(EVENTS, params=asked, headers={**reader, "Muniment-Min-Position": str(head)})
    read = [
        (each["path"], each["filters"], each["found"])
        for each in (event["data"] for event in answer.json())
        if "since" not in each  # a sum, if a minute ended meanwhile
    ]
    assert read[:3] == [
        (EVENTS, ["actor", "address"], 0),
        (EVENTS, ["actor"], 3),
        (path, [f"as_of={then}"], 1),
    ]
    assert len(read) <= 6


async def test_a_filter_that_leaves_nothing_is_refused(live: Live, auditor: dict[str, str]):
    query = {"type": "bot", "without": "bot"}
    answer = await live.http.get("/api/v1/audit/events", params=query, headers=auditor)
    assert (answer.status_code, answer.json()["errors"]) == (400, {"without": ["leaves nothing of what is asked for"]})
