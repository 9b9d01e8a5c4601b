"""Which of its formats an answer has."""

import pytest

from service.endpoints.formats import CSV, JSON, NDJSON, chosen
from service.problems import NotAcceptable

OFFERED = (JSON, NDJSON, CSV)


@pytest.mark.parametrize(
    ("accept", "media"),
    [
        pytest.param(None, JSON, id="without Accept, the first"),
        pytest.param(" ", JSON, id="an empty Accept is none"),
        pytest.param("*/*", JSON, id="anything"),
        pytest.param("text/csv", CSV, id="one of them"),
        pytest.param("TEXT/CSV", CSV, id="in any case"),
        pytest.param("text/html, text/csv;q=0.1", CSV, id="the one that is there"),
        pytest.param("text/csv;q=0.5, application/x-ndjson;q=0.6", NDJSON, id="the better one"),
        pytest.param("text/*", CSV, id="a family"),
        pytest.param("application/json;q=0, */*", NDJSON, id="anything but one"),
        pytest.param("text/csv;q=x, */*;q=0.1", JSON, id="a quality that is no number is no wish"),
        pytest.param("text/csv;charset=utf-8;q=0.9, application/json;q=0.8", CSV, id="other parameters do not matter"),
    ],
)
def test_an_answer_has_the_format_that_accept_prefers(accept, media):
    assert chosen(accept, OFFERED) == media


@pytest.mark.parametrize("accept", ["text/html", "application/json;q=0", ",", "nonsense", "*/*;q=0"])
def test_without_a_common_format_the_refusal_names_those_that_there_are(accept):
    with pytest.raises(NotAcceptable, match="application/x-ndjson and text/csv"):
        chosen(accept, OFFERED)
