"""Whose access tokens a client may look into."""

from typing import Any

import pytest

from projections import clients
from service.endpoints.introspect import may_see
from tests.rules.keyring import AUDIENCE, CLAIMS
from tests.rules.samples import CLIENT_ID, REGISTERED, STREAM


def sees(*scopes: str, **claims: Any) -> bool:
    caller = clients.project(None, STREAM, REGISTERED.__replace__(scopes=scopes))
    assert caller is not None
    return may_see(caller, CLAIMS.__replace__(**claims))


@pytest.mark.parametrize(
    ("seen", "expected"),
    [
        pytest.param(sees(client_id=CLIENT_ID), True, id="its own"),
        pytest.param(sees(aud=CLIENT_ID), True, id="those that are for it"),
        pytest.param(sees("introspect:all"), True, id="all, where an operator said so"),
        pytest.param(sees(f"introspect:{AUDIENCE}"), True, id="those for the resource that an operator said it is"),
        pytest.param(sees("introspect:https://crm.example.com"), False, id="none for another resource"),
        pytest.param(sees("introspect:", "api:public", "operate", AUDIENCE), False, id="no other scope will do"),
        pytest.param(sees(), False, id="none of others"),
    ],
)
def test_a_client_sees(seen: bool, expected: bool):
    assert seen is expected
