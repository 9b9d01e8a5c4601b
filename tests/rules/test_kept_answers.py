"""The answers that are kept for a retry: their form."""

from typing import Any, cast

from msgspec import json

from service.idempotency import Idempotency, StoredAnswer, decoded

ANSWER = StoredAnswer(status=200, location="", body=b"{}" * 1000)


def test_a_kept_answer_is_a_little_longer_than_its_body():
    asked = Idempotency(cast("Any", None), b"m" * 32).asked("a key", caller="refresh", path="/", body=b"")
    sealed = asked.receipt(ANSWER).response
    assert len(sealed) < len(ANSWER.body) + 100
    assert decoded(asked.seal.open(sealed, asked.command_id.bytes)) == ANSWER


def test_an_answer_that_was_kept_as_json_is_read():
    assert decoded(json.encode(ANSWER)) == ANSWER
