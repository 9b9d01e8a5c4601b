"""What the event streams of a process share."""

import pytest

from service import streams
from service.streams import Frames
from tests.rules.test_audit_push import PAST


def test_an_event_is_made_into_text_once_for_all_streams(monkeypatch: pytest.MonkeyPatch):
    first, other = PAST
    frames = Frames()
    text = frames.of(1, first)
    assert text.startswith(b'id: 7\ndata: {"position":7,')
    assert frames.of(1, first) is text
    assert frames.of(2, first) is not text  # a log that lost history may have another event there

    monkeypatch.setattr(streams, "MOST_KEPT", 1)
    assert frames.of(1, other).startswith(b"id: 8\n")
    assert frames.of(1, first) is not text  # the oldest was forgotten
