"""What happened is told in sentences, and of what is hashed or sealed nothing is told."""

from typing import Any

import pytest
from msgspec import UNSET, json, structs, to_builtins

from events.codec import Event, Recorded, UnreadableEvent, encode, schema_version, type_of
from events.envelope import ByClient, ByOperator, ByService, ByUser, Meta
from service.audit import event_fields
from service.cli import event_text
from tests.rules.samples import (
    ABOUT_CHANGED,
    ALG_CHANGED,
    AT,
    AUTHORIZATION_REFUSED,
    AUTHORIZATION_REVOKED,
    CLIENT_ID,
    CLIENT_NOT_REACHED,
    CLIENT_NOTIFIED,
    CODE_ISSUED,
    CODE_REDEEMED,
    CODE_REPLAYED,
    CONSENT_GIVEN,
    CONSENT_TO_US,
    CONSENT_WITHDRAWN,
    DEVICE,
    DOCUMENT_SEEN,
    ENDED_QUIETLY,
    EVENTS,
    FACTOR_ADDED,
    FACTOR_REMOVED,
    GRANTED,
    GRANTED_THE_LEAST,
    HASH,
    KEPT,
    LOGIN_CHANGED,
    PASSKEY_ADDED,
    PASSWORD,
    PASSWORD_CHANGED,
    PERSON,
    PROFILE,
    PROFILE_CHANGED,
    PUBLIC_REGISTERED,
    REAUTHENTICATED,
    REDEMPTION_REFUSED,
    REFRESH_ISSUED,
    REFRESH_REPLAYED,
    REFRESH_ROTATED,
    REGISTERED_ITSELF,
    RENAMED,
    RSA_PUBLISHED,
    SEALED,
    SECRET_IMPORTED,
    SECURITY_CHANGED,
    SESSION_ENDED,
    SESSION_ID,
    SESSION_STARTED,
    STREAM,
    USED_AFTER_END,
    USER_DISABLED,
    USER_ENABLED,
    USER_ERASED,
    USER_FROM_UPSTREAM,
    USER_REGISTERED,
    USER_VERIFIED,
    hashed,
)

HIDDEN = (
    str(SECRET_IMPORTED.imported),
    SEALED,
    PROFILE,
    PASSWORD,
    KEPT,
    DEVICE,
    HASH,
    CODE_ISSUED.code_challenge,
    hashed(0)[:40],
)
META = Meta(actor=ByUser(user_id=PERSON, session=SESSION_ID), request_id="r")


def recorded(event: Event) -> Recorded:
    return Recorded(
        position=1,
        recorded_at=AT,
        stream_id=STREAM,
        version=1,
        type=type_of(event),
        event=event,
        meta_bytes=encode(META),
    )


@pytest.mark.parametrize("event", EVENTS, ids=type_of)
def test_every_event_has_its_sentence_and_nothing_that_is_hashed_or_sealed_is_in_it(event):
    sentence = event_text.what(event)
    assert sentence
    assert "\n" not in sentence
    assert not [hidden for hidden in HIDDEN if hidden and hidden in sentence]


@pytest.mark.parametrize("event", EVENTS, ids=type_of)
def test_every_event_is_told_to_scripts_without_what_is_hashed_or_sealed(event):
    told = json.encode(event_text.as_json(recorded(event))).decode()
    assert f'"type":"{type_of(event)}"' in told
    assert not [hidden for hidden in HIDDEN if hidden and hidden in told]


@pytest.mark.parametrize("event", EVENTS, ids=type_of)
def test_all_the_rest_is_told_to_scripts(event):
    omitted = {
        f.name
        for f in structs.fields(event)
        if event.__struct_config__.omit_defaults and getattr(event, f.name) == f.default
    }
    there = {name for name in event.__struct_fields__ if getattr(event, name) is not UNSET} - omitted
    assert set(event_fields.fields(event)) == there - event_fields.SECRETIVE


def test_of_a_second_factor_its_kind_is_told_and_not_what_is_kept_of_it():
    assert set(event_fields.fields(FACTOR_ADDED)["factor"]) == {"factor_id", "kind", "created_at"}


