"""The process's log on stderr: lines for people at a terminal, JSON objects for log collectors.

Times are UTC with their offset. No line contains a control character that a terminal interprets, and no line begins with text
from outside.
"""

import logging
import sys
from datetime import UTC, datetime

from pythonjsonlogger.json import JsonFormatter

from service import request_id
from service.values.text import printable

CHATTY = {
    "authlib": logging.INFO,  # at DEBUG it logs whole tokens
    "httpx": logging.WARNING,  # at INFO it logs whole URLs
    "opentelemetry": logging.CRITICAL,  # it logs headers, which may contain a key; service.tracing logs what matters
    "urllib3": logging.ERROR,  # it logs URLs
}


def set_up(level: str, form: str) -> None:
    """Set up every logger of the process, including uvicorn's. `form` is text, json, or auto: text if stderr is a terminal."""
    handler = logging.StreamHandler()
    handler.addFilter(name_request)
    handler.setFormatter(formatter("text" if form == "auto" and sys.stderr.isatty() else form))
    logging.basicConfig(level=level.upper(), handlers=[handler])
    for name, least in CHATTY.items():
        logging.getLogger(name).setLevel(max(least, logging.getLogger().level))


def formatter(form: str) -> logging.Formatter:
    if form == "text":
        return Text("%(asctime)s %(levelname)s %(name)s %(message)s")
    return JsonFormatter(
        ["levelname", "name", "message", "process"],
        rename_fields={"levelname": "level", "name": "logger", "process": "worker", "exc_info": "exception"},
        reserved_attrs=[*logging.makeLogRecord({}).__dict__, "color_message"],  # the latter is uvicorn's own
        timestamp="time",
    )


class Text(logging.Formatter):
    """A log line and its exception. Further lines are indented, so that none can pass for another log line."""

    def formatTime(self, record: logging.LogRecord, datefmt: str | None = None) -> str:  # noqa: ARG002, N802 - logging's
        return datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds")

    def formatMessage(self, record: logging.LogRecord) -> str:  # noqa: N802
        told = [f"{word} {name}" for word in ("request", "trace") if (name := getattr(record, f"{word}_id", None))]
        return printable(super().formatMessage(record)) + (f" ({', '.join(told)})" if told else "")

    def format(self, record: logging.LogRecord) -> str:
        return "\n  ".join(printable(line) for line in super().format(record).splitlines())


def name_request(record: logging.LogRecord) -> bool:
    if named := request_id.current():
        record.request_id = str(named)
    if trace := request_id.trace():
        record.trace_id = trace.trace_id
        if trace.span_id is not None:
            record.span_id = trace.span_id
    return True
