"""An installed package's projections in a running service: followed, listed, and a fault of theirs stops nothing of ours."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from projections import registry
from tests.flows.conftest import new_database, serving
from tests.flows.test_cli import on
from tests.patience import until

ACME = Path(__file__).parents[1] / "packages" / "acme"


@pytest.fixture(autouse=True)
def _installed(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[None]:
    """The package acme, and one that cannot be imported."""
    place = tmp_path / "broken-1.0.dist-info"
    place.mkdir()
    (place / "METADATA").write_text("Metadata-Version: 2.1\nName: broken\nVersion: 1.0\n")
    (place / "entry_points.txt").write_text("[muniment.projections]\nbroken = not_there:PROJECTION\n")
    for path in (ACME, tmp_path):
        monkeypatch.syspath_prepend(path)
    registry.of_packages.cache_clear()
    yield
    registry.of_packages.cache_clear()


async def test_a_service_follows_the_projections_of_packages_and_names_what_is_wrong_with_them(postgres: str, caplog):
    database = await new_database(postgres)
    migrated = await on(database, "db", "migrate", "--json")
    assert migrated.json["schemas"] == ["acme", "broken"]
    async with serving(database) as live:
        client_id, _ = await live.register()
        disabled = await live.http.post(f"/api/v1/auth/clients/{client_id}/disable", headers=live.bearer)
        assert disabled.status_code == 200

        async def stopped() -> bool:
            listed = await on(database, "projections", "list", "--json")
            now.update({each["name"]: each for each in listed.json})
            return now["acme.buggy"]["state"] == "failed" and now["acme.owners"]["lag"] == 0

        now: dict[str, dict[str, object]] = {}
        await until(stopped)
        assert now["broken"]["state"] == "not loaded"
        assert "No module named 'not_there'" in str(now["broken"]["error"])
        assert "the projection acme.buggy stopped" in caplog.text
        assert "the projection broken of an installed package is left out" in caplog.text
        await live.register()
        shown = await on(database, "status", "--json", "--url", live.url)
        assert shown.json["installation"]["workers"] == 1

    rebuilt = await on(database, "projections", "rebuild", "--all", "--json")
    assert rebuilt.status == 1
    assert "acme.buggy is not rebuilt" in rebuilt.err
    assert {each["name"] for each in rebuilt.json} == registry.everything().keys() - {"acme.buggy"}
    assert (await on(database, "projections", "verify", "--json")).json["ok"] is True
