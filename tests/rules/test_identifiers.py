"""Which ids may be a `sub`."""

import pytest

from service.values.identifiers import fault_of

UUID7 = "0199f3a5-7c1e-7d0a-9b43-2f6f0d1c8e55"
HEX = UUID7.replace("-", "")


@pytest.mark.parametrize(
    "text",
    [
        "bot-abc123",
        "alice",
        "Crawler no. 5",
        "José",
        UUID7,
        f"bot_{HEX}",
        "6F9619FF-8B86-4011-B42D-00C04FC964FF",
        "a@b",
        "机器人",
    ],
)
def test_an_id_that_is_what_it_seems_is_taken(text: str):
    assert fault_of(text) is None


@pytest.mark.parametrize("odd", ["\u3000", "\u00a0", "\u3164", "\u2800", "\u200d", "\u200b", "\t", "\ufe0f"])
@pytest.mark.parametrize("where", ["{odd}{id}", "{id}{odd}", "x{odd}{id}", "{odd}"])
def test_whitespace_and_what_looks_like_it_is_nowhere_in_an_id(where: str, odd: str):
    assert fault_of(where.format(odd=odd, id=UUID7))


@pytest.mark.parametrize(
    "text",
    [
        *(f" {UUID7}", f"{UUID7} ", "", " "),
        *(UUID7.upper(), HEX, f"{{{UUID7}}}", f"urn:uuid:{UUID7}", UUID7.replace("0", "\uff10")),
        *(f"BOT_{HEX}", f"bot_{HEX.upper()}", f"Oauth_Client_{HEX}", f"\uff42ot_{HEX}"),
    ],
)
def test_an_id_of_ours_is_written_in_one_way(text: str):
    assert fault_of(text)
