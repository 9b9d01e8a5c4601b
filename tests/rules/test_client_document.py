"""A client whose client_id is the URL of its metadata document: its settings are those of the document."""

from datetime import datetime

import pytest

from events.client import (
    ClientDeleted,
    ClientDisabled,
    ClientDisplayNameChanged,
    ClientEnabled,
    ClientLoginChanged,
    ClientRedirectUrisChanged,
    ClientRestored,
    ClientScopesChanged,
    Login,
)
from events.client_document import ClientDocumentSeen, Document
from events.client_key import ClientKeyAdded, ClientKeyRevoked
from events.client_security import ClientSecurityChanged, Security
from events.ids import client_stream, is_document, is_importable
from projections import clients
from service.commands.authority import DOCUMENTS, EVERYBODY, Holder, is_reserved
from service.commands.client import ChangeClient, DeleteClient, DisableClient, EnableClient
from service.commands.client_document import SeeDocument
from service.commands.handle import CLIENT
from service.commands.login_change import LoginChange
from service.commands.secret import AddSecret
from service.refusals import Contradiction, DoesNotExist
from service.values.scopes import OPERATORS
from tests.rules.samples import (
    ABOUT,
    AT,
    DISABLED_BY_OPERATOR,
    DOCUMENT,
    DOCUMENT_REGISTERED,
    DOCUMENT_SEEN,
    DOCUMENT_URL,
    LATER,
    STREAM,
    key,
    secret,
)
from tests.rules.table import outcome, rule

OPERATOR = Holder(owner=None, sub="muniment", scopes=frozenset(OPERATORS))
HOST_S_NAMESAKE = Holder(owner="app.example.com", sub="app.example.com", scopes=frozenset({"clients:write"}))
CALLBACKS = ("https://app.example.com/callback",)
SEE = SeeDocument(
    url=DOCUMENT_URL,
    digest=DOCUMENT.digest,
    display_name=None,
    redirect_uris=CALLBACKS,
    scopes=("api:public",),
    login=Login(),
    security=Security(),
    about=ABOUT,
    at=AT,
)
FIRST_SEEN = DOCUMENT_SEEN.__replace__(changed=("redirect_uris", "grant_types", "scope", "client_uri", "contacts"))
FIRST = [DOCUMENT_REGISTERED, FIRST_SEEN]
OTHER = SEE.__replace__(digest="b" * 64, at=LATER)
OTHER_DOCUMENT = DOCUMENT.__replace__(digest="b" * 64, at=LATER)
EVIL = ABOUT.__replace__(client_uri="https://evil.example")
DELETED = ClientDeleted(owner=DOCUMENTS, by="operator")
NOT_USED = ClientDeleted(owner=DOCUMENTS, by="owner")
BACK = ClientRestored(
    owner=DOCUMENTS,
    grant=DOCUMENT_REGISTERED.grant,
    display_name=None,
    redirect_uris=CALLBACKS,
    scopes=("api:public",),
    secrets=(),
    public=True,
    login=Login(),
    access_token_alg=None,
    disabled_by=None,
    created_at=LATER,
    version=4,
    restored=1,
    as_of=9,
    at=LATER,
    client_id=DOCUMENT_URL,
)


def seen_first(at: datetime) -> ClientDocumentSeen:
    return FIRST_SEEN.__replace__(document=DOCUMENT.__replace__(at=at, redirect_uris_at=at))


def seen(*changed: str, document: Document = OTHER_DOCUMENT) -> ClientDocumentSeen:
    return ClientDocumentSeen(url=DOCUMENT_URL, document=document, was=DOCUMENT.digest, changed=changed)


KEYS_URL = "https://app.example.com/jwks"
REQUESTS = ("https://app.example.com/request",)
KEYED = Security(token_endpoint_auth_method="private_key_jwt")
BY_KEYS = [
    DOCUMENT_REGISTERED.__replace__(security=KEYED, keys=(key(1), key(2))),
    FIRST_SEEN.__replace__(changed=(*FIRST_SEEN.changed, "jwks")),
]


