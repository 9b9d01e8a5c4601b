"""The traces of requests, as a collector of OpenTelemetry gets them, and what a collector can do to the service: nothing."""

import asyncio
import json
import logging
import threading
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import suppress
from typing import Any

import httpx
import pytest
from opentelemetry.trace import StatusCode

from service import logs
from service.oauth.upstream import Bounded
from service.reactions import audit_push_delivery, backchannel_delivery
from service.reactions.not_delivered import NotTaken
from service.tracing import export
from service.tracing.recorder import Background
from service.tracing.spans import recording
from service.tracing.variables import Traces
from service.transparency.witness_client import WitnessClient
from tests.flows.collector import Collector, attributes, collecting, hanging
from tests.flows.conftest import Live, new_database, serving
from tests.flows.people import code_for, logged_in, redeemed
from tests.flows.test_audit import EVENTS
from tests.flows.test_management_tokens import CLIENTS
from tests.patience import PATIENCE, until
from tests.rules.test_recorder import Recording
from tests.rules.test_traceparent import GOOD, PARENT, TRACE

ALL = Traces(ratio=1.0)
BODY = {"m2m": True, "botUserId": "bot-of-a-trace"}


class Lines(logging.Handler):
    """The log, as JSON objects."""

    def __init__(self) -> None:
        super().__init__(logging.INFO)
        self.addFilter(logs.name_request)
        self.setFormatter(logs.formatter("json"))
        self.lines: list[dict[str, Any]] = []

    def emit(self, record: logging.LogRecord) -> None:
        if record.name.startswith("muniment"):
            self.lines.append(json.loads(self.format(record)))


@pytest.fixture(scope="module", autouse=True)
def _no_exporter_goes_on() -> Iterator[None]:
    """An exporter that tries again draws random numbers, which Hypothesis would take for those of a test that follows."""
    yield
    for thread in threading.enumerate():
        if thread.name.startswith("OtelBatch"):
            thread.join(PATIENCE)
            assert not thread.is_alive()


@pytest.fixture(scope="module")
def variables() -> Iterator[pytest.MonkeyPatch]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("OTEL_BSP_SCHEDULE_DELAY", "20")
        patch.setenv("OTEL_RESOURCE_ATTRIBUTES", "deployment.environment.name=test")
        yield patch


@pytest.fixture(scope="module")
def collector(variables: pytest.MonkeyPatch) -> Iterator[Collector]:
    with collecting() as collector:
        variables.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", collector.url)
        yield collector


@pytest.fixture(scope="module")
def lines() -> Iterator[list[dict[str, Any]]]:
    handler, log = Lines(), logging.getLogger("muniment")
    before = log.level
    log.addHandler(handler)
    log.setLevel(logging.INFO)
    yield handler.lines
    log.removeHandler(handler)
    log.setLevel(before)


@pytest.fixture(scope="module")
async def traced(postgres: str, collector: Collector, lines: list[dict[str, Any]]) -> AsyncIterator[Live]:
    database = await new_database(postgres)
    async with serving(database, traces=ALL, access_log=True, rate_limit=0, failed_auth_limit=0) as live:
        yield live


async def of_last_request(lines: list[dict[str, Any]], route: str) -> str:
    """The trace id in the access log's last line about this route."""
    return [line for line in lines if line.get("route") == route][-1]["trace_id"]


async def test_a_registration_is_a_tree_of_spans_below_the_caller_s(traced: Live, collector: Collector, lines: Any):
    made = await traced.http.post(CLIENTS, json=BODY, headers={**traced.bearer, "traceparent": GOOD})
    root, steps = await collector.trace(TRACE)
    assert (root.name, root.parent_span_id.hex()) == (f"POST {CLIENTS}", PARENT)
    assert [step.name for step in steps] == ["load", "decide", "append"]
    assert attributes(root) == {
        "http.request.method": "POST",
        "http.route": CLIENTS,
        "http.response.status_code": 201,
        "muniment.request_id": made.headers["x-request-id"],
    }
    assert root.start_time_unix_nano <= steps[0].start_time_unix_nano
    assert steps[-1].end_time_unix_nano <= root.end_time_unix_nano
    auditor = {**await traced.caller("una", "audit:read"), "Muniment-Min-Position": made.headers["muniment-position"]}
    (event,) = (await traced.http.get(f"{EVENTS}?client={made.json()['clientId']}", headers=auditor)).json()
    (line,) = [line for line in lines if line.get("request_id") == made.headers["x-request-id"]]
    assert (event["traceId"], event["requestId"]) == (TRACE, line["request_id"])
    assert (line["trace_id"], line["span_id"]) == (TRACE, root.span_id.hex())


