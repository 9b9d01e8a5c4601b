"""Each alert of deploy/alerts.yaml fires when its fault is caused, and no other does; what alerts and dashboard ask for exists."""

import asyncio
import logging
import re
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Collection
from contextlib import AsyncExitStack, ExitStack, asynccontextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import asyncpg
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from msgspec import Struct, json
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from events import database, locks
from events.database import connected
from events.transparency.notes import COSIGNATURE, SignerKey
from events.transparency.trees import BOTH
from projections import registry
from projections.engine import verifier
from projections.engine.pace import Pace
from projections.engine.rebuild import rebuild
from service import gauges
from service.configuration.webhook import Webhook
from service.configuration.witnesses import Witness
from service.embedded.cluster import running
from service.exporter import readings
from service.metrics import families
from service.metrics.messages import count_messages
from service.migrations.run import migrate
from service.transparency.log_key import LogKey
from service.witness import app as our_witness
from service.witness.state import State
from tests.conftest import FAST, WHERE
from tests.flows.alerting import ALERTS, INSTANCE, JOB, UP, Scrape, Scraper, check, promtool, samples_of, scraping
from tests.flows.conftest import MASTER_KEY, Live, serving
from tests.patience import until
from tests.rules.test_metrics import worker
from tests.tables.test_cosigning import answering

DASHBOARD = ALERTS.parent / "dashboards/muniment.json"
ISSUER = "http://127.0.0.1"
SLOW = "MunimentTokensSlow"
LAGS = (readings.LAG_SECONDS.name, readings.CHECKPOINT_LAG.name, readings.WITNESS_LAG.name, readings.WEBHOOK_LAG.name)


class Shop(Struct, frozen=True, kw_only=True):
    """A service with a witness and a webhook, on a Postgres of its own, and who scrapes it."""

    live: Live
    scraper: Scraper
    counted: Path
    superuser: asyncpg.Connection
    outside: AsyncExitStack
    postgres: ExitStack

    async def fires(
        self,
        fired: Collection[str],
        *,
        after: int = 12,
        interval: str = "1m",
        meanwhile: Callable[[], Awaitable[object]] | None = None,
        settled: bool = True,
        is_calm: bool = True,
    ) -> AsyncGenerator[None]:
        """Scrape, let the fault be caused, scrape twice, and assert which alerts fire so many intervals later."""
        if settled:
            await until(self.is_well)
        well = await self.scrape()
        yield
        first = await self.scrape(is_calm=is_calm)
        if meanwhile is not None:
            await meanwhile()
            if settled:  # what these requests left behind does not age
                await until(self.is_well)
        await asyncio.sleep(1)
        second = await self.scrape(is_calm=is_calm, most=_used(first))
        # A busy machine is slow, too.
        ignored = "" if meanwhile is None or SLOW in fired else SLOW
        check(self.counted.parent, well, (first, second), fired, after=after, interval=interval, ignored=ignored)

    async def scrape(self, *, is_calm: bool = True, most: float = float("inf")) -> Scrape:
        """One of a moment in which no background work has the last connection of the pool: the rules see it for minutes.

        Nor does it have more connections than `most`, which the rules would see grow from minute to minute.
        """

        async def calm() -> Scrape | None:
            found = await self.scraper.scrape()
            used, limit = _used(found), _sum(found, families.POOL_LIMIT.name)
            return None if is_calm and (used >= limit > 0 or used > most) else found

        return await until(calm)

    async def shown(self) -> dict[str, float]:
        return samples_of(await self.scraper.page())

    async def is_well(self, *, but: str = "") -> bool:
        """Whether everything has caught up, `but` one projection."""
        found = await self.shown()
        behind = [series for series, value in found.items() if series.startswith(LAGS) and value]
        return all(but and f'"{but}"' in series for series in behind) and any(
            series.startswith(readings.WITNESS_LAG.name) for series in found
        )

    async def until_shown(self, name: str, label: str = "job", value: str = JOB) -> None:
        """Wait until a sample with this label is not zero."""

        async def is_shown() -> bool:
            found = [
                of for series, of in (await self.shown()).items() if series.startswith(name) and label_of in series
            ]
            return any(found)

        label_of = f'{label}="{value}"'
        await until(is_shown)

    async def verify(self, name: str) -> None:
        """As the service does it in the background, but at once."""
        async with connected(self.live.database) as connection:
            await verifier._verify(connection, name, registry.find(name), Pace(1.0))

    async def token(self, **more: str) -> int:
        form = {"client_id": self.live.client_id, "client_secret": self.live.client_secret, **more}
        return (
            await self.live.http.post("/openid/token", data={"grant_type": "client_credentials", **form})
        ).status_code


