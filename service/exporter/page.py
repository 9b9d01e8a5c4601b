"""The page that Prometheus reads."""

from collections.abc import Iterable, Iterator
from itertools import accumulate

from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily, Metric
from prometheus_client.registry import Collector

from service.exporter.readings import Reading
from service.exporter.workers import Total, Totals

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"


class _Once(Collector):
    def __init__(self, metrics: list[Metric]) -> None:
        self._metrics = metrics

    def collect(self) -> Iterable[Metric]:
        return self._metrics


def page(totals: Totals, readings: Iterable[Reading]) -> bytes:
    registry = CollectorRegistry()
    registry.register(_Once([*(_of_total(total) for total in totals.values()), *_of_readings(readings)]))
    return generate_latest(registry)


def _of_total(total: Total) -> Metric:
    family = total.family
    name, text, labels = family.name, family.text, list(family.labels)
    match family.kind:
        case "counter":
            metric = CounterMetricFamily(name, text, labels=labels)
        case "gauge":
            metric = GaugeMetricFamily(name, text, labels=labels)
        case "histogram":
            return _histogram(total)
    for values, cells in total.children.items():
        metric.add_metric(values, cells[0])
    return metric


def _histogram(total: Total) -> Metric:
    family = total.family
    metric = HistogramMetricFamily(family.name, family.text, labels=list(family.labels))
    bounds = [*map(str, family.bounds), "+Inf"]
    for values, (*counts, sum_) in total.children.items():
        metric.add_metric(values, list(zip(bounds, accumulate(counts), strict=True)), sum_)
    return metric


def _of_readings(readings: Iterable[Reading]) -> Iterator[Metric]:
    metrics: dict[str, CounterMetricFamily | GaugeMetricFamily] = {}
    for each in readings:
        state = each.of
        if state.name not in metrics:
            make = CounterMetricFamily if state.kind == "counter" else GaugeMetricFamily
            metrics[state.name] = make(state.name, state.text, labels=list(state.labels))
        metrics[state.name].add_metric(each.values, each.value)
    yield from metrics.values()
