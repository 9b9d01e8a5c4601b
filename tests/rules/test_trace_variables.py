"""What the standard variables of OpenTelemetry say. A wrong value is a line in the log: the service starts nevertheless."""

import pytest

from service.configuration.settings import read_settings
from service.tracing.variables import Traces, read

HERE = {"OTEL_EXPORTER_OTLP_ENDPOINT": "http://collector:4318"}
OF_TRACES = {"OTEL_EXPORTER_OTLP_TRACES_ENDPOINT": "HTTPS://collector/v1/traces"}


def test_an_endpoint_asks_for_traces_of_a_few_requests_a_second():
    assert read_settings({}).traces is None
    assert read_settings(HERE).traces == read(OF_TRACES) == Traces(ratio=None, parent_based=True)


@pytest.mark.parametrize(
    "off",
    [
        {"OTEL_SDK_DISABLED": "True"},
        {"OTEL_TRACES_EXPORTER": "none"},
        {"OTEL_EXPORTER_OTLP_ENDPOINT": " "},
    ],
)
def test_the_standard_ways_to_have_no_traces(off: dict[str, str]):
    assert read({**HERE, **off}) is None


@pytest.mark.parametrize(
    ("named", "argument", "wanted"),
    [
        ("always_on", "", Traces(ratio=1.0, parent_based=False)),
        ("parentbased_always_off", "", Traces(ratio=0.0)),
        ("traceidratio", "0.25", Traces(ratio=0.25, parent_based=False)),
        ("traceidratio", "", Traces(ratio=1.0, parent_based=False)),
        ("parentbased_traceidratio", " ", Traces(ratio=1.0)),
        ("ParentBased_TraceIdRatio", "1", Traces(ratio=1.0)),
    ],
)
def test_the_standard_samplers_are_known(named: str, argument: str, wanted: Traces):
    assert read({**HERE, "OTEL_TRACES_SAMPLER": named, "OTEL_TRACES_SAMPLER_ARG": argument}) == wanted


@pytest.mark.parametrize(
    ("wrong", "name"),
    [
        ({"OTEL_TRACES_SAMPLER": "hunter2"}, "OTEL_TRACES_SAMPLER"),
        ({"OTEL_TRACES_SAMPLER": "traceidratio", "OTEL_TRACES_SAMPLER_ARG": "hunter2"}, "OTEL_TRACES_SAMPLER_ARG"),
        ({"OTEL_TRACES_SAMPLER": "traceidratio", "OTEL_TRACES_SAMPLER_ARG": "1.1"}, "OTEL_TRACES_SAMPLER_ARG"),
        ({"OTEL_TRACES_SAMPLER": "traceidratio", "OTEL_TRACES_SAMPLER_ARG": "nan"}, "OTEL_TRACES_SAMPLER_ARG"),
    ],
)
def test_a_wrong_sampler_is_the_default_and_a_remark(wrong: dict[str, str], name: str):
    traces = read({**HERE, **wrong})
    assert traces is not None
    assert (traces.sent, traces.ratio) == (True, None)
    assert traces.remarks == (f"{name} is not one of the standard values, so 10 requests a second are recorded.",)


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        ({"OTEL_EXPORTER_OTLP_ENDPOINT": "hunter2:4318"}, "does not begin with http:// or https://"),
        ({"OTEL_EXPORTER_OTLP_PROTOCOL": "grpc"}, "http/protobuf alone"),
        ({"OTEL_TRACES_EXPORTER": "zipkin"}, "neither otlp nor none"),
    ],
)
def test_what_cannot_be_sent_is_a_remark_that_shows_no_value(wrong: dict[str, str], words: str):
    traces = read({**HERE, **wrong})
    assert traces is not None
    assert not traces.sent
    (remark,) = traces.remarks
    assert words in remark
    assert "hunter2" not in remark