TOLD = [
    (PUBLIC_REGISTERED, "registered for alice: an interactive client; name none; scopes api:public; redirect URIs https://app.example.com/callback; a public client, without a secret"),
    (LOGIN_CHANGED, "terms of logging in changed from the usual ones to require_pkce False; first_party True; id_token_alg ES256; post_logout_redirect_uris https://app.example.com/bye; backchannel_logout_uri https://app.example.com/logout; id_token_claims minimal"),
    (
        SECURITY_CHANGED,
        "security settings changed from the usual ones to dpop_bound_access_tokens True; require_pushed_authorization_requests True; workload_identities repo:acme/*:pull_request of https://ci.example.com",
    ),
    (
        REGISTERED_ITSELF,
        "registered for muniment-dynamic, by itself with the initial access token 00000000-0000-0000-0000-000000000007: an interactive client; name none; scopes api:public; redirect URIs https://app.example.com/callback; a public client, without a secret",
    ),
    (
        ABOUT_CHANGED,
        "what it says about itself changed from grant_types authorization_code, refresh_token; scope openid, api:public; client_uri https://app.example.com; contacts support@app.example.com to application_type native; grant_types authorization_code, refresh_token; scope openid, api:public; client_uri https://app.example.com; contacts support@app.example.com; software_id app",
    ),
    (
        DOCUMENT_SEEN,
        f"metadata document https://app.example.com/client.json seen, SHA-256 {'5e' * 32}",
    ),
    (
        DOCUMENT_SEEN.__replace__(was="a" * 64, changed=("client_name", "redirect_uris")),
        f"metadata document https://app.example.com/client.json seen, SHA-256 {'5e' * 32}, no longer {'a' * 64}; other members: client_name, redirect_uris",
    ),
    (ALG_CHANGED, "access tokens signed with RS256, no longer what MUNIMENT_ACCESS_TOKEN_ALG says"),
    (RSA_PUBLISHED, "key key-2 (RS256) published"),
    (USER_REGISTERED, "registered, with a password"),
    (USER_FROM_UPSTREAM, "registered, from the upstream provider"),
    (USER_VERIFIED, "e-mail address verified"),
    (PASSWORD_CHANGED, "password changed"),
    (PROFILE_CHANGED, "profile changed"),
    (FACTOR_ADDED, "second factor added: totp 00000000-0000-0000-0000-000000000001"),
    (PASSKEY_ADDED, "second factor added: passkey 00000000-0000-0000-0000-000000000002"),
    (FACTOR_REMOVED, "second factor 00000000-0000-0000-0000-000000000001 removed"),
    (USER_DISABLED, "disabled"),
    (USER_ENABLED, "enabled"),
    (USER_ERASED, "erased: the encrypted values above can no longer be read"),
    (SESSION_STARTED, f"user {PERSON} logged in (pwd), until 2027-01-02 03:04:05Z"),
    (REAUTHENTICATED, "logged in again (pwd, otp, mfa)"),
    (SESSION_ENDED, f"ended: signed out; to be told: {CLIENT_ID}, oauth_client_other"),
    (ENDED_QUIETLY, "ended: user disabled"),
    (USED_AFTER_END, "its cookie was used after it ended"),
    (CLIENT_NOTIFIED, f"{CLIENT_ID} was notified of the end"),
    (CLIENT_NOT_REACHED, "oauth_client_other could not be notified of the end: HTTP 503"),
    (CONSENT_GIVEN, f"user {PERSON} allowed {CLIENT_ID} at https://crm.example.com: openid crm:read"),
    (CONSENT_TO_US, f"user {PERSON} allowed {CLIENT_ID}: openid crm:read"),
    (CONSENT_TO_US.__replace__(scopes=()), f"user {PERSON} allowed {CLIENT_ID}: no scope"),
    (CONSENT_WITHDRAWN, "withdrawn"),
    (GRANTED, f"user {PERSON} let {CLIENT_ID} in at https://crm.example.com, with openid offline_access; code bound by pkce and nonce"),
    (GRANTED_THE_LEAST, f"user {PERSON} let {CLIENT_ID} in, with openid offline_access; code bound by neither pkce nor nonce"),
    (GRANTED_THE_LEAST.__replace__(bound_by=UNSET), f"user {PERSON} let {CLIENT_ID} in, with openid offline_access"),
    (CODE_ISSUED, "code issued for https://app.example.com/callback"),
    (CODE_REDEEMED, "code redeemed for the token 00000000-0000-0000-0000-000000000001"),
    (CODE_REPLAYED, "the code came a second time"),
    (REDEMPTION_REFUSED, "refused to oauth_client_other: another_client"),
    (REFRESH_ISSUED, "refresh token issued, good until 2027-01-02 03:04:05Z"),
    (
        REFRESH_ISSUED.__replace__(jkt="0ZcO"),
        "refresh token issued, good until 2027-01-02 03:04:05Z, for the key 0ZcO alone",
    ),
    (REFRESH_ROTATED, "refresh token exchanged for the next one and the token 00000000-0000-0000-0000-000000000002"),
    (REFRESH_REPLAYED, "a refresh token that had been exchanged came again"),
    (AUTHORIZATION_REVOKED, "revoked, with all tokens issued from it: user"),
    (AUTHORIZATION_REFUSED, f"a request in the name of {CLIENT_ID} was refused: another redirect URI"),
]  # fmt: skip


