"""Records requests and their steps as spans of OpenTelemetry. Another thread encodes and sends them."""

import random
from collections.abc import Callable, Generator, Mapping
from contextlib import AbstractContextManager, contextmanager, nullcontext
from time import time_ns
from types import TracebackType

from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.sdk.util.instrumentation import InstrumentationScope
from opentelemetry.trace import SpanContext, SpanKind, Status, StatusCode, TraceFlags

from service import request_id
from service.tracing.sampling import Sampling
from service.tracing.spans import Outgoing, Receiver, Step, recording
from service.values.traceparent import Trace

MOST_STEPS = 100
"""Of one request, so that a request without an end does not fill the memory. Those beyond are left out."""

SAMPLED, UNSET, ERROR = TraceFlags(TraceFlags.SAMPLED), Status(), Status(StatusCode.ERROR)
SCOPE = InstrumentationScope("muniment")
TRACEPARENT, STATUS, FAULT = "traceparent", "http.response.status_code", "error.type"
Attributes = Mapping[str, str | int]


class Recorder:
    """One for each process. `ended` takes each span; it must not block."""

    def __init__(self, sampling: Sampling, resource: Resource, ended: Callable[[ReadableSpan], None]) -> None:
        self._sampling = sampling
        self.resource = resource
        self.ended = ended

    def request(self) -> "Recorded | None":
        """Begin to record the current request, or return None. Either way its outgoing requests name its trace, if it has one."""
        caller = request_id.trace()
        recorded = self.begin(caller)
        if recorded is not None:
            request_id.recorded_as(recorded.trace)
            recording.set(recorded)
        else:
            recording.set(None if caller is None else Unrecorded(caller))
        return recorded

    def begin(self, caller: Trace | None = None) -> "Recorded | None":
        return Recorded(self, caller) if self._sampling.records(caller) else None


class Recorded:
    """A request that is recorded, or an outgoing request of a task in the background."""

    def __init__(self, recorder: Recorder, caller: Trace | None) -> None:
        own = _new_id(64)
        trace_id = _new_id(128) if caller is None else int(caller.trace_id, 16)
        self._recorder = recorder
        self._context = SpanContext(trace_id, own, is_remote=False, trace_flags=SAMPLED)
        self._caller = (
            None
            if caller is None
            else SpanContext(trace_id, int(caller.parent_id, 16), is_remote=True, trace_flags=SAMPLED)
        )
        self._started = time_ns()
        self._steps: list[ReadableSpan] = []
        self.trace = self._as_parent(own, f"{own:016x}")

    def step(self, name: Step) -> AbstractContextManager[None]:
        return _Step(self, name)

    @contextmanager
    def outgoing(self, to: Receiver) -> Generator[Outgoing]:
        own, started = _new_id(64), time_ns()
        with _sent(
            self._as_parent(own, None), lambda outcome: self.add(to, own, started, outcome, SpanKind.CLIENT)
        ) as sent:
            yield sent

    def end(self, name: str, attributes: Attributes, *, failed: bool, kind: SpanKind = SpanKind.SERVER) -> None:
        whole = self._span(
            name,
            self._context,
            self._caller,
            self._started,
            kind,
            attributes=attributes,
            status=ERROR if failed else UNSET,
        )
        for span in (*self._steps, whole):
            self._recorder.ended(span)

    def add(self, name: str, span_id: int, started: int, outcome: Attributes, kind: SpanKind) -> None:
        """A step that raises may be a refusal, which is no error of ours; an outgoing request that fails is one."""
        if len(self._steps) < MOST_STEPS:
            context = SpanContext(self._context.trace_id, span_id, is_remote=False, trace_flags=SAMPLED)
            status = ERROR if kind is SpanKind.CLIENT and FAULT in outcome else UNSET
            self._steps.append(
                self._span(name, context, self._context, started, kind, attributes=outcome, status=status)
            )

    def _span(
        self,
        name: str,
        context: SpanContext,
        parent: SpanContext | None,
        started: int,
        kind: SpanKind,
        *,
        attributes: Attributes,
        status: Status,
    ) -> ReadableSpan:
        return ReadableSpan(
            name=name,
            context=context,
            parent=parent,
            resource=self._recorder.resource,
            attributes=attributes,
            kind=kind,
            status=status,
            start_time=started,
            end_time=time_ns(),
            instrumentation_scope=SCOPE,
        )

    def _as_parent(self, span_id: int, own: str | None) -> Trace:
        trace_id = f"{self._context.trace_id:032x}"
        return Trace(trace_id=trace_id, parent_id=f"{span_id:016x}", sampled=True, span_id=own)


class _Step:
    """A context manager; one that is made by `contextmanager` takes three times as long."""

    def __init__(self, of: Recorded, name: Step) -> None:
        self._of, self._name = of, name

    def __enter__(self) -> None:
        self._started = time_ns()

    def __exit__(
        self, fault: type[BaseException] | None, _value: BaseException | None, _trace: TracebackType | None
    ) -> None:
        self._of.add(self._name, _new_id(64), self._started, _outcome(None, fault), SpanKind.INTERNAL)


class Unrecorded:
    """A request that is not recorded, and whose caller named a trace: outgoing requests say that we did not record it."""

    def __init__(self, caller: Trace) -> None:
        self._header = caller.__replace__(sampled=False).header

    def step(self, name: Step) -> AbstractContextManager[None]:  # noqa: ARG002 - the protocol's
        return nullcontext()

    def outgoing(self, to: Receiver) -> AbstractContextManager[Outgoing]:  # noqa: ARG002
        return nullcontext(Outgoing({TRACEPARENT: self._header}))


class Background:
    """The tasks of a process that belong to no request: each of their outgoing requests is a trace of its own."""

    def __init__(self, recorder: Recorder) -> None:
        self._recorder = recorder

    def step(self, name: Step) -> AbstractContextManager[None]:  # noqa: ARG002
        return nullcontext()

    def outgoing(self, to: Receiver) -> AbstractContextManager[Outgoing]:
        recorded = self._recorder.begin()
        if recorded is None:
            return nullcontext(Outgoing({}))
        return _sent(
            recorded.trace,
            lambda outcome: recorded.end(to, outcome, failed=FAULT in outcome, kind=SpanKind.CLIENT),
        )


@contextmanager
def _sent(trace: Trace, end: Callable[[Attributes], None]) -> Generator[Outgoing]:
    """`end` gets what came of the outgoing request."""
    sent, fault = Outgoing({TRACEPARENT: trace.header}), None
    try:
        yield sent
    except BaseException as raised:
        fault = type(raised)
        raise
    finally:
        end(_outcome(sent.status, fault))


def _outcome(status: int | None, fault: type[BaseException] | None) -> Attributes:
    """The text of a fault may contain anything; the name of its class cannot."""
    outcome: dict[str, str | int] = {} if fault is None else {FAULT: fault.__name__}
    if status is not None:
        outcome[STATUS] = status
        if status >= 400:
            outcome[FAULT] = str(status)
    return outcome


def _new_id(bits: int) -> int:
    """Never 0, which is no id."""
    return random.getrandbits(bits) or 1
