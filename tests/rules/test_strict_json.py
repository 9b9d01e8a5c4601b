"""JSON of strangers is read the same, whether it is plain enough to be read at once or not."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.values.strict_json import NotAnObject, strict_object

TEXTS = st.text(st.characters(exclude_categories=("Cs",)))
VALUES = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | TEXTS
OBJECTS = st.dictionaries(TEXTS, VALUES | st.lists(VALUES, max_size=2), max_size=5)


@given(OBJECTS, st.booleans())
def test_an_object_is_what_json_says_that_it_is(said: dict[str, object], escaped: bool):
    read = strict_object(json.dumps(said, ensure_ascii=escaped).encode())
    again = json.loads(json.dumps(said, ensure_ascii=escaped))
    assert read == again
    assert list(map(type, read.values())) == list(map(type, again.values()))


@pytest.mark.parametrize(
    "body",
    [
        b'{"iat": 1, "iat": 2}',
        b'{"iat": 1, "\\u0069at": 2}',
        b'{"iat": NaN}',
        b'{"iat": 01}',
        b'{"iat": ' + b"9" * 5000 + b"}",
        b"[1]",
        b"1",
        b'{"iat": 1}}',
        b'\xef\xbb\xbf{"iat": 1}',
        b'{"iat": "\xff"}',
        b'{"a": ' + b"[" * 20 + b"]" * 20 + b"}",
    ],
)
def test_what_is_not_one_object_with_each_name_once_is_refused(body: bytes):
    with pytest.raises(NotAnObject):
        strict_object(body)


def test_a_number_that_is_too_large_for_a_float_is_read_as_before():
    assert strict_object(b'{"exp": 1e400}') == {"exp": float("inf")}
