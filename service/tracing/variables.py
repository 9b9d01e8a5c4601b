"""The standard variables of OpenTelemetry, as far as Muniment itself reads them; the SDK reads the others.

Other software sets them for whole clusters, so a value that cannot be used is a line in the log and no reason not to start.
"""

from collections.abc import Mapping

from msgspec import Struct

ENDPOINTS = ("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "OTEL_EXPORTER_OTLP_ENDPOINT")
PROTOCOLS = ("OTEL_EXPORTER_OTLP_TRACES_PROTOCOL", "OTEL_EXPORTER_OTLP_PROTOCOL")
SAMPLERS: Mapping[str, float | None] = {"always_on": 1.0, "always_off": 0.0, "traceidratio": None}
"""The ratio of each; that of the last is in OTEL_TRACES_SAMPLER_ARG."""

PARENT_BASED = "parentbased_"
PER_SECOND = 10
"""How many requests a process records in a second unless a ratio is chosen: all of a small deployment. Recording a request costs half
as much as issuing a token, so a ratio would be either too much for a busy process or too little for an idle one.
"""


class Traces(Struct, frozen=True, kw_only=True):
    """What is recorded: this part of the requests, or PER_SECOND a second if `ratio` is None.

    `remarks` are the sentences for the log. If one of them makes it impossible to send traces, `sent` is false.
    """

    ratio: float | None = None
    parent_based: bool = True
    sent: bool = True
    remarks: tuple[str, ...] = ()


def read(environment: Mapping[str, str]) -> Traces | None:
    """Return None if no variable asks for traces."""

    def first(*names: str) -> str:
        return next(filter(None, (environment.get(name, "").strip() for name in names)), "")

    endpoint, exporter = first(*ENDPOINTS), first("OTEL_TRACES_EXPORTER").lower()
    if not endpoint or exporter == "none" or first("OTEL_SDK_DISABLED").lower() == "true":
        return None
    faults = list(_faults(endpoint, exporter, first(*PROTOCOLS).lower()))
    if faults:
        return Traces(sent=False, remarks=tuple(faults))
    return _sampled(first("OTEL_TRACES_SAMPLER").lower(), first("OTEL_TRACES_SAMPLER_ARG"))


def _faults(endpoint: str, exporter: str, protocol: str) -> list[str]:
    """The values are not shown: an endpoint may contain a password."""
    faults: list[str] = []
    if not endpoint.lower().startswith(("http://", "https://")):
        faults.append(
            "No traces are sent: the endpoint in OTEL_EXPORTER_OTLP_… does not begin with http:// or https://."
        )
    if exporter not in ("", "otlp"):
        faults.append("No traces are sent: OTEL_TRACES_EXPORTER is neither otlp nor none.")
    if protocol not in ("", "http/protobuf"):
        faults.append(
            "No traces are sent: Muniment sends http/protobuf alone, and OTEL_EXPORTER_OTLP_PROTOCOL says otherwise."
            " Name the collector's port for HTTP (4318), and http/protobuf."
        )
    return faults


def _sampled(named: str, argument: str) -> Traces:
    if not named:
        return Traces()
    sampler = named.removeprefix(PARENT_BASED)
    if sampler not in SAMPLERS:
        return Traces(remarks=(_remark("OTEL_TRACES_SAMPLER"),))
    ratio = _ratio(argument) if SAMPLERS[sampler] is None else SAMPLERS[sampler]
    remarks = (_remark("OTEL_TRACES_SAMPLER_ARG"),) if ratio is None else ()
    return Traces(ratio=ratio, parent_based=sampler != named, remarks=remarks)


def _remark(name: str) -> str:
    return f"{name} is not one of the standard values, so {PER_SECOND} requests a second are recorded."


def _ratio(text: str) -> float | None:
    """An unset ratio is 1, as the standard says. A wrong one is not, although it says that, too: to record everything is expensive."""
    if not text:
        return 1.0
    try:
        ratio = float(text)
    except ValueError:
        return None
    return ratio if 0 <= ratio <= 1 else None
