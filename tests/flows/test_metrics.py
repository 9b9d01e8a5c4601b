"""What a service counts while it serves, and what it shows of the state that all processes share."""

import asyncio
import errno
import os
import socket
import tempfile
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from msgspec import Struct
from starlette.types import Receive, Scope, Send

from events.database import connected
from service.exporter import running
from service.exporter.running import Exporter
from service.exporter.shared_state import SharedState
from service.exporter.workers import Workers
from service.http.measured import Measured
from service.metrics.cells import DIRECTORY
from service.metrics.process import ProcessMetrics
from tests.flows.alerting import Scraper, samples_of, scraping
from tests.flows.conftest import Live, new_database, serving
from tests.patience import PATIENCE, until

SECONDS, RESPONSES = "muniment_http_request_duration_seconds", "muniment_http_responses_total"


class Seen(Struct, frozen=True):
    """Differences of samples between two pages."""

    samples: dict[str, float]

    def __call__(self, name: str, **labels: str) -> float:
        shown = "".join(f',{label}="{value}"' for label, value in sorted(labels.items()))
        return self.samples.get(f'{name}{{job="muniment",instance="127.0.0.1:9464"{shown}}}', 0)

    def __sub__(self, before: "Seen") -> "Seen":
        return Seen({series: value - before.samples.get(series, 0) for series, value in self.samples.items()})


class Counted(Struct, frozen=True):
    live: Live
    scraper: Scraper

    async def seen(self) -> Seen:
        return Seen(samples_of(await self.scraper.page()))


@pytest.fixture(scope="module")
async def counted(postgres: str, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Counted]:
    directory = tmp_path_factory.mktemp("counted")
    async with (
        serving(await new_database(postgres), directory, rate_limit=0, failed_auth_limit=0) as live,
        scraping(directory, live.database, live.application.resources.settings) as scraper,
    ):
        yield Counted(live, scraper)


async def test_tokens_are_counted_by_grant_and_result_and_refusals_by_kind(counted: Counted):
    live, before = counted.live, await counted.seen()
    await live.access_token(live.client_id, live.client_secret)
    await live.token_for(live.client_id, "wrong")
    await live.token_for(live.client_id, live.client_secret, scope="no:scope")
    refreshed = await live.token_for(live.client_id, live.client_secret, grant_type="refresh_token")
    await live.token_for(live.client_id, live.client_secret, grant_type="a stranger's")
    now = await counted.seen() - before
    tokens = {
        ("client_credentials", "issued"): 1,
        ("client_credentials", "invalid_client"): 1,
        ("client_credentials", "invalid_scope"): 1,
        ("refresh_token", refreshed.json()["error"]): 1,
        ("other", "unsupported_grant_type"): 1,
    }
    found = {key: now("muniment_token_requests_total", grant=key[0], result=key[1]) for key in tokens}
    assert found == tokens
    assert sum(v for series, v in now.samples.items() if series.startswith("muniment_token_requests_total")) == 5
    assert now("muniment_refusals_total", kind="wrong_secret") == 1


async def test_responses_are_counted_by_the_template_of_the_route_and_never_by_the_path(counted: Counted):
    live, before = counted.live, await counted.seen()
    client_id, _ = await live.register()
    await live.http.get(f"/api/v1/auth/clients/{client_id}", headers=live.bearer)
    await live.http.head("/api/v1/auth/clients/hidden", headers=live.bearer)
    await live.http.get("/hidden/secret-path")
    await live.http.request("PUT", "/openid/jwks")
    await live.http.request("PUT", "/openid/introspect")
    await live.http.get("/pages/hidden")
    now = await counted.seen() - before
    one = "/api/v1/auth/clients/{client_id}"
    assert now(RESPONSES, route="/api/v1/auth/clients", code="201") == 1
    assert (now(RESPONSES, route=one, code="200"), now(RESPONSES, route=one, code="404")) == (1, 1)
    assert now(RESPONSES, route="none", code="404") == 1
    assert now(f"{SECONDS}_count", route="/api/v1/auth/clients", method="POST") == 1
    assert now(RESPONSES, route="none", code="405") == 1
    assert now(RESPONSES, route="/openid/introspect", code="405") == 1
    assert now(f"{SECONDS}_count", route="/openid/introspect", method="other") == 1
    assert now(RESPONSES, route="/pages/{name}", code="404") == 1
    assert "hidden" not in (page := " ".join(now.samples))
    assert client_id not in page