def without(value: Any, names: frozenset[str]) -> Any:
    """What `fields` has to leave, said in another way."""
    if isinstance(value, dict):
        return {name: without(each, names) for name, each in value.items() if name not in names}
    return [without(each, names) for each in value] if isinstance(value, (list, tuple)) else value


@pytest.mark.parametrize("event", EVENTS, ids=type_of)
def test_what_is_read_of_stored_bytes_is_what_is_read_of_the_event(event):
    shown = json.encode(event_fields.stored_fields(type_of(event), schema_version(type_of(event)), encode(event)))
    assert shown == json.encode(event_fields.fields(event))
    told = without(to_builtins(event), event_fields.SECRETIVE)
    del told["type"]
    assert shown == json.encode(told)


@pytest.mark.parametrize("event", EVENTS, ids=type_of)
def test_a_default_that_was_stored_is_shown_as_one_that_was_left_out(event):
    values = {each.encode_name: getattr(event, each.name) for each in structs.fields(event)}
    kind, stored = type_of(event), {name: value for name, value in values.items() if value is not UNSET}
    data = json.encode({"type": kind, **stored})
    shown = json.encode(event_fields.stored_fields(kind, schema_version(kind), data))
    assert shown == json.encode(event_fields.fields(event))


def test_stored_bytes_that_are_not_of_their_type_are_not_shown():
    of_another = encode(RENAMED)
    for kind, data in (
        ("client.disabled", of_another),
        ("client.unheard_of", b"{}"),
        (type_of(RENAMED), of_another[:-1]),
    ):
        with pytest.raises(UnreadableEvent):
            event_fields.stored_fields(kind, 1, data)


@pytest.mark.parametrize(("event", "sentence"), TOLD, ids=[sentence[:40] for _, sentence in TOLD])
def test_it_is_told_like_this(event, sentence):
    assert event_text.what(event) == sentence


@pytest.mark.parametrize(
    ("actor", "told"),
    [
        (ByClient(client_id="oauth_client_1", sub="alice"), "alice (by oauth_client_1)"),
        (ByUser(user_id=PERSON, session=SESSION_ID), f"user {PERSON}"),
        (ByOperator(user="root"), "root (at the command line)"),
        (ByService(why="first run"), "Muniment (first run)"),
    ],
    ids=["a client", "a person", "an operator", "the service"],
)
def test_who_did_it_is_told_without_a_name_or_an_address(actor: Any, told: str):
    assert event_text.who(actor) == told


@pytest.mark.parametrize(
    "event", [USER_DISABLED, ENDED_QUIETLY, CONSENT_WITHDRAWN, CODE_REPLAYED, AUTHORIZATION_REFUSED]
)
def test_what_happened_to_people_is_named_by_its_stream(event):
    assert event_fields.subject(recorded(event)) == str(STREAM)