async def test_a_token_is_loaded_decided_appended_and_signed(traced: Live, collector: Collector, lines: Any):
    client = await traced.register()
    await traced.access_token(*client)
    root, steps = await collector.trace(await of_last_request(lines, "/openid/token"))
    assert root.name == "POST /openid/token"
    assert root.parent_span_id == b""
    assert [step.name for step in steps] == ["load", "decide", "append", "sign"]
    assert {step.trace_id for step in steps} == {root.trace_id}


async def test_a_redemption_has_the_steps_of_its_code_and_of_both_tokens(
    traced: Live, collector: Collector, lines: Any
):
    client = await traced.interactive()
    async with logged_in(traced) as person:
        code, pkce = await code_for(traced, person, client[0])
        assert (await redeemed(traced, client, code, pkce)).status_code == 200
    root, steps = await collector.trace(await of_last_request(lines, "/openid/token"))
    names = [step.name for step in steps]
    assert names[:3] == ["load", "load", "decide"]
    assert names.count("append") == 1, "the event and the token are one commit"
    assert names[-2:] == ["sign", "sign"]
    assert attributes(root)["http.response.status_code"] == 200


async def test_a_refusal_names_the_trace_that_the_collector_gets(traced: Live, collector: Collector):
    answer = await traced.http.post(CLIENTS, json={}, headers=traced.bearer)
    root, _ = await collector.trace(answer.json()["traceId"])
    assert attributes(root)["http.response.status_code"] == 400
    assert root.status.code == 0


async def test_a_failure_is_marked_and_its_text_is_kept_out(
    traced: Live, collector: Collector, monkeypatch: pytest.MonkeyPatch
):
    async def fail(*_: object, **__: object) -> None:
        raise RuntimeError("the inner secret")

    monkeypatch.setattr("service.endpoints.clients.client_lists.listed", fail)
    answer = await traced.http.get(CLIENTS, headers=traced.bearer)
    root, _ = await collector.trace(answer.json()["traceId"])
    assert root.status.code == 2
    assert attributes(root)["error.type"] == "500"
    assert not [body for body in collector.bodies if b"inner secret" in body]


async def test_nothing_that_a_stranger_wrote_and_no_secret_is_in_a_span(traced: Live, collector: Collector):
    client_id, secret = await traced.register(displayName="named by a stranger")
    token = await traced.access_token(client_id, secret)
    basic = httpx.BasicAuth(client_id, secret)
    for path in ("/a-path-of-a-stranger", f"{CLIENTS}/an-id-of-a-stranger?{secret}=x", f"/signin?next={secret}"):
        await traced.http.get(path, headers={"User-Agent": "a browser of a stranger", "tracestate": "of=a-stranger"})
    await traced.http.post("/openid/token", data={"grant_type": secret, "scope": "a-scope-of-a-stranger"}, auth=basic)
    await traced.http.post("/openid/introspect", data={"token": token}, auth=basic)
    last = await traced.http.post(CLIENTS, json={"m2m": "of-a-stranger"}, headers=traced.bearer)
    await collector.trace(last.json()["traceId"])
    sent = b"".join(collector.bodies)
    for text in (b"stranger", b"browser", b"127.0.0.1", client_id.encode(), secret.encode(), token.encode()):
        assert text not in sent, text
    assert {key for span in collector.spans for key in attributes(span)} <= {
        *("http.request.method", "http.route", "http.response.status_code", "muniment.request_id", "error.type")
    }
    assert collector.resource["service.name"] == "muniment"
    assert collector.resource["deployment.environment.name"] == "test"


async def test_the_log_says_once_that_the_collector_refuses_traces_and_once_that_it_accepts_them_again(
    traced: Live, collector: Collector, lines: list[dict[str, Any]]
):
    """(It comes before the tests of collectors that hang, whose exporters go on for a while after their services and are heard here, too.)"""

    def said() -> list[str]:
        return [line["level"] for line in lines if line["logger"] == "muniment.traces"]

    async def exported(refused: int, level: str) -> None:
        collector.status, before = refused, len(collector.bodies)

        async def are_there() -> bool:
            await traced.http.get("/health/live")
            return len(collector.bodies) > before + 3 and said()[-1:] == [level]

        await until(are_there)

    await exported(400, "WARNING")
    await exported(200, "INFO")
    assert said() == ["WARNING", "INFO"]