async def test_a_request_from_outside_that_fails_without_a_response_is_counted_as_a_500():
    async def fail(_scope: Scope, _receive: Receive, _send: Send) -> None:
        raise RuntimeError

    async def unused(*_: object) -> Any:
        raise AssertionError

    metrics = ProcessMetrics(["/fails"])
    from_outside = {"type": "http", "method": "GET"}
    for scope in (from_outside, {**from_outside, "inner": "a request that a page makes"}):
        with pytest.raises(RuntimeError):
            await Measured(fail, metrics.routes["/fails"], inner="inner")(scope, unused, unused)
    place = metrics._responses.place("/fails", "500")
    assert metrics._cells._cells[metrics._cells._places["muniment_http_responses"] + place] == 1


async def test_commits_are_counted_by_log(counted: Counted):
    live, before = counted.live, await counted.seen()
    await live.register()
    await live.access_token(live.client_id, live.client_secret)
    now = await counted.seen() - before
    for log in ("events", "issuance"):
        assert now("muniment_commit_duration_seconds_count", log=log) >= 1
        assert now("muniment_commit_batch_size_sum", log=log) >= 1


async def test_what_is_sampled_is_there_within_a_second_or_so(counted: Counted):
    live, before = counted.live, await counted.seen()
    await live.access_token(live.client_id, live.client_secret)

    async def sampled() -> bool:
        now = await counted.seen()
        return (
            now("muniment_client_cache_size") > 0 and (now - before)("muniment_client_lookups_total", result="hit") > 0
        )

    await until(sampled)
    now = await counted.seen()
    assert now("muniment_pool_connections_limit") == 4
    assert 0 < now("muniment_pool_connections", state="used") + now("muniment_pool_connections", state="idle") <= 4


async def test_the_state_is_that_of_the_database(counted: Counted):
    live = counted.live
    await live.register()

    async def caught_up() -> Seen | None:
        now = await counted.seen()
        lags = [value for series, value in now.samples.items() if "_lag_" in series]
        return now if len(lags) > 10 and not any(lags) else None

    now = await until(caught_up)
    assert now("muniment_database_up") == 1
    assert now("muniment_projection_failed", projection="last_used") == 0
    assert now("muniment_checkpoint_size", log="events") == now("muniment_log_position", log="events") > 0
    assert 0 < now("muniment_signing_key_age_seconds", alg="ES256") < 86_400
    assert now("muniment_workers") == 1


BESIDE = """
insert into read.checkpoints (name, version, position, chain, state)
select name, 9, 0, chain, state from log.batches,
  (values ('client_history_v9', 'active'), ('bot_history_v9', 'failed'), ('removed.orders', 'failed')) as made (name, state)
 where last_position = 0
"""
"""From the beginning of the event log, as the engine does it."""


async def test_a_table_that_is_built_is_not_late_and_a_package_that_was_removed_is_not_missing(counted: Counted):
    async with connected(counted.live.database) as connection:
        await connection.execute(BESIDE)
        now = await counted.seen()
        await connection.execute("delete from read.checkpoints where version = 9")
    failed = [now("muniment_projection_failed", projection=name) for name in ("client_history", "bot_history")]
    assert failed == [0, 1]
    lags = [series for series in now.samples if series.startswith("muniment_projection_lag_seconds")]
    assert any('"client_history"' in series for series in lags)
    assert not [series for series in now.samples if "_v9" in series or "removed" in series]


async def test_the_metrics_are_not_on_the_public_port(counted: Counted):
    assert (await counted.live.http.get("/metrics")).status_code == 404


async def test_a_service_that_can_make_no_directory_shows_the_state_and_its_errors_and_no_workers(
    counted: Counted, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
):
    def full(*_: object, **_more: object) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(tempfile, "mkdtemp", full)
    settings = counted.live.application.resources.settings.__replace__(database_url=counted.live.database)
    with socket.create_server(("127.0.0.1", 0)) as taken, running.running(settings, [taken], workers=2):
        ProcessMetrics(directory=Path(os.environ[DIRECTORY]))
        shown = await asyncio.to_thread(
            httpx.get, f"http://127.0.0.1:{taken.getsockname()[1]}/metrics", timeout=PATIENCE
        )
    assert "muniment_database_up 1.0\n" in shown.text
    assert "muniment_workers 0.0\n" in shown.text
    assert "no worker is shown in the metrics" in caplog.text
    assert 'muniment_log_messages_total{level="error"} 2.0\n' in shown.text


async def test_who_asks_again_at_once_gets_the_same_page(counted: Counted, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(running, "FRESH_SECONDS", 3600)
    settings = counted.live.application.resources.settings
    exporter = Exporter(Workers(Path("/nonexistent")), state := SharedState(counted.live.database, settings))
    assert await exporter.page() is not None
    _, first = await exporter.page()
    _, second = await exporter.page()
    assert first is second
    await state.close()