fires = asynccontextmanager(Shop.fires)


@asynccontextmanager
async def _outside(database: str, place: Path, stack: AsyncExitStack) -> AsyncGenerator[dict[str, Any]]:
    """The settings that name a witness and a webhook, which end with the stack."""

    async def accept(_request: Request) -> Response:
        return Response(status_code=204)

    signer = SignerKey("witness.example/w1", COSIGNATURE, Ed25519PrivateKey.generate())
    key, state = LogKey(ISSUER, MASTER_KEY), State(place / "heads.sqlite")
    async with connected(database) as connection:
        logs = {each.name: each.verifier for each in [await key.signer(connection, tree) for tree in BOTH]}
    witness = await stack.enter_async_context(answering(our_witness.create(signer, logs, state)))
    hook = await stack.enter_async_context(answering(Starlette(routes=[Route("/", accept, methods=["POST"])])))
    yield {"witnesses": (Witness(signer.verifier, witness),), "webhook": Webhook(url=f"{hook}/", key=b"k" * 32)}
    state.close()


def _used(found: Scrape) -> float:
    """The connections of the pool that are in use."""
    return _sum(found, families.POOL.name)


def _sum(found: Scrape, name: str) -> float:
    return sum(of for series, of in found.samples.items() if series.startswith(f"{name}{{") and "idle" not in series)


@pytest.fixture(scope="module")
async def shop() -> AsyncIterator[Shop]:
    promtool("--version")
    handlers = [*logging.getLogger().handlers]
    async with AsyncExitStack() as stack:
        place = Path(stack.enter_context(TemporaryDirectory(dir=WHERE)))
        place.chmod(0o711)
        for name in ("data", "counted"):
            (place / name).mkdir()
        postgres, outside = stack.enter_context(ExitStack()), await stack.enter_async_context(AsyncExitStack())
        database = await asyncio.to_thread(postgres.enter_context, running(place / "data", settings=FAST))
        await migrate(database)
        named = await stack.enter_async_context(_outside(database, place, outside))
        changes = {
            "rate_limit": 0,
            "failed_auth_limit": 0,
            "verification_hours": 0,
            "issuer": ISSUER,
            "audience": ISSUER,
            **named,
        }
        live = await stack.enter_async_context(serving(database, place / "counted", **changes))
        count_messages(live.application.state.metrics.messages)
        settings = live.application.resources.settings
        scraper = await stack.enter_async_context(scraping(place / "counted", database, settings))
        superuser = await asyncpg.connect(database)
        yield Shop(
            live=live,
            scraper=scraper,
            counted=place / "counted",
            superuser=superuser,
            outside=outside,
            postgres=postgres,
        )
        superuser.terminate()
    logging.getLogger().handlers[:] = handlers


async def test_a_poisoned_projection(shop: Shop):
    async with fires(shop, ["MunimentProjectionFailed", "MunimentErrors"]):
        await shop.superuser.execute("alter table read.last_used add constraint poison check (false) not valid")
        await shop.token()
        await shop.until_shown(readings.FAILED.name, "projection", "last_used")
        await until(lambda: shop.is_well(but="last_used"))
    await shop.superuser.execute("alter table read.last_used drop constraint poison")
    await rebuild(shop.live.database, "last_used", lambda *_: None)


