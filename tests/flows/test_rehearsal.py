"""Rehearsing a policy over HTTP and at the command line."""

import json
from typing import Any

import httpx
import pytest

from tests.flows.conftest import Live, refused
from tests.flows.test_cli import on

PATH = "/api/v1/audit/rehearsals"


@pytest.fixture(scope="module")
async def auditor(live: Live) -> dict[str, str]:
    return await live.caller("auditor", "audit:read")


async def rehearse(live: Live, auditor: dict[str, str], **policy: Any) -> httpx.Response:
    return await live.http.post(PATH, json=policy, headers=auditor)


async def test_an_auditor_learns_whose_tokens_a_policy_would_have_refused(live: Live, auditor: dict[str, str]):
    client_id, client_secret = await live.register(displayName="Nightly export", scopes=["api:public"])
    for _ in range(2):
        await live.access_token(client_id, client_secret)
    answer = (await rehearse(live, auditor, denyScopes=["api:public"], maxTokenLifetime=1)).json()
    own = {(r["rule"], r["request"]): r for r in answer["refused"] if r["clientId"] == client_id}
    assert {key: found["times"] for key, found in own.items()} == {
        ("deny_scope", "token"): 2,
        ("deny_scope", "registration"): 1,
        ("max_token_lifetime", "token"): 2,
    }
    assert {found["displayName"] for found in own.values()} == {"Nightly export"}
    ended = await on(live.database, "policy", "rehearse", "--deny-scope", "api:public", "--since", "1h", "--json")
    told = [r for r in json.loads(ended.out)["refused"] if r["clientId"] == client_id]
    assert told == [own["deny_scope", "token"], own["deny_scope", "registration"]]


@pytest.mark.parametrize(
    ("policy", "faults"),
    [
        ({"maxTokenLifetime": 0, "denyScopes": ["a b"], "requirePkce": "yes", "strict": True}, 4),
        ({"requirePkce": True, "since": "2999-01-01T00:00:00Z"}, 1),
        ({"requirePkce": True, "until": "0001-01-01T00:00:00+14:00"}, 1),
        ({"requirePkce": True, "since": "0001-01-01T00:00:00+14:00", "until": "1999-01-01T00:00:00Z"}, 1),
    ],
)
async def test_a_policy_with_faults_is_refused_with_all_of_them(
    live: Live, auditor: dict[str, str], policy: dict[str, Any], faults: int
):
    assert len(refused(await rehearse(live, auditor, **policy), 400)["errors"]) == faults


async def test_a_policy_without_a_rule_is_refused_with_the_rules(live: Live, auditor: dict[str, str]):
    assert "requirePkce, maxTokenLifetime" in refused(await rehearse(live, auditor, denyScopes=[]), 400)["detail"]
