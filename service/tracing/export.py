"""Sends spans to a collector by OTLP, from a thread of its own. Whatever the collector does, no request waits for it and memory is bounded:
if more spans than OTEL_BSP_MAX_QUEUE_SIZE (2048) wait to be sent, the SDK drops the oldest.
"""

import logging
import os
import threading
from collections.abc import Generator, Sequence
from contextlib import contextmanager
from importlib import metadata
from typing import Any

import requests
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.sdk.trace.export import BatchSpanProcessor, SpanExporter, SpanExportResult

from service.tracing.recorder import Recorder
from service.tracing.sampling import Sampling
from service.tracing.variables import Traces

FLUSH_SECONDS = 2.0
"""How long the end of the process waits for the last spans to be sent."""

UNKNOWN_SERVICE = "unknown_service"

log = logging.getLogger("muniment.traces")


@contextmanager
def exporting(traces: Traces) -> Generator[Recorder | None]:
    """Give None if the variables cannot be used. Call it in each process that serves: it starts a thread."""
    try:
        processor = BatchSpanProcessor(Reported(OTLPSpanExporter(session=StatusOnly())))
    except Exception as fault:  # noqa: BLE001 - a wrong variable is no reason not to serve; its text may be a key
        log.warning("No traces are sent: the SDK cannot use the OTEL_… variables (%s).", type(fault).__name__)
        yield None
        return
    try:
        yield Recorder(Sampling(traces), _resource(), processor.on_end)
    finally:
        ending = threading.Thread(target=processor.shutdown, daemon=True)
        ending.start()
        ending.join(FLUSH_SECONDS)


def _resource() -> Resource:
    """OTEL_SERVICE_NAME and OTEL_RESOURCE_ATTRIBUTES have precedence."""
    ours = {"service.name": "muniment", "service.version": metadata.version("muniment"), "process.pid": os.getpid()}
    given = Resource.create().attributes
    unnamed = str(given.get("service.name", UNKNOWN_SERVICE)).startswith(UNKNOWN_SERVICE)
    return Resource(
        {
            **given,
            **{
                name: value for name, value in ours.items() if name not in given or (name == "service.name" and unnamed)
            },
        }
    )


class Reported(SpanExporter):
    """Logs when the collector stops accepting spans, and when it accepts them again."""

    def __init__(self, exporter: SpanExporter) -> None:
        self._exporter = exporter
        self._accepted = True

    def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
        result = self._exporter.export(spans)
        accepted = result is SpanExportResult.SUCCESS
        if accepted != self._accepted:
            self._accepted = accepted
            if accepted:
                log.info("The collector accepts traces again.")
            else:
                log.warning("The collector does not accept traces. They are dropped until it does.")
        return result

    def shutdown(self) -> None:
        self._exporter.shutdown()


class StatusOnly(requests.Session):
    """Reads the status of a response and never its body, which may have no end. It uses no proxy and no .netrc of the environment."""

    def __init__(self) -> None:
        super().__init__()
        self.trust_env = False

    def send(self, request: requests.PreparedRequest, **options: Any) -> requests.Response:
        response = super().send(request, **{**options, "stream": True})
        response.close()
        if 300 <= response.status_code < 400:  # the SDK would take it for a success
            raise requests.exceptions.InvalidURL("the collector redirects")
        return response

    def get_redirect_target(self, resp: requests.Response) -> None:  # noqa: ARG002
        """Following a redirect, or preparing to, would read the body."""
        return
