"""What is counted, where, and how it is shown."""

import re
import resource
import subprocess
import sys
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

import pytest
from prometheus_client.parser import text_string_to_metric_families

from events import refusal
from events.group_commit import Batcher
from service.exporter import readings
from service.exporter.page import page
from service.exporter.readings import Reading
from service.exporter.workers import Workers
from service.metrics import families
from service.metrics.cells import Cells, read_families
from service.metrics.family import Family
from service.metrics.process import ProcessMetrics

DOCUMENT = (Path(__file__).parents[2] / "docs/metrics.md").read_text()
ROW = re.compile(r"^\| `(?P<name>\w+)` \| (?P<kind>\w+) \|(?P<labels>[^|]*)\| \w.* \|$", re.MULTILINE)
FAMILIES = families.every(["/a/{id}", "/b"])

WORKER = """
import sys
from pathlib import Path
from service.metrics.process import ProcessMetrics
metrics = ProcessMetrics(["/a"], Path(sys.argv[1]))
for _ in range(int(sys.argv[2])):
    metrics.tokens["refresh_token"]["issued"].inc()
    metrics.routes["/a"].answered("GET", 200, 0.002)
metrics.streams.set(5)
print(flush=True)
sys.stdin.read()
"""


@contextmanager
def worker(directory: Path, counts: int) -> Generator[subprocess.Popen[bytes]]:
    """A process that has counted so many tokens and responses, and is killed at the end."""
    command = [sys.executable, "-c", WORKER, str(directory), str(counts)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == b"\n"
        try:
            yield process
        finally:
            process.kill()


def shown(text: bytes) -> dict[str, float]:
    """The samples of a page, as Prometheus's own client reads them: their names with their labels, and their values."""
    found = [sample for family in text_string_to_metric_families(text.decode()) for sample in family.samples]
    samples = {f"{each.name}{sorted(each.labels.items())}": each.value for each in found}
    assert len(samples) == len(found)
    return samples


def sample(samples: dict[str, float], name: str, **labels: str) -> float | None:
    return samples.get(f"{name}{sorted(labels.items())}")


def test_the_document_has_every_metric_with_its_labels_and_no_other():
    told = {(row["name"], row["kind"], tuple(re.findall(r"`(\w+)`", row["labels"]))) for row in ROW.finditer(DOCUMENT)}
    ours = [(each.name, each.kind, tuple(each.labels)) for each in FAMILIES]
    ours += [(each.name, each.kind, each.labels) for each in readings.EVERY]
    names = {(f"{name}_total" if kind == "counter" else name, kind, labels) for name, kind, labels in ours}
    assert told == names
    assert len(names) == len(ours)


def test_names_have_the_units_that_prometheus_recommends():
    for name in [each.name for each in (*FAMILIES, *readings.EVERY)]:
        assert re.fullmatch(r"muniment_[a-z]+(_[a-z]+)*", name)
        assert not re.search(r"_(total|ms|milliseconds|minutes|kb)$", name)


def test_each_child_has_cells_of_its_own():
    cells = Cells(FAMILIES)
    places = [cells._place(family, values) for family in FAMILIES for values in family.children()]
    sizes = [family.width for family in FAMILIES for _ in family.children()]
    assert places == [sum(sizes[:number]) for number in range(len(sizes))]


def test_what_is_counted_is_read_from_the_bytes():
    metrics = ProcessMetrics(["/a"])
    for seconds in (0.0005, 0.001, 0.0011, 11.0):
        metrics.routes["/a"].answered("GET", 200, seconds)
    metrics.routes["/a"].answered("BREW", 418, 0.5)
    found, cells = read_families(bytes(metrics._cells.memory))
    assert [family.name for family in found] == [family.name for family in FAMILIES]
    place, family = _family(found, "muniment_http_request_duration_seconds")
    counts = cells[place + family.place("/a", "GET") :].tolist()[: family.width]
    assert counts == [2, 1, *[0] * 11, 1, pytest.approx(11.0026)]
    place, family = _family(found, "muniment_http_responses")
    assert [cells[place + family.place("/a", code)] for code in ("200", "404", "other")] == [4, 0, 1]


def _family(found: tuple[Family, ...], name: str) -> tuple[int, Family]:
    names = [each.name for each in found]
    at = names.index(name)
    return sum(each.size for each in found[:at]), found[at]


def test_a_page_is_what_prometheus_reads(tmp_path: Path):
    metrics = ProcessMetrics(["/a"], tmp_path)
    metrics.routes["/a"].answered("POST", 201, 0.003)
    metrics.commits("events")(3, 0.02)
    text = page(
        Workers(tmp_path).totals(), [Reading(readings.LAG_SECONDS, 1.5, ('a"\\\n',)), Reading(readings.ENDED, 2)]
    )
    found = shown(text)
    of_a = {"route": "/a", "method": "POST"}
    seconds = "muniment_http_request_duration_seconds"
    assert [sample(found, f"{seconds}_bucket", le=le, **of_a) for le in ("0.0025", "0.005", "10.0", "+Inf")] == [
        0,
        1,
        1,
        1,
    ]
    assert sample(found, f"{seconds}_sum", **of_a) == pytest.approx(0.003)
    assert sample(found, "muniment_http_responses_total", route="/a", code="201") == 1
    assert (
        sample(found, "muniment_http_responses_total", route="/a", code="200") is None
    )  # nothing of what was never used
    assert sample(found, "muniment_token_requests_total", grant="refresh_token", result="issued") == 0
    assert sample(found, "muniment_commit_batch_size_bucket", log="events", le="4.0") == 1
    assert sample(found, "muniment_projection_lag_seconds", projection='a"\\\n') == 1.5
    assert sample(found, "muniment_workers_ended_total") == 2


def test_several_workers_are_one_service_and_what_a_killed_one_counted_stays(tmp_path: Path):
    def counted() -> tuple[float | None, ...]:
        found = shown(page(workers.totals(), ()))
        issued = sample(found, "muniment_token_requests_total", grant="refresh_token", result="issued")
        seconds = sample(found, "muniment_http_request_duration_seconds_count", route="/a", method="GET")
        return issued, seconds, sample(found, "muniment_event_streams"), workers.alive, workers.ended

    workers = Workers(tmp_path)
    with worker(tmp_path, 3):
        with worker(tmp_path, 4):
            assert counted() == (7, 7, 10, 2, 0)
        assert counted() == (7, 7, 5, 1, 1)
        assert counted() == (7, 7, 5, 1, 1)
    assert counted()[:2] == (7, 7)
    assert (workers.alive, workers.ended, list(tmp_path.iterdir())) == (0, 2, [])


def test_a_file_that_a_worker_has_only_begun_is_left_alone(tmp_path: Path):
    (tmp_path / "123-begun").write_bytes(b"")
    workers = Workers(tmp_path)
    assert (workers.totals(), workers.ended) == ({}, 0)


def test_a_process_that_cannot_make_its_file_counts_for_itself_and_says_so(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
):
    metrics = ProcessMetrics(["/a"], tmp_path / "missing")
    metrics.routes["/a"].answered("GET", 200, 0.1)
    assert "this process is missing in the metrics" in caplog.text


def test_a_process_that_is_refused_the_disk_space_of_its_file_leaves_nothing_behind(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
):
    most, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1024, hard))
    try:
        metrics = ProcessMetrics(["/a"], tmp_path)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (most, hard))
    metrics.routes["/a"].answered("GET", 200, 0.1)
    assert "this process is missing in the metrics" in caplog.text
    assert not list(tmp_path.iterdir())


def test_the_whole_file_is_on_the_disk_before_a_process_counts_in_it(place: Path):
    ProcessMetrics(["/a"], place)
    [file] = place.iterdir()
    assert file.stat().st_blocks * 512 >= file.stat().st_size


def test_every_kind_of_refusal_that_the_log_counts_has_its_counter():
    document = refusal.RefusalsLeftOut.__doc__ or ""
    assert set(re.findall(r"`(\w+)`", document)) <= set(families.REFUSED)


async def test_each_commit_is_told_with_its_size_even_one_that_fails():
    told: list[int] = []

    async def flush(items: list[int]) -> list[int]:
        if 0 in items:
            raise ValueError
        return items

    batcher = Batcher(flush, watch=lambda items, _: told.append(items))
    await batcher.submit(1)
    with pytest.raises(ValueError):
        await batcher.submit(0)
    assert told == [1, 1]