async def test_a_projection_whose_table_is_locked(shop: Shop):
    async with AsyncExitStack() as lasting, fires(shop, ["MunimentProjectionBehind", "MunimentCheckpointBehind"]):
        await lasting.enter_async_context(shop.superuser.transaction())
        await shop.superuser.execute("lock table read.issuance_tiles in access exclusive mode")
        await shop.token()
        await shop.until_shown(readings.LAG_SECONDS.name, "projection", "issuance_tiles")


async def test_a_tile_that_is_missing(shop: Shop):
    async with fires(shop, ["MunimentCheckpointBehind", "MunimentErrors", "MunimentProjectionFailed"]):
        await shop.superuser.execute("delete from read.log_tiles")
        await shop.live.register()
        await shop.until_shown(readings.FAILED.name, "projection", "log_tiles")
    await rebuild(shop.live.database, "log_tiles", lambda *_: None)


async def test_secrets_that_are_guessed(shop: Shop):
    async def guess() -> None:
        for _ in range(20):
            assert await shop.token(client_secret="wrong") == 401

    async with fires(shop, ["MunimentClientsRefused"], meanwhile=guess):
        await guess()


async def test_more_requests_than_can_be_answered(shop: Shop, monkeypatch: pytest.MonkeyPatch):
    async def ask() -> None:
        with monkeypatch.context() as patch:
            patch.setattr(database, "MOST_READS", 0)
            for _ in range(20):
                refused = await shop.live.http.get("/api/v1/auth/clients", headers=shop.live.bearer)
                assert refused.status_code == 503
                assert refused.headers["retry-after"] == "1"
        await gauges.show(shop.live.application.resources)

    async with fires(shop, ["MunimentOverloaded"], meanwhile=ask):
        await ask()


WAITS = "select exists (select from pg_locks where locktype = 'advisory' and not granted)"


async def test_commits_that_take_seconds(shop: Shop):
    async def slow() -> None:
        async with shop.superuser.transaction():
            await shop.superuser.execute(locks.in_transaction(locks.ISSUANCE))
            asking = asyncio.create_task(shop.token())
            await until(lambda: shop.superuser.fetchval(WAITS))
            await asyncio.sleep(1.1)
        assert await asking == 200

    async with fires(shop, [SLOW], meanwhile=slow):
        await slow()


async def test_connections_that_are_all_in_use(shop: Shop):
    resources = shop.live.application.resources
    pool = resources.ledger.pool
    async with AsyncExitStack() as lasting, fires(shop, ["MunimentPoolExhausted"], is_calm=False):
        for _ in range(pool.get_max_size()):
            await lasting.enter_async_context(pool.acquire())
        await gauges.show(resources)
    await gauges.show(resources)


async def test_workers_that_are_killed(shop: Shop):
    async with fires(shop, ["MunimentWorkersEnd"]):
        for _ in range(3):
            with worker(shop.counted, 1):
                pass


async def test_a_row_that_somebody_changed(shop: Shop):
    await shop.verify("clients")
    async with fires(shop, ["MunimentProjectionDiffers", "MunimentErrors"]):
        await shop.superuser.execute("update read.clients set display_name = 'forged'")
        await shop.verify("clients")
    await rebuild(shop.live.database, "clients", lambda *_: None)
    await shop.verify("clients")


async def test_a_key_that_is_never_rotated_and_a_table_that_is_never_verified(shop: Shop):
    await shop.verify("clients")
    async with fires(shop, ["MunimentSigningKeyOld", "MunimentProjectionUnverified"], after=45, interval="10d"):
        pass


async def test_a_witness_and_a_webhook_that_are_down(shop: Shop):
    async with fires(shop, ["MunimentWitnessBehind", "MunimentWebhookBehind"], after=25):
        await shop.outside.aclose()
        await shop.live.register()
        await shop.until_shown(readings.WITNESS_LAG.name, "log", "events")
        await shop.until_shown(readings.WEBHOOK_LAG.name)


