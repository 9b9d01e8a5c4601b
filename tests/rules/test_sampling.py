"""Which requests are recorded, and how little a stranger decides about that."""

import pytest

from service.tracing.sampling import Sampling
from service.tracing.variables import PER_SECOND, Traces
from service.values.traceparent import Trace

YES = Trace(trace_id="0" * 31 + "1", parent_id="b" * 16, sampled=True)
"""Every sampler that goes by the trace id chooses this one."""
NO = YES.__replace__(sampled=False)


class Clock:
    now = 100.0

    def __call__(self) -> float:
        return self.now


def recorded(traces: Traces, caller: Trace | None, requests: int = 1000, clock: Clock | None = None) -> int:
    sampling = Sampling(traces, clock or Clock())
    return sum(sampling.records(caller) for _ in range(requests))


@pytest.mark.parametrize("caller", [None, YES, NO])
def test_without_regard_to_the_parent_all_or_none_are_recorded(caller: Trace | None):
    assert recorded(Traces(ratio=1.0, parent_based=False), caller) == 1000
    assert recorded(Traces(ratio=0.0, parent_based=False), caller) == 0


def test_without_a_ratio_a_few_requests_a_second_are_recorded():
    clock = Clock()
    sampling = Sampling(Traces(), clock)
    assert [sampling.records(None) for _ in range(PER_SECOND + 5)] == [True] * PER_SECOND + [False] * 5
    clock.now += 1.5 / PER_SECOND
    assert [sampling.records(None) for _ in range(3)] == [True, False, False]
    clock.now += 3600
    assert sum(sampling.records(None) for _ in range(1000)) == PER_SECOND


@pytest.mark.parametrize("parent_based", [True, False])
@pytest.mark.parametrize("ratio", [None, 0.0, 0.01])
def test_a_caller_cannot_have_all_its_requests_recorded(ratio: float | None, parent_based: bool):
    assert recorded(Traces(ratio=ratio, parent_based=parent_based), YES) <= 2 * PER_SECOND + 60


def test_a_caller_s_flag_is_obeyed_a_few_times_a_second_and_uses_up_nobody_else_s_records():
    assert recorded(Traces(ratio=0.0), YES) == PER_SECOND
    sampling = Sampling(Traces(), Clock())
    assert sum(sampling.records(YES) for _ in range(1000)) == PER_SECOND
    assert sum(sampling.records(None) for _ in range(1000)) == PER_SECOND


def test_a_request_that_its_caller_does_not_record_is_not_recorded_here():
    assert recorded(Traces(ratio=1.0), NO) == 0
    assert recorded(Traces(), NO) == 0


def test_the_ratio_is_of_requests_and_not_of_the_ids_that_a_caller_chose():
    assert 350 < recorded(Traces(ratio=0.5, parent_based=False), YES) < 650
    assert 350 < recorded(Traces(ratio=0.5), None) < 650
    assert recorded(Traces(ratio=0.0), None) == 0