@pytest.mark.parametrize(
    "answer",
    [
        pytest.param(b"", id="it never answers"),
        pytest.param(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nffffffff\r\n", id="its answer has no end"),
        pytest.param(b"HTTP/1.1 307 X\r\nLocation: /\r\nContent-Length: 99999999999\r\n\r\n", id="it redirects"),
    ],
)
async def test_a_collector_that_hangs_or_lies_costs_a_request_nothing_and_its_memory_is_bounded(
    postgres: str, monkeypatch: pytest.MonkeyPatch, answer: bytes
):
    monkeypatch.setenv("OTEL_BSP_SCHEDULE_DELAY", "20")
    monkeypatch.setenv("OTEL_BSP_MAX_QUEUE_SIZE", "50")
    monkeypatch.setenv("OTEL_BSP_MAX_EXPORT_BATCH_SIZE", "10")
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_TIMEOUT", "2")
    with hanging(answer) as held:
        monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", held.url)
        async with serving(await new_database(postgres), traces=ALL, rate_limit=0) as live:

            async def exported() -> bool:
                """Answered requests, until so many were exported that a next one is tried, if the one before can end."""
                for _ in range(60):
                    assert (await live.http.get("/health/live")).status_code == 200
                return len(held.connections) > bool(answer)

            await until(exported)
            processor = live.application.state.tracing.recorder.ended.__self__
            assert len(processor._batch_processor._queue) <= 50
            began = time.monotonic()
        assert time.monotonic() - began < export.FLUSH_SECONDS + 20
        assert held.taken < 20_000_000 * len(held.connections), "no more than the kernel keeps of what nobody reads"


async def test_the_end_of_the_service_sends_what_was_not_sent_yet(postgres: str, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("OTEL_BSP_SCHEDULE_DELAY", "3600000")
    with collecting() as collector:
        monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", collector.url)
        async with serving(await new_database(postgres), traces=ALL) as live:
            trace_id = (await live.http.get(CLIENTS)).json()["traceId"]
            assert not collector.spans
        root, _ = await collector.trace(trace_id)
    assert attributes(root)["http.response.status_code"] == 401


async def test_the_spans_that_are_dropped_are_the_oldest(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("OTEL_BSP_MAX_QUEUE_SIZE", "3")
    monkeypatch.setenv("OTEL_BSP_MAX_EXPORT_BATCH_SIZE", "3")
    monkeypatch.setenv("OTEL_BSP_SCHEDULE_DELAY", "3600000")
    monkeypatch.setattr(export, "FLUSH_SECONDS", 0)
    with hanging() as held:
        monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", held.url)
        with export.exporting(ALL) as recorder:
            assert recorder is not None
            ended: Any = recorder.ended
            queue = ended.__self__._batch_processor._queue

            def record(name: str) -> None:
                span = recorder.begin()
                assert span is not None
                span.end(name, {}, failed=False)

            async def sending() -> bool:
                return not queue

            for _ in range(3):
                record("sent")
            await until(sending)
            for number in range(5):
                record(str(number))
            assert [each.name for each in queue] == ["4", "3", "2"]
            ended.__self__.span_exporter.shutdown()  # or it tries again, for ten seconds


SENDERS: dict[str, Callable[[str], Awaitable[object]]] = {
    "back-channel logout": lambda url: backchannel_delivery.Delivery("http://127.0.0.1").send(url, "t"),
    "webhook": lambda url: audit_push_delivery.Delivery(url).send(b"[]", {"webhook-id": "1"}),
    "witness": lambda url: WitnessClient().add_checkpoint(url, b"old 0\n\n"),
    "upstream": lambda url: httpx.AsyncClient(transport=Bounded()).get(url),
}


@pytest.mark.parametrize("status", [200, 503])
@pytest.mark.parametrize("to", SENDERS)
async def test_a_request_to_another_server_carries_the_trace_and_its_span_has_the_status(to: str, status: int):
    heads = list[bytes]()

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        heads.append(await reader.readuntil(b"\r\n\r\n"))
        writer.write(b"HTTP/1.1 %d X\r\nContent-Length: 0\r\nConnection: close\r\n\r\n" % status)
        writer.close()

    recorder = Recording(1.0)
    before = recording.set(Background(recorder))
    async with await asyncio.start_server(answer, "127.0.0.1", 0) as server:
        with suppress(NotTaken):
            await SENDERS[to](f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}")
    recording.reset(before)
    (sent,) = recorder.spans
    assert sent.context is not None
    assert sent.name == to
    assert dict(sent.attributes or {}) == {
        "http.response.status_code": status,
        **({} if status < 400 else {"error.type": "503"}),
    }
    assert sent.status.status_code is (StatusCode.UNSET if status < 400 else StatusCode.ERROR)
    header = f"traceparent: 00-{sent.context.trace_id:032x}-{sent.context.span_id:016x}-01"
    assert [head.lower().count(header.encode()) for head in heads] == [1]
