"""Arrays as the text that Postgres reads them from."""

import re
from uuid import UUID

from events.array_literals import literal
from events.codec import TYPES


def test_an_array_has_its_values_between_braces():
    stream = UUID("019a0000-0000-7000-8000-000000000001")
    assert literal([stream, None, 3]) == "{019a0000-0000-7000-8000-000000000001,NULL,3}"
    assert literal([]) == "{}"


def test_the_name_of_no_event_needs_quotation_marks():
    assert all(re.fullmatch(r"[a-z_.]+", kind) and kind != "null" for kind in TYPES)
