"""What is noted of a request that is recorded, and what its outgoing requests are told about its trace."""

import asyncio
from collections.abc import Iterator
from contextlib import suppress

import pytest
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.trace import SpanKind, StatusCode

from service import request_id
from service.reactions.not_delivered import NotTaken
from service.tracing.recorder import MOST_STEPS, Background, Recorded, Recorder
from service.tracing.sampling import Sampling
from service.tracing.spans import outgoing, recording, span
from service.tracing.variables import Traces
from service.values.traceparent import NAME, parse
from tests.rules.test_traceparent import GOOD, PARENT, TRACE


class Recording(Recorder):
    """Its spans are in the list."""

    def __init__(self, ratio: float) -> None:
        self.spans: list[ReadableSpan] = []
        super().__init__(Sampling(Traces(ratio=ratio, parent_based=False)), Resource({}), self.spans.append)


@pytest.fixture(autouse=True)
def _afterwards_nothing_goes_on() -> Iterator[None]:
    yield
    recording.set(None)
    request_id._current.set(None)


def begun(recorder: Recorder, traceparent: str = GOOD) -> Recorded | None:
    request_id.begin([(NAME, traceparent.encode())])
    return recorder.request()


def ended(recorded: Recorded | None) -> None:
    assert recorded is not None
    recorded.end("GET /x", {}, failed=False)


def test_outside_of_a_recorded_request_a_step_and_an_outgoing_request_are_what_they_were():
    with span("load"), outgoing("webhook") as sent:
        assert sent.headers == {}


def test_an_outgoing_request_names_its_own_span_as_the_parent_of_what_it_causes():
    recorder = Recording(1.0)
    recorded = begun(recorder)
    with outgoing("upstream") as sent:
        trace = parse(sent.headers["traceparent"])
    ended(recorded)
    client, request = recorder.spans
    assert trace is not None
    assert (trace.trace_id, trace.sampled) == (TRACE, True)
    assert (client.name, client.kind) == ("upstream", SpanKind.CLIENT)
    assert client.context is not None
    assert request.context is not None
    assert f"{client.context.span_id:016x}" == trace.parent_id
    assert client.parent == request.context
    assert request.parent is not None
    assert f"{request.parent.span_id:016x}" == PARENT
    known = request_id.trace()
    assert known is not None
    assert (known.trace_id, known.span_id) == (TRACE, f"{request.context.span_id:016x}")


def test_an_outgoing_request_of_one_that_is_not_recorded_passes_on_the_caller_s_trace_without_the_flag():
    assert begun(Recording(0.0)) is None
    with span("load"), outgoing("upstream") as sent:
        assert sent.headers == {"traceparent": f"00-{TRACE}-{PARENT}-00"}
    assert begun(Recording(0.0), "malformed") is None
    with outgoing("upstream") as sent:
        assert sent.headers == {}


def test_each_outgoing_request_of_the_background_is_a_trace_of_its_own():
    recorder = Recording(1.0)
    recording.set(Background(recorder))
    traces = list[str]()
    for _ in range(2):
        with span("load"), outgoing("webhook") as sent:
            traces.append(sent.headers["traceparent"].split("-")[1])
    assert len(set(traces)) == 2
    assert [each.context and f"{each.context.trace_id:032x}" for each in recorder.spans] == traces
    assert {(each.name, each.kind, each.parent) for each in recorder.spans} == {("webhook", SpanKind.CLIENT, None)}
    recording.set(Background(Recording(0.0)))
    with outgoing("webhook") as sent:
        assert sent.headers == {}


def test_of_a_fault_only_the_class_is_recorded():
    recorder = Recording(1.0)
    recorded = begun(recorder)
    for way in (span("append"), outgoing("witness")):
        with pytest.raises(RuntimeError), way:
            raise RuntimeError("hunter2")
    ended(recorded)
    assert [dict(each.attributes or {}) for each in recorder.spans[:2]] == [{"error.type": "RuntimeError"}] * 2
    assert [each.status.status_code for each in recorder.spans[:2]] == [StatusCode.UNSET, StatusCode.ERROR]
    assert "hunter2" not in "".join(each.to_json() for each in recorder.spans)


@pytest.mark.parametrize(
    ("status", "fault", "noted"),
    [
        (204, None, {"http.response.status_code": 204}),
        (404, None, {"http.response.status_code": 404, "error.type": "404"}),
        (503, NotTaken, {"http.response.status_code": 503, "error.type": "503"}),
        (302, NotTaken, {"http.response.status_code": 302, "error.type": "NotTaken"}),
        (None, NotTaken, {"error.type": "NotTaken"}),
    ],
)
def test_an_outgoing_request_fails_by_its_response_or_by_a_fault(
    status: int | None, fault: type[Exception] | None, noted: dict[str, str | int]
):
    recorder = Recording(1.0)
    recorded = begun(recorder)
    for here in (recording.get(), Background(recorder)):
        recording.set(here)
        with suppress(NotTaken), outgoing("webhook") as sent:
            sent.status = status
            if fault is not None:
                raise fault
    ended(recorded)
    of_request, of_background = (each for each in recorder.spans if each.name == "webhook")
    assert dict(of_request.attributes or {}) == dict(of_background.attributes or {}) == noted
    wanted = StatusCode.ERROR if "error.type" in noted else StatusCode.UNSET
    assert {of_request.status.status_code, of_background.status.status_code} == {wanted}


def test_a_request_without_an_end_does_not_fill_the_memory():
    recorder = Recording(1.0)
    recorded = begun(recorder)
    for _ in range(10 * MOST_STEPS):
        with span("load"):
            pass
    ended(recorded)
    assert len(recorder.spans) == MOST_STEPS + 1


async def test_requests_at_the_same_time_are_recorded_apart():
    recorder = Recording(1.0)

    async def request(number: int) -> None:
        recorded = begun(recorder, f"00-{number:032x}-{PARENT}-01")
        for _ in range(3):
            with span("load"):
                await asyncio.sleep(0)
        ended(recorded)

    await asyncio.gather(*(request(number) for number in range(1, 9)))
    of = [each.context.trace_id for each in recorder.spans if each.context]
    assert {number: of.count(number) for number in range(1, 9)} == dict.fromkeys(range(1, 9), 4)
