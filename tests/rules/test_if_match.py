"""If-Match as browsers, proxies and scripts send it (RFC 9110 section 13.1.1)."""

import pytest

from service.endpoints.if_match import named
from service.problems import Invalid


@pytest.mark.parametrize(
    ("given", "versions"),
    [
        pytest.param("*", None, id="any version"),
        pytest.param('"3"', {3}, id="the ETag that was read"),
        pytest.param(' "3"\t', {3}, id="white space around it"),
        pytest.param('W/"3"', {3}, id="weakened by nginx"),
        pytest.param('"3-gzip"', {3}, id="compressed by Apache"),
        pytest.param('W/"3;gzip"', {3}, id="compressed by Jetty, then weakened"),
        pytest.param('"1", W/"2" ,"5"', {1, 2, 5}, id="a list"),
        pytest.param(', "1",, "2",', {1, 2}, id="a list with empty elements, which recipients ignore"),
        pytest.param('"abc"', set(), id="a tag that is none of ours matches nothing"),
        pytest.param('"abc", "3"', {3}, id="nor does it spoil the others"),
        pytest.param('"1,2"', set(), id="a comma inside a tag separates nothing"),
        pytest.param('"9999999999"', set(), id="a version that nothing can have"),
        pytest.param('""', set(), id="an empty tag"),
    ],
)
def test_what_it_names(given: str, versions: set[int] | None):
    assert named(given) == versions


@pytest.mark.parametrize("given", ["", "3", '"3', '3"', 'w/"3"', '*, "3"', '"3" "4"', "abc", '"\x01"', '"3";', ","])
def test_what_is_no_list_of_etags_is_refused(given: str):
    with pytest.raises(Invalid, match="separated by commas"):
        named(given)


def test_a_hostile_header_takes_no_time_that_grows_faster_than_its_length():
    for text in ('"' * 60_000, '"a", ' * 12_000 + "x", ", " * 30_000, "W/" * 30_000, " \t" * 30_000):
        with pytest.raises(Invalid):
            named(text)
