"""How often devices may ask for codes in a minute, and in a day."""

from types import SimpleNamespace
from typing import Any, cast
from unittest.mock import AsyncMock

import pytest

from service.grants import device_authorization
from service.limits import Counted
from service.oauth.errors import TooManyRequests


async def counted(public: bool) -> list[str]:
    """The keys that are counted for one request, when each network has used up nothing and each client too much."""
    keys: list[str] = []

    async def count(key: str) -> Counted:
        keys.append(key)
        return Counted(1 if "192.0.2.7" in key else 10_000, 30, cast("Any", None))

    resources = SimpleNamespace(limits=SimpleNamespace(count=count))
    client = SimpleNamespace(client_id="oauth_client_x", public=public, scopes=())
    request = SimpleNamespace(resources=resources, address="192.0.2.7")
    await device_authorization._throttle(cast("Any", request), cast("Any", SimpleNamespace(client=client)))
    return keys


async def test_strangers_cannot_lock_the_users_of_a_public_client_out():
    keys = await counted(public=True)
    assert keys == ["device authorizations of 192.0.2.7", "day device authorizations of 192.0.2.7"]


async def test_a_network_has_a_limit_for_the_day(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(device_authorization, "record_throttled_requests", AsyncMock())
    monkeypatch.setattr(device_authorization, "MOST_OF_A_NETWORK_IN_A_DAY", 0)
    with pytest.raises(TooManyRequests):
        await counted(public=True)


async def test_a_confidential_client_has_a_limit_of_its_own(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(device_authorization, "record_throttled_requests", AsyncMock())
    with pytest.raises(TooManyRequests):
        await counted(public=False)
