"""The trace that a caller names is in the request's events, its refusal and its log lines. That needs no setting."""

import csv
import io
import json
import logging
from typing import Any

import pytest

from service import logs
from tests.flows.conftest import Live, refused
from tests.flows.test_audit import EVENTS
from tests.flows.test_cli import on
from tests.flows.test_management_tokens import CLIENTS
from tests.rules.test_traceparent import GOOD, PARENT, TRACE

NAMED = {"traceparent": GOOD}


async def test_a_refusal_names_the_trace_of_its_caller_and_no_malformed_one(live: Live):
    answer = await live.http.get(CLIENTS, headers=NAMED)
    assert answer.json()["traceId"] == TRACE
    for wrong in ({}, {"traceparent": GOOD.upper()}, {"traceparent": f"00-{TRACE}-{PARENT}"}):
        assert "traceId" not in refused(await live.http.get(CLIENTS, headers=wrong), 401)


async def test_an_event_names_the_trace_of_its_request_in_the_feed_the_history_and_the_tables(live: Live):
    body = {"m2m": True, "botUserId": "bot-of-a-trace"}
    made = await live.http.post(CLIENTS, json=body, headers={**live.bearer, **NAMED})
    path = made.headers["location"]
    changed = await live.http.post(f"{path}/disable", headers=live.bearer)
    since = {"Muniment-Min-Position": changed.headers["muniment-position"]}
    auditor = {**await live.caller("una", "audit:read"), **since}
    feed = await live.http.get(f"{EVENTS}?client={made.json()['clientId']}&order=oldest", headers=auditor)
    assert [event.get("traceId") for event in feed.json()] == [TRACE, None]
    history = await live.http.get(f"{path}/history", headers=live.bearer)
    assert [entry.get("traceId") for entry in history.json()] == [None, TRACE]
    table = await live.http.get(feed.url, headers={**auditor, "Accept": "text/csv"})
    assert [row["traceId"] for row in csv.DictReader(io.StringIO(table.text))] == [TRACE, ""]
    exported = await on(live.database, "log", "export", "--csv", "--type", "client")
    traces = {row["position"]: row["trace_id"] for row in csv.DictReader(io.StringIO(exported.out))}
    assert [traces[str(event["position"])] for event in feed.json()] == [TRACE, ""]


async def test_a_refused_token_request_names_the_trace_in_its_event_and_its_log_line(
    live: Live, caplog: pytest.LogCaptureFixture
):
    client_id, _ = await live.register()
    written: list[str] = []

    def keep(record: logging.LogRecord) -> bool:
        logs.name_request(record)
        written.append(logs.formatter("json").format(record))
        return True

    caplog.handler.addFilter(keep)
    with caplog.at_level(logging.INFO, "muniment.refusals"):
        form = {"grant_type": "client_credentials", "client_id": client_id, "client_secret": "wrong"}
        trace = "a" * 32
        await live.http.post("/openid/token", data=form, headers={"traceparent": GOOD.replace(TRACE, trace)})
    caplog.handler.removeFilter(keep)
    (line,) = [line for line in map(json.loads, written) if line["logger"] == "muniment.refusals"]
    assert line["trace_id"] == trace
    recorded: list[Any] = await live.beside.ledger.pool.fetch(
        "select meta from log.events where type = 'refusal.client_authentication' and position(convert_to($1, 'UTF8') in meta) > 0",
        trace,
    )
    (meta,) = [json.loads(row["meta"]) for row in recorded]
    assert (meta["trace_id"], meta["request_id"]) == (trace, line["request_id"])
