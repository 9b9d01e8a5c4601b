"""What a SIEM gets is valid by the published schema of OCSF."""

import json
from typing import Any
from uuid import UUID

import jsonschema_rs
import pytest
from ocsf_json_schema import OcsfJsonSchemaEmbedded, get_ocsf_schema

from events.codec import TYPES, Recorded, decode, encode
from events.envelope import Actor, ByClient, ByOperator, ByService, ByUser, Meta
from events.issuance import TokenIssued
from service.cli import ocsf
from tests.rules.samples import AT, STREAM
from tests.rules.test_codec import GOLDEN

STORED = {line["type"]: line for line in map(json.loads, GOLDEN.read_text().splitlines())}
ACTORS: list[Actor] = [
    ByClient(client_id="oauth_client_1", sub="bot-1"),
    ByUser(user_id=UUID(int=1)),
    ByUser(user_id=UUID(int=1), session=UUID(int=2)),
    ByOperator(user="ada"),
    ByService(why="the first run"),
]


@pytest.fixture(scope="module")
def validators() -> dict[str, Any]:
    schemas = OcsfJsonSchemaEmbedded(get_ocsf_schema(version=ocsf.VERSION))
    names = ("account_change", "authentication", "entity_management", "api_activity")
    found = [schemas.get_class_schema(name) for name in names]
    return {schema["title"]: jsonschema_rs.validator_for(schema) for schema in found}


def is_valid(validators: dict[str, Any], told: dict[str, Any]) -> bool:
    validator = validators[told["class_name"]]
    faults = [f"{'/'.join(map(str, fault.instance_path))}: {fault.message}" for fault in validator.iter_errors(told)]
    assert faults == []
    return told["type_uid"] == told["class_uid"] * 100 + told["activity_id"]


def recorded(kind: str, actor: Actor, address: str | None) -> Recorded:
    line = STORED[kind]
    meta = encode(Meta(actor=actor, request_id="r1", address=address))
    event = decode(kind, line["schema_ver"], line["data"].encode())
    return Recorded(position=7, recorded_at=AT, stream_id=STREAM, version=1, type=kind, event=event, meta_bytes=meta)


@pytest.mark.parametrize("kind", sorted(TYPES))
def test_every_event_is_valid(validators, kind):
    for actor, address in zip(ACTORS, ("192.0.2.1", "2001:db8::1", None, None, "not an address"), strict=True):
        told = ocsf.event(recorded(kind, actor, address))
        assert is_valid(validators, json.loads(json.dumps(told, default=str)))
        assert told["metadata"]["event_code"] == kind


def test_a_token_is_valid(validators):
    data = encode(TokenIssued(sub="bot-1", scope="api:public", kid="k", exp=1, address="192.0.2.1"))
    row: Any = {
        "position": 3,
        "issued_at": AT,
        "client": STREAM,
        "secret": UUID(int=0),
        "jti": UUID(int=9),
        "data": data,
    }
    told = ocsf.token(row)
    assert is_valid(validators, told)
    assert (told["class_name"], told["user"], told["src_endpoint"]) == (
        "Authentication",
        {"uid": "bot-1"},
        {"ip": "192.0.2.1"},
    )


@pytest.mark.parametrize(
    ("kind", "type_uid", "status"),
    [
        ("client.registered", 300401, ocsf.SUCCESS),
        ("client.secret_added", 300403, ocsf.SUCCESS),
        ("user.password_changed", 300103, ocsf.SUCCESS),
        ("session.started", 300201, ocsf.SUCCESS),
        ("refusal.client_authentication", 300201, ocsf.FAILURE),
        ("authorization.refresh_token_replayed", 300205, ocsf.FAILURE),
        ("refusal.throttled", 600399, ocsf.FAILURE),
        ("refusal.not_permitted", 600399, ocsf.FAILURE),
    ],
)
def test_what_an_event_is_in_ocsf(kind, type_uid, status):
    told = ocsf.event(recorded(kind, ACTORS[0], None))
    assert (told["type_uid"], told["status_id"]) == (type_uid, status)


def test_every_type_that_is_named_is_one_that_there_is():
    assert ocsf.ACTIVITIES.keys() <= TYPES
