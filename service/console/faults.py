"""What the API says is wrong with a field, as a sentence in the reader's language. What has no translation stays in English."""

import re
from collections.abc import Mapping, Sequence

from markupsafe import Markup, escape
from msgspec import Struct

from service.console.language import ENGLISH, N_, catalogue
from service.people.last_operator import LAST
from service.values.text import printable


class Known(Struct, frozen=True):
    """A fault that is often made: how the API writes it, and the sentence. The groups of the pattern are the words of the sentence."""

    pattern: re.Pattern[str]
    sentence: str


def _known(pattern: str, sentence: str) -> Known:
    return Known(re.compile(pattern), sentence)


KNOWN: Sequence[Known] = (
    _known("is required.*", N_("It is required.")),
    _known(
        "contains a character that is not allowed in text: (?P<code>.+)",
        N_("It contains a character that is not allowed in text: %(code)s."),
    ),
    _known("must be str of length <= (?P<most>.+)", N_("It must have at most %(most)s characters.")),
    _known("must be str of length >= (?P<least>.+)", N_("It must have at least %(least)s characters.")),
    _known("must have at least (?P<least>.+) characters", N_("It must have at least %(least)s characters.")),
    _known("must have at most (?P<most>.+) characters", N_("It must have at most %(most)s characters.")),
    _known("must be str matching regex .*", N_("It contains a character that is not allowed here.")),
    _known(
        "must be position:N, a time .*",
        N_("It must be position:N, a time such as 2026-03-03T14:02:00Z, or a day such as 2026-03-03."),
    ),
    _known(
        "must be a time such as .*",
        N_("It must be a time such as 2026-03-03T14:02:00Z, a day such as 2026-03-03, or position:17."),
    ),
    _known(
        "is beyond the end of the log, which is position (?P<end>.+)",
        N_("It is beyond the end of the log, which is position %(end)s."),
    ),
    _known("is in the future.*", N_("It is in the future.")),
    _known(r"must be the id of a user.*", N_("It must be the ID of a user (a UUID).")),
    _known(r"must be the id of a secret.*", N_("It must be the ID of a secret (a UUID).")),
    _known(r"must be the id of a stream.*", N_("It must be the ID of a stream (a UUID).")),
    _known(r"must be the id of a request.*", N_("It must be the ID of a request (a UUID).")),
    _known(r"must be the jti of a token.*", N_("It must be the ID of a token (a UUID).")),
    _known(
        "is not the client_id of a client that is or was registered",
        N_("It is not the ID of a client that is or was registered."),
    ),
    _known(
        "must be an e-mail address, such as (?P<example>.+)", N_("It must be an email address, such as %(example)s.")
    ),
    _known("must be an IP address.*", N_("It must be an IP address, such as 192.0.2.1 or 2001:db8::1.")),
    _known(
        r"must begin with https://.*",
        N_("It must begin with https:// (http:// is for 127.0.0.1, localhost and [::1] only)."),
    ),
    _known(r"must not have a fragment \(#\)", N_("It must not have a fragment (#).")),
    _known("has a comma; give each scope by itself", N_("It has a comma: write each scope by itself.")),
    _known("is the id of a user; .*", N_("It is the ID of a user. No machine client can act as a user.")),
    _known("is a bot that is not yours", N_("It is a bot that is not yours.")),
    _known(
        "must begin with a visible character, .*",
        N_("It must begin with a visible character, and must not end with a space."),
    ),
    _known("is too easy to guess; choose another", N_("It is too easy to guess. Choose another.")),
)
NOTES: Sequence[Known] = (
    _known(
        r"The key (?P<key>\S+) still signs if it is the active one: .*",
        N_("The key %(key)s still signs if it is the active one: rotate it (muniment keys rotate)."),
    ),
    _known(
        r"(?P<name>.+) is a name in the log, which cannot be revoked itself: .*",
        N_("%(name)s is a name in the log, which cannot be revoked itself: take its access away elsewhere."),
    ),
    _known(
        LAST.replace(".", r"\."),
        N_("You are the last operator. Make another person an operator first; until then, this is refused."),
    ),
    _known(
        "Your own account is among them: .*",
        N_("Your own account is among them: you are signed out, and another operator has to enable you again."),
    ),
    _known(
        r"Your own client (?P<client>\S+) is among them. It is revoked last.",
        N_("Your own client %(client)s is among them. It is revoked last."),
    ),
    _known(
        r"Changes are not undone: (?P<number>\d+) followed. .*",
        N_(
            "Changes are not undone: %(number)s followed. Restore clients and bots as they were (muniment clients restore)."
        ),
    ),
    _known(
        "Trusted issuers are disabled: .*",
        N_("Trusted issuers are disabled: nothing of them is accepted until an operator enables them."),
    ),
    _known(
        "Clients, bots and users are disabled, .*",
        N_("Clients, bots and users are disabled, and can be enabled again by an operator."),
    ),
    _known(
        r"A resource server that verifies tokens offline accepts the last of these until (?P<day>\S+) (?P<time>\S+)Z\.",
        N_("A resource server that verifies tokens offline accepts the last of these until %(day)s, %(time)s UTC."),
    ),
    _known(
        "More follows than was found: .*",
        N_("More follows than was found: run it again, until it is complete. A later time of beginning has less."),
    ),
    _known(
        r"No checkpoint covers position (?P<position>\d+) yet: .*",
        N_("No checkpoint covers position %(position)s yet: read /log/checkpoint later (muniment log checkpoint)."),
    ),
)
"""What the receipt of a revocation adds (service/revocation/receipt.py)."""

OF_A_LINE = (
    re.compile(r"\[(?P<number>\d+)\] (?P<fault>.*)", re.DOTALL),
    re.compile(r"(?P<fault>.*) - at \$\[(?P<number>\d+)\]", re.DOTALL),
)
"""How the API says which item of a list is wrong, from 0 on. On the page each item is a line."""

_verb = re.compile(r"(is|are|has|must|may|cannot|contains|leads|begins|ends|needs|uses)\b").match
_of_a_url = re.compile(r" \((in a URL, |write )[^)]*\)")


def sentence(fault: str, language: str) -> Markup:
    for form in OF_A_LINE:
        if found := form.fullmatch(fault):
            line = catalogue(language).gettext(N_("Line %(number)s:")) % {"number": int(found["number"]) + 1}
            return Markup("{} {}").format(line, sentence(found["fault"], language))
    for known in KNOWN:
        if found := known.pattern.fullmatch(fault):
            return escape(catalogue(language).gettext(known.sentence) % _words(found))
    return _as_it_is(fault, language)


def note(text: str, language: str) -> Markup:
    """Return a note of a receipt in the reader's language."""
    for known in NOTES:
        if found := known.pattern.fullmatch(text):
            return escape(catalogue(language).gettext(known.sentence) % _words(found))
    return Markup('<span lang="en">{}</span>').format(printable(text))


def _words(found: re.Match[str]) -> Mapping[str, str]:
    return {name: printable(word) for name, word in found.groupdict().items()}


def _as_it_is(fault: str, language: str) -> Markup:
    """A fault of the API begins with its verb; one that a page says is a sentence in the reader's language already."""
    text = printable(_of_a_url.sub("", fault))
    if not _verb(text):
        return escape(text)
    text = f"It {text}" if text.endswith(".") else f"It {text}."
    return escape(text) if language == ENGLISH else Markup('<span lang="en">{}</span>').format(text)