@pytest.mark.parametrize(
    ("given", "command", "then"),
    [
        rule([], SEE, FIRST, "the first sight registers the client"),
        rule(
            [],
            SEE.__replace__(login=Login(id_token_alg="ES256")),
            [
                DOCUMENT_REGISTERED,
                ClientLoginChanged(login=Login(id_token_alg="ES256"), was=Login()),
                DOCUMENT_SEEN.__replace__(
                    changed=(
                        "redirect_uris",
                        "id_token_signed_response_alg",
                        "grant_types",
                        "scope",
                        "client_uri",
                        "contacts",
                    )
                ),
            ],
            "its terms of logging in are the document's",
        ),
        rule(FIRST, SEE, [], "to see the same again is no event"),
        rule(FIRST, OTHER, [seen()], "other bytes that say the same are an event"),
        rule(
            FIRST,
            OTHER.__replace__(display_name="Sales"),
            [ClientDisplayNameChanged(display_name="Sales", was=None), seen("client_name")],
            "a new name is an event beside it",
        ),
        rule(
            FIRST,
            OTHER.__replace__(redirect_uris=("https://other.example/cb",)),
            [
                ClientRedirectUrisChanged(redirect_uris=("https://other.example/cb",), was=CALLBACKS),
                seen("redirect_uris", document=OTHER_DOCUMENT.__replace__(redirect_uris_at=LATER)),
            ],
            "since when the redirect URIs are these is known",
        ),
        rule(
            FIRST,
            OTHER.__replace__(about=EVIL),
            [seen("client_uri", document=OTHER_DOCUMENT.__replace__(about=EVIL))],
            "what it says about itself is in the event",
        ),
        rule(FIRST, OTHER.__replace__(scopes=()), [seen()], "the scopes are those of the first sight"),
        rule(
            BY_KEYS,
            OTHER.__replace__(security=KEYED, keys=(key(2), key(3))),
            [ClientKeyRevoked(key_id=key(1).key_id), ClientKeyAdded(key=key(3)), seen("jwks")],
            "its keys are those of the document alone",
        ),
        rule(
            BY_KEYS,
            OTHER.__replace__(security=KEYED.__replace__(jwks_uri=KEYS_URL)),
            [
                ClientSecurityChanged(security=KEYED.__replace__(jwks_uri=KEYS_URL), was=KEYED),
                ClientKeyRevoked(key_id=key(1).key_id),
                ClientKeyRevoked(key_id=key(2).key_id),
                seen("jwks", "jwks_uri"),
            ],
            "they may move to a URL",
        ),
        rule(
            BY_KEYS,
            OTHER.__replace__(security=KEYED.__replace__(request_uris=REQUESTS), keys=(key(1), key(2))),
            [
                ClientSecurityChanged(security=KEYED.__replace__(request_uris=REQUESTS), was=KEYED),
                seen("request_uris"),
            ],
            "so are the addresses of its requests",
        ),
        rule(FIRST, OTHER.__replace__(security=KEYED, keys=(key(1),)), Contradiction, "a public client stays public"),
        rule(BY_KEYS, OTHER, Contradiction, "one that authenticates by key never becomes public"),
        rule([*FIRST, DISABLED_BY_OPERATOR], OTHER, [], "a disabled one stays as it is"),
        rule([*FIRST, DELETED], OTHER, Contradiction, "one that an operator deleted does not come back"),
        rule(
            [*FIRST, DISABLED_BY_OPERATOR, NOT_USED],
            OTHER,
            Contradiction,
            "nor one that an operator had disabled before it was deleted",
        ),
        rule(
            [*FIRST, NOT_USED],
            SEE.__replace__(at=LATER, position=9),
            [BACK, seen_first(LATER)],
            "one that was deleted because nobody used it comes back in a new life",
        ),
        rule(FIRST, DeleteClient(by=EVERYBODY), [NOT_USED], "the service deletes it if nobody uses it"),
        rule(FIRST, DisableClient(by=OPERATOR), [ClientDisabled(by="operator")], "an operator can disable it"),
        rule([*FIRST, DISABLED_BY_OPERATOR], EnableClient(by=OPERATOR), [ClientEnabled()], "an operator can enable it"),
        rule(FIRST, DeleteClient(by=OPERATOR), [DELETED], "an operator can delete it"),
        rule(FIRST, DeleteClient(by=HOST_S_NAMESAKE), DoesNotExist, "nobody else can, whatever the name"),
        rule(
            FIRST,
            ChangeClient(by=OPERATOR, scopes=("api:public", "crm:read")),
            [ClientScopesChanged(scopes=("api:public", "crm:read"), was=("api:public",))],
            "an operator may give it scopes",
        ),
        rule(FIRST, ChangeClient(by=OPERATOR, display_name="CRM"), Contradiction, "its name is the document's"),
        rule(
            FIRST,
            ChangeClient(by=OPERATOR, redirect_uris=("https://evil.example/cb",)),
            Contradiction,
            "its redirect URIs are the document's",
        ),
        rule(
            FIRST,
            ChangeClient(by=OPERATOR, login=LoginChange(first_party=True)),
            Contradiction,
            "it never skips the consent of users",
        ),
        rule(FIRST, AddSecret(by=OPERATOR, secret=secret(1), at=AT), Contradiction, "it never has a secret"),
    ],
)
def test_a_client_with_a_document(given, command, then):
    assert outcome(CLIENT, given, command) == then


def test_its_row_has_the_document():
    row = clients.project(None, STREAM, DOCUMENT_REGISTERED)
    assert row is not None
    assert (row.client_id, row.document) == (DOCUMENT_URL, None)
    after = clients.project(row, STREAM, DOCUMENT_SEEN)
    assert after is not None
    assert after.document == DOCUMENT


def test_nobody_has_the_name_of_its_owner():
    assert is_reserved(" Muniment-Documents ")


@pytest.mark.parametrize("text", [DOCUMENT_URL, "https://a.example/", "https://a/" + "b" * 245])
def test_a_url_is_the_id_of_a_document_and_never_an_imported_one(text: str):
    assert is_document(text)
    assert not is_importable(text)
    assert client_stream(text) is not None


@pytest.mark.parametrize(
    "text",
    ["http://a.example/x", "HTTPS://a.example/x", "https://a.example/ x", "https://a.example/#x", "https://", "",
     "https://a.example/\u00e9", "https://a.example/x\n", "https://a/" + "b" * 246, "crm-sync"],
)  # fmt: skip
def test_other_texts_are_not(text: str):
    assert not is_document(text)


def test_an_id_that_looks_like_a_url_without_a_path_was_never_and_is_not_a_document():
    assert is_importable("https:a.example")
    assert not is_document("https:a.example")
