"""Scrapes a service as Prometheus would, and lets promtool say which alerts fire on what was scraped."""

import asyncio
import re
import shutil
import socket
import subprocess
import time
from collections.abc import AsyncGenerator, Awaitable, Callable, Collection
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Any

import httpx
import pytest
from msgspec import Struct, json

from service.configuration.settings import Settings
from service.exporter import running, shared_state
from service.exporter.listener import Listener
from service.exporter.running import Exporter
from service.exporter.shared_state import SharedState
from service.exporter.workers import Workers

ALERTS = Path(__file__).parents[2] / "deploy/alerts.yaml"
JOB, INSTANCE = "muniment", "127.0.0.1:9464"
UP = f'up{{job="{JOB}",instance="{INSTANCE}"}}'
FIRING = 'group by (alertname) (ALERTS{alertstate="firing",alertname!="IGNORED"})'
AGE = re.compile(r"_(?:age|lag)_seconds{")
WELL_FOR, ILL_FOR = 30, 60
"""Intervals: so long the service is well, and then ill."""


class Scrape(Struct, frozen=True):
    """The samples, by series with the labels that Prometheus adds, and the time in seconds."""

    at: float
    samples: dict[str, float]


class Scraper:
    """Reads the metrics of a service over HTTP."""

    def __init__(self, port: int, stop: Callable[[], Awaitable[None]]) -> None:
        self._url = f"http://127.0.0.1:{port}/metrics"
        self.stop = stop

    async def page(self) -> str:
        async with httpx.AsyncClient(verify=False) as http:
            response = await http.get(self._url)
        assert response.status_code == 200
        return response.text

    async def scrape(self) -> Scrape:
        samples = {UP: 0.0}
        with suppress(httpx.TransportError):
            samples = {UP: 1.0, **samples_of(await self.page())}
        return Scrape(time.monotonic(), samples)


@asynccontextmanager
async def scraping(directory: Path, database: str, settings: Settings) -> AsyncGenerator[Scraper]:
    """The exporter, as `muniment serve` runs it, except that each page is a new one."""
    with pytest.MonkeyPatch.context() as patch, socket.socket() as taken:
        for module in (running, shared_state):
            patch.setattr(module, "FRESH_SECONDS", 0.0)
        taken.bind(("127.0.0.1", 0))
        state = SharedState(database, settings)
        listening = asyncio.create_task(Listener(Exporter(Workers(directory), state).page, [taken]).run())

        async def stop() -> None:
            listening.cancel()
            await asyncio.gather(listening, return_exceptions=True)
            taken.close()

        yield Scraper(taken.getsockname()[1], stop)
        await stop()
        await state.close()


def samples_of(page: str) -> dict[str, float]:
    """The samples of a page by their series, as Prometheus writes and labels it."""
    lines = [line.rpartition(" ") for line in page.splitlines() if not line.startswith("#")]
    return {_labelled(series): float(value) for series, _, value in lines}


def _labelled(series: str) -> str:
    name, _, labels = series.removesuffix("}").partition("{")
    return f'{name}{{job="{JOB}",instance="{INSTANCE}"{"," + labels if labels else ""}}}'


def promtool(*arguments: str) -> str:
    """What it says. It is an error that it finds one."""
    program = shutil.which("promtool")
    if program is None:
        pytest.skip("promtool is not installed (on Debian: apt-get install prometheus)")
    done = subprocess.run([program, *arguments], check=False, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def check(
    place: Path,
    well: Scrape,
    ill: tuple[Scrape, Scrape],
    fired: Collection[str],
    *,
    after: int,
    interval: str = "1m",
    ignored: str = "",
) -> None:
    """Asserts that no alert fires on the scrape of a service that is well, and exactly these when it has been ill for some intervals.

    While it is ill, each sample goes on as it did between the two scrapes: what ages, ages, and what is counted, is counted.
    What is ignored may fire or not.
    """
    used = set(re.findall(r"\b(?:muniment_\w+|up)\b", ALERTS.read_text()))
    names = {series for each in (well, *ill) for series in each.samples if series.partition("{")[0] in used}
    tests = {
        "rule_files": [str(ALERTS)],
        "evaluation_interval": interval,
        "tests": [
            {
                "interval": interval,
                "input_series": [
                    {"series": name, "values": _values(name, well, *ill, interval)} for name in sorted(names)
                ],
                "promql_expr_test": [
                    _firing(WELL_FOR - 1, interval, ()),
                    _firing(WELL_FOR + after, interval, sorted(fired), ignored),
                ],
            }
        ],
    }
    file = place / "alerts.test.yaml"
    file.write_bytes(json.encode(tests))  # which is YAML, too
    promtool("test", "rules", str(file))


def _firing(intervals: int, interval: str, fired: Collection[str], ignored: str = "") -> dict[str, Any]:
    expected = [{"labels": f'{{alertname="{name}"}}', "value": 1} for name in fired]
    at = f"{intervals * int(interval[:-1])}{interval[-1]}"
    return {"expr": FIRING.replace("IGNORED", ignored), "eval_time": at, "exp_samples": expected}


def _values(name: str, well: Scrape, first: Scrape, second: Scrape, interval: str) -> str:
    return f"{_well(well.samples.get(name))} {_ill(name, first, second, interval)}"


def _well(value: float | None) -> str:
    return f"_x{WELL_FOR}" if value is None else f"{value:.6f}+0x{WELL_FOR - 1}"


def _ill(name: str, first: Scrape, second: Scrape, interval: str) -> str:
    if name not in first.samples or name not in second.samples:
        return f"_x{ILL_FOR}"
    seconds = int(interval[:-1]) * {"m": 60, "d": 86_400}[interval[-1]]
    slope = _slope(name, first.samples[name], second.samples[name], second.at - first.at) * seconds
    return f"{first.samples[name]:.6f}{slope:+.6f}x{ILL_FOR}"


def _slope(name: str, first: float, second: float, seconds: float) -> float:
    """What ages does so by the clock of the database, which need not agree with the moments of the scrapes."""
    if not AGE.search(name):
        return (second - first) / seconds
    return 1.0 if first > 0 and second - first > seconds / 2 else 0.0