async def test_a_service_that_is_down(shop: Shop):
    settings = shop.live.application.resources.settings
    async with (
        scraping(shop.counted, shop.live.database, settings) as scraper,
        fires(shop.__replace__(scraper=scraper), ["MunimentDown"], settled=False),
    ):
        await scraper.stop()


async def test_a_postgres_that_is_stopped(shop: Shop, monkeypatch: pytest.MonkeyPatch):
    async def fail() -> None:
        assert await shop.token() == 503

    monkeypatch.setattr("events.database.PATIENCE_SECONDS", 0.05)
    async with fires(shop, ["MunimentDatabaseDown", "MunimentTokensFail"], meanwhile=fail, settled=False):
        await asyncio.to_thread(shop.postgres.close)
        await fail()


def test_five_tokens_that_fail_in_five_minutes_wake_nobody(tmp_path: Path):
    of = f'{families.TOKENS.name}_total{{job="{JOB}",instance="{INSTANCE}",grant="client_credentials",result='
    issued, failed = f'{of}"issued"}}', f'{of}"temporarily_unavailable"}}'

    def check_failures(a_minute: float, fired: Collection[str]) -> None:
        well = {UP: 1.0, issued: 0.0, failed: 0.0}
        ill = Scrape(0, well), Scrape(60, {UP: 1.0, issued: 2.0, failed: a_minute})
        check(tmp_path, Scrape(0, well), ill, fired, after=12)

    check_failures(0.9, ())
    check_failures(2, ["MunimentTokensFail"])


def test_each_alert_has_a_test_here():
    alerts = set(re.findall(r"- alert: (\w+)", ALERTS.read_text()))
    assert alerts == set(re.findall(r"\"(Muniment[A-Z]\w+)\"", Path(__file__).read_text()))


KNOWN = {
    **{each.name: set(each.labels) for each in families.every(())},
    **{each.name: set(each.labels) for each in readings.EVERY},
}
OF_PROMETHEUS = {"job", "instance", "le"}
QUERY_WORDS = re.compile(r"\b(muniment_\w+)(?:\{([^}]*)\})?")


def _queries() -> list[str]:
    rules = re.findall(r"expr: (?:>-\n)?((?:.(?!\n +(?:for|labels):))+.)", ALERTS.read_text(), re.DOTALL)
    return [*rules, *_dashboard()]


def _dashboard() -> list[str]:
    panels = json.decode(DASHBOARD.read_bytes())["panels"]
    return [target["expr"] for panel in panels for target in panel.get("targets", ())]


def test_every_metric_and_label_that_is_asked_for_exists():
    queries = _queries()
    assert len(queries) > 40
    for query in queries:
        labels: set[str] = set()
        for name, matchers in QUERY_WORDS.findall(query):
            labels |= KNOWN[re.sub(r"_(total|bucket|sum|count)$", "", name)]
            assert set(re.findall(r"(\w+)=", matchers)) <= labels | OF_PROMETHEUS, query
        grouped = {label for by in re.findall(r" by \(([^)]*)\)", query) for label in re.findall(r"\w+", by)}
        assert grouped <= labels | OF_PROMETHEUS, query


def test_every_metric_is_on_the_dashboard():
    text = " ".join(_dashboard())
    assert {name for name in KNOWN if name not in text} <= {
        readings.CHECKPOINT_SIZE.name,
        readings.COSIGNED_SIZE.name,
        readings.WEBHOOK_LAG_EVENTS.name,
    }


def test_prometheus_accepts_the_alerts_and_each_query_of_the_dashboard(tmp_path: Path):
    assert "SUCCESS" in promtool("check", "rules", str(ALERTS))
    queries = [query.replace("$__rate_interval", "5m").replace("$job", "muniment") for query in _dashboard()]
    rules = [{"record": f"dashboard:{number}", "expr": query} for number, query in enumerate(queries)]
    file = tmp_path / "dashboard.yaml"
    file.write_bytes(json.encode({"groups": [{"name": "dashboard", "rules": rules}]}))
    assert f"{len(queries)} rules found" in promtool("check", "rules", str(file))
