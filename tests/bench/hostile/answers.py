"""What an answer is: a refusal that says why, or a fault of the service."""

import re
from urllib.parse import parse_qs, urlsplit

from msgspec import DecodeError, Struct, json

from service.crypto.base64url import of_text
from tests.bench.hostile.asks import Ask
from tests.bench.hostile.sending import Answer, Sent
from tests.flows.people import CALLBACK

SENTENCE = re.compile(r"[A-Z].+\.", re.DOTALL)
DOCUMENTED = frozenset(
    {
        *("invalid_request", "invalid_client", "invalid_grant", "unauthorized_client", "unsupported_grant_type"),
        *("invalid_scope", "invalid_target", "invalid_token", "invalid_dpop_proof", "use_dpop_nonce"),
        *("unsupported_response_type", "invalid_request_object", "invalid_request_uri"),
        *("invalid_client_metadata", "invalid_redirect_uri", "invalid_software_statement"),
        *("unapproved_software_statement", "authorization_pending", "slow_down", "expired_token"),
        *("temporarily_unavailable", "about:blank", "page", "HTTP"),
    }
)
"""Codes of OAuth; and of the management API, pages, and the HTTP server, which have none."""

REFUSED = range(400, 500)
NOTHING = (b'{"active":false}', b"{}")
"""What is said of a token that is none: it is not active (RFC 7662 section 2.2), or no longer valid (RFC 7009 section 2.2)."""

HEAD_TOO_LONG = (400, 431)
"""What the HTTP server answers, in plain text, before there is a request."""


class Refusal(Struct, frozen=True, kw_only=True):
    """`error` is the code of OAuth, if the answer has one."""

    error: str = ""
    text: str = ""


def refusal(answer: Answer) -> Refusal:
    """Return what the answer says to whoever sent the request; nothing, if it is no refusal."""
    kind = answer.headers.get("content-type", "").partition(";")[0]
    if answer.status == 303:
        return _sent_back(answer.headers.get("location", ""))
    if answer.status not in REFUSED:
        return Refusal()
    if kind in ("application/json", "application/problem+json"):
        return _read(answer.body)
    if kind == "text/html":
        words = re.sub(rb"<[^>]*>", b" ", answer.body).decode()
        return Refusal(error="page", text=" ".join(words.split()))
    return Refusal(error="HTTP", text=answer.body.decode("latin-1")) if answer.status in HEAD_TOO_LONG else Refusal()


def fault(sent: Sent) -> str | None:
    """Return what the service did wrong."""
    if sent.before is not None and sent.before.status != 200:
        return f"the valid one got {_shown(sent.before)}"
    if sent.answer is None:
        return "no answer"
    wrong = _fault(sent.ask, sent.answer)
    return wrong and f"{wrong}: {_shown(sent.answer)}"


def _shown(answer: Answer) -> str:
    return f"{answer.status} {answer.headers.get('location', '')[:200]} {answer.body[:200].decode('latin-1')}"


def _fault(ask: Ask, answer: Answer) -> str | None:
    if answer.status >= 500:
        return "failed"
    if answer.status == 200 and answer.body in NOTHING:
        return None
    if answer.status not in REFUSED and answer.status != 303:
        return "accepted"
    said = refusal(answer)
    if not said.error:
        return "accepted" if answer.status == 303 else "no error"
    if said.error not in ("page", "HTTP") and not SENTENCE.fullmatch(said.text):
        return "no text"
    if said.error not in DOCUMENTED:
        return "another error"
    return "repeats a token" if any(each in said.text for each in _secrets(ask)) else None


def _secrets(ask: Ask) -> list[str]:
    """The long opaque words of the request: none of them belongs into an answer."""
    return re.findall(r"eyJ[\w-]{20,}\.[\w-]{20,}\.[\w-]{20,}", ask.body.decode("latin-1"))


def _read(body: bytes) -> Refusal:
    try:
        said = json.decode(body, type=dict[str, object])
    except DecodeError:
        return Refusal()
    error, text = said.get("error", said.get("type")), said.get("error_description", said.get("detail"))
    return Refusal(error=str(error or ""), text=str(text or ""))


def _sent_back(location: str) -> Refusal:
    """To the client, with an error; in a JWT, if it asked for that."""
    if not location.startswith(CALLBACK):
        return Refusal()
    given = {name: values[0] for name, values in parse_qs(urlsplit(location).query).items()}
    if "response" in given:
        return _read(of_text(given["response"].split(".")[1]) or b"")
    return Refusal(error=given.get("error", ""), text=given.get("error_description", ""))
