"""What holds tokens, codes or addresses does not show them, wherever it is logged."""

from typing import Any

import pytest
from msgspec import Struct, structs

from service.endpoints.protected import PresentedToken
from service.grants.device_authorization import DeviceAuthorizationResponse
from service.grants.oauth_request import TokenResponse
from service.grants.token_exchange import ExchangeResponse
from service.oauth.authorization_request import AskingDevice
from service.oauth.tokens import VerifiedClaims

HIDING: tuple[type[Struct], ...] = (
    PresentedToken,
    DeviceAuthorizationResponse,
    TokenResponse,
    ExchangeResponse,
    AskingDevice,
    VerifiedClaims,
)


@pytest.mark.parametrize("kind", HIDING)
def test_it_shows_nothing(kind: type[Struct]):
    values: dict[str, Any] = {field.name: "hidden-value" for field in structs.fields(kind)}
    assert "hidden-value" not in f"{kind(**values)!r} {kind(**values)}"
