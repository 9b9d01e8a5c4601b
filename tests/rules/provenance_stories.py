"""Bundles about tokens, from logs of a few events: of a machine, of a login whose refresh token was exchanged, and of a restored client."""

import json
from base64 import b64encode
from dataclasses import dataclass, field
from datetime import timedelta
from itertools import pairwise
from typing import Any
from uuid import UUID, uuid5

from msgspec import json as msgspec_json

from events import issuance
from events.client import ClientScopesChanged
from events.client_security import ClientSecurityChanged, Security, WorkloadIdentity
from events.codec import Event, Recorded, encode, schema_version, type_of
from events.consent import stream_of as consent_stream
from events.envelope import Actor, ByClient, ByOperator, ByService, ByUser, Meta, SealedReason
from events.exchange import stream_of as exchanges_of
from events.ids import client_id_of
from events.issuance import NO_SECRET, TokenIssued
from events.naming import stream_named
from events.transparency.entries import MOST_DATA, event_entry, token_entry
from projections.catch_up import Issuance
from service.provenance.explanation import Sources, explain, positions
from tests.rules import samples
from tests.rules.samples import AT, CLIENT_ID, PERSON, SECRET, SESSION_ID, STREAM
from tests.rules.signed_log import ORIGIN, leaf_of, signed
from tests.rules.test_tree import mth, path

KEY, BOT, AUTHORIZATION, JTI = (UUID(f"0192f000-0000-7000-8000-0000000000b{number}") for number in range(1, 5))
CONSENT = consent_stream(PERSON, CLIENT_ID, samples.GRANTED.resource)
ISSUER = samples.ASSERTED.assertion.issuer_id if samples.ASSERTED.assertion else STREAM
ERP = "urn:example:erp"
ERP_CONSENT = consent_stream(PERSON, CLIENT_ID, ERP)
OPERATOR, SERVICE, USER = (
    ByOperator(user="root"),
    ByService(why="first run"),
    ByUser(user_id=PERSON, session=SESSION_ID),
)
ALICE = ByClient(client_id=CLIENT_ID, sub="alice")
RESTORED = samples.RESTORED.__replace__(owner="bob", display_name="Second", scopes=("api:public", "crm:read"))


@dataclass
class Story:
    """A log. The event at position N happened N seconds after AT."""

    past: dict[UUID, list[Recorded]] = field(default_factory=dict[UUID, list[Recorded]])
    entries: list[bytes] = field(default_factory=list[bytes])
    token: Issuance | None = None
    client: UUID = STREAM
    exchange: UUID | None = None
    before: list[Sources] = field(default_factory=list[Sources])
    session: UUID | None = None
    """The session of an ID token that was exchanged."""

    def happened(self, stream: UUID, *events: Event, by: Actor = ALICE, **meta: Any) -> "Story":
        for event in events:
            self._append(stream, event, Meta(actor=by, request_id=f"r{len(self.entries)}", **meta))
        return self

    def _append(self, stream: UUID, event: Event, meta: Meta) -> None:
        past, position = self.past.setdefault(stream, []), len(self.entries) + 1
        each = Recorded(
            position=position,
            recorded_at=AT + timedelta(seconds=position),
            stream_id=stream,
            version=len(past) + 1,
            type=type_of(event),
            event=event,
            meta_bytes=encode(meta),
        )
        past.append(each)
        entry = event_entry(
            position=position,
            recorded_at=each.recorded_at,
            stream=stream,
            version=each.version,
            schema_version=schema_version(each.type),
            kind=each.type,
            meta=each.meta_bytes,
            data=encode(event),
        )
        self.entries.append(entry)

    def issued(self, secret: UUID, token: TokenIssued, *, jti: UUID = JTI) -> "Story":
        moment = AT + timedelta(seconds=len(self.entries), microseconds=1)
        self.token = Issuance(
            position=2 + len(self.before), issued_at=moment, client=self.client, secret=secret, jti=jti, token=token
        )
        return self

    @property
    def sources(self) -> Sources:
        assert self.token is not None
        past, asked_for_nothing = self.past, self.exchange or ISSUER in self.past
        return Sources(
            token=self.token,
            client=past[self.client],
            bot=past.get(BOT, ()),
            key=past[KEY],
            revocation=past.get(self.token.jti, ()),
            authorization=past.get(AUTHORIZATION, ()),
            user=past.get(PERSON, ()),
            session=past.get(SESSION_ID, ()) if self.token.token.authorization else (),
            consents=[]
            if asked_for_nothing
            else [past.get(CONSENT, ()), *([past[ERP_CONSENT]] if ERP_CONSENT in past else [])],
            exchange=past[self.exchange][-1] if self.exchange else None,
            before=self.before,
            exchanged_session=past[self.session] if self.session else (),
            issuer=past.get(ISSUER, ()),
        )

    def bundle(self) -> dict[str, Any]:
        """Returns the bundle as the service makes it."""
        sources = self.sources
        tokens = [_token_entry(each) for each in (*reversed(self.before), sources)]
        leaves = [list(map(leaf_of, entries)) for entries in (self.entries, [b"another", *tokens])]
        entries = [self._proved_event(at, leaves[0]) for at in positions(sources)]
        notes = [_checkpoint(ORIGIN, leaves[0]), _checkpoint(f"{ORIGIN}/issuance", leaves[1])]
        entries += [_proved("issuance", at, token, leaves[1]) for at, token in enumerate(tokens, start=2)]
        before = [json.loads(msgspec_json.encode(explain(each))) for each in self.before]
        return {
            "format": "muniment-provenance-1",
            "checkpoints": notes,
            "entries": entries,
            "answer": json.loads(msgspec_json.encode(explain(sources))),
            **({"before": before} if before else {}),
        }

    def _proved_event(self, position: int, leaves: list[bytes]) -> dict[str, Any]:
        (event,) = (each.event for past in self.past.values() for each in past if each.position == position)
        long = {"data": b64encode(encode(event)).decode()} if len(encode(event)) > MOST_DATA else {}
        return _proved("events", position, self.entries[position - 1], leaves) | long


def _token_entry(sources: Sources) -> bytes:
    token = sources.token
    data = issuance.encode(token.token)
    return token_entry(
        position=token.position,
        issued_at=token.issued_at,
        client=token.client,
        secret=token.secret,
        jti=token.jti,
        data=data,
    )


def _proved(tree: str, position: int, entry: bytes, leaves: list[bytes]) -> dict[str, Any]:
    proof = [b64encode(each).decode() for each in path(position - 1, leaves)]
    return {"tree": tree, "position": position, "entry": b64encode(entry).decode(), "proof": proof}


def _checkpoint(origin: str, leaves: list[bytes]) -> str:
    text = f"{origin}\n{len(leaves)}\n{b64encode(mth(leaves)).decode()}\nchain {'0' * 64}\n"
    return f"{text}\n{signed(text, origin)}"


def _beginning() -> Story:
    story = Story().happened(KEY, samples.PUBLISHED, samples.ACTIVATED, by=SERVICE)
    return story.happened(BOT, samples.BOT_REGISTERED, by=OPERATOR, reason="ticket 1")


def _token(scope: str, **more: Any) -> TokenIssued:
    return TokenIssued(sub=f"bot_{BOT.hex}", scope=scope, kid="key-1", exp=2_000_000_000, **more)


def machine() -> Story:
    gained = ClientScopesChanged(scopes=("api:public", "crm:read"), was=("api:public",))
    story = _beginning().happened(
        STREAM, samples.REGISTERED, address="192.0.2.7", trace_id="4bf92f3577b34da6a3ce929d0e0e4736"
    )
    story.happened(STREAM, samples.SECRET_ADDED, samples.RENAMED, gained, samples.MOVED, by=OPERATOR, cause=3)
    story.issued(SECRET.secret_id, _token("crm:read api:public", address="192.0.2.8"))
    return story.happened(STREAM, samples.SECRET_REVOKED, samples.DISABLED).happened(JTI, samples.REVOKED)


def login() -> Story:
    story = _beginning().happened(PERSON, samples.USER_REGISTERED, samples.USER_VERIFIED, by=USER)
    story.happened(STREAM, samples.INTERACTIVE).happened(SESSION_ID, samples.SESSION_STARTED, by=USER)
    story.happened(SESSION_ID, samples.REAUTHENTICATED, by=USER)
    sealed = SealedReason(user_id=PERSON, sealed=samples.SEALED)
    story.happened(
        CONSENT, samples.CONSENT_GIVEN, samples.CONSENT_WITHDRAWN, samples.CONSENT_GIVEN, by=USER, reason=sealed
    )
    story.happened(AUTHORIZATION, samples.GRANTED, samples.CODE_ISSUED, samples.CODE_REDEEMED, by=USER)
    last = samples.REFRESH_ROTATED.__replace__(jti=JTI)
    story.happened(AUTHORIZATION, samples.REFRESH_ISSUED, samples.REFRESH_ROTATED, last)
    token = _token("openid crm:read", authorization=AUTHORIZATION)
    story.issued(NO_SECRET, token.__replace__(sub=str(PERSON)))
    return story.happened(AUTHORIZATION, samples.AUTHORIZATION_REVOKED).happened(SESSION_ID, samples.SESSION_ENDED)


def restored() -> Story:
    story = _beginning().happened(STREAM, samples.REGISTERED, samples.DELETED)
    story.happened(STREAM, RESTORED, by=OPERATOR, reason="deleted by mistake")
    return story.issued(RESTORED.secrets[0].secret_id, _token("api:public crm:read"))


def imported() -> Story:
    story = _beginning()
    story.client = stream_named(b"client", b"crm-sync")
    story.happened(story.client, samples.IMPORTED, samples.SECRET_REHASHED)
    return story.issued(SECRET.secret_id, _token("api:public"))


def long() -> Story:
    """Its client's last change is so long that the entry has only the hash of it."""
    uris = tuple(f"https://app.example.com/{number}/{'x' * 2000}" for number in range(20))
    story = _beginning().happened(STREAM, samples.REGISTERED, samples.MOVED.__replace__(redirect_uris=uris, was=uris))
    return story.issued(SECRET.secret_id, _token("api:public"))


def first_party() -> Story:
    """Nobody is asked for consent."""
    story = login()
    del story.past[CONSENT]
    return story.issued(NO_SECRET, _token("openid", authorization=AUTHORIZATION))


def of_an_api() -> Story:
    """The client has a scope of this name for the default audience, too, which gave the token nothing."""
    story = _beginning().happened(STREAM, samples.REGISTERED.__replace__(scopes=("crm:read",)))
    story.happened(STREAM, samples.APIS_CHANGED, by=OPERATOR)
    story.happened(STREAM, ClientScopesChanged(scopes=(), was=("crm:read",)))
    return story.issued(SECRET.secret_id, _token("crm:read", audience=f"{ERP} {samples.CRM}"))


def for_two_apis() -> Story:
    """The person allowed each API by itself."""
    story = login()
    story.happened(ERP_CONSENT, samples.CONSENT_GIVEN.__replace__(resource=ERP, scopes=("openid", "post")), by=USER)
    granted = samples.GRANTED.__replace__(
        resource=f"{samples.CONSENT_GIVEN.resource} {ERP}", scopes=("openid", "crm:read", "post")
    )
    other = UUID("0192f000-0000-7000-8000-0000000000b9")
    story.happened(other, granted, samples.CODE_ISSUED, by=USER)
    story.past[AUTHORIZATION] = story.past.pop(other)
    token = _token("openid crm:read post", authorization=other, audience=granted.resource)
    return story.issued(NO_SECRET, token.__replace__(sub=str(PERSON)))


def device() -> Story:
    """A person signed in on a device: the code is that of the device."""
    story = login()
    other = UUID("0192f000-0000-7000-8000-0000000000ba")
    redeemed = samples.CODE_REDEEMED.__replace__(jti=JTI)
    story.happened(other, samples.GRANTED, samples.DEVICE_CODE_ISSUED, redeemed, by=USER)
    story.past[AUTHORIZATION] = story.past.pop(other)
    return story.issued(NO_SECRET, _token("crm:read", authorization=other).__replace__(sub=str(PERSON)))


def asserted() -> Story:
    """A trusted issuer asserted the person, who has no session here (ID-JAG)."""
    registered = samples.ISSUER_REGISTERED.__replace__(issuer="https://idp.example.com")
    story = _beginning().happened(PERSON, samples.USER_REGISTERED, by=SERVICE)
    story.happened(ISSUER, registered, samples.ISSUER_CHANGED, by=OPERATOR)
    story.happened(STREAM, samples.REGISTERED.__replace__(scopes=("crm:read",)))
    story.happened(AUTHORIZATION, samples.ASSERTED, by=ALICE)
    token = _token("crm:read", authorization=AUTHORIZATION).__replace__(sub=str(PERSON))
    return story.issued(SECRET.secret_id, token).happened(ISSUER, samples.ISSUER_DISABLED, by=OPERATOR)


def exchanged() -> Story:
    """An agent, and a tool of it, act for the person of a login: each exchanged the token of the one before."""
    story = login()
    for number, name in enumerate(("agent", "tool")):
        story = _exchanged(story, UUID(int=STREAM.int + 0x1000 + number), UUID(int=JTI.int + 0x1000 + number), name)
    return story.happened(STREAM, samples.DISABLED)


def _exchanged(story: Story, client: UUID, jti: UUID, name: str) -> Story:
    before = story.sources
    subject = before.token.jti
    secret = SECRET.__replace__(secret_id=UUID(int=SECRET.secret_id.int + client.int % 16))
    story.before, story.client, story.exchange = [before, *story.before], client, exchanges_of(subject)
    story.happened(client, samples.REGISTERED.__replace__(secret=secret, scopes=("api:public",)), by=OPERATOR)
    made = samples.EXCHANGED.__replace__(
        subject=subject,
        subject_client=client_id_of(before.token.client),
        jti=jti,
        client_id=client_id_of(client),
        actor=name,
    )
    story.happened(story.exchange, made.__replace__(jti=UUID(int=1)), made)
    token = before.token.token.__replace__(scope="crm:read", subject_token=subject, actor=name)
    return story.issued(secret.secret_id, token, jti=jti)


def id_token() -> Story:
    """A client asserted its own user elsewhere, by the ID token of a session."""
    story = _beginning().happened(PERSON, samples.USER_REGISTERED, by=USER).happened(STREAM, samples.REGISTERED)
    story.happened(SESSION_ID, samples.SESSION_STARTED, samples.REAUTHENTICATED, by=USER)
    made = samples.EXCHANGED.__replace__(
        subject=SESSION_ID, subject_client=CLIENT_ID, jti=JTI, kind="id_jag", actor=None, scope="chat"
    )
    story.exchange, story.session = exchanges_of(SESSION_ID), SESSION_ID
    story.happened(story.exchange, made)
    token = _token("chat", subject_token=SESSION_ID, typ="id_jag").__replace__(sub=str(PERSON))
    return story.issued(SECRET.secret_id, token)


def keyed() -> Story:
    """The client authenticated by a key."""
    story = _beginning().happened(STREAM, samples.REGISTERED).happened(STREAM, samples.KEY_ADDED, by=OPERATOR)
    story.issued(samples.KEY_ADDED.key.key_id, _token("api:public"))
    return story.happened(STREAM, samples.KEY_REVOKED.__replace__(key_id=samples.KEY_ADDED.key.key_id))


POD = WorkloadIdentity(issuer="https://ci.example", subject="a:*")


def of_a_workload() -> Story:
    """The client had the workload identity, lost it, got it once more with another, and lost both after the token."""
    story = _beginning().happened(STREAM, samples.REGISTERED)
    both = (POD.__replace__(single_use=True), POD.__replace__(subject="a:ä", audience="us"))
    lives = [Security(), Security(workload_identities=(POD,)), Security(), Security(workload_identities=both)]
    for was, security in pairwise(lives):
        story.happened(STREAM, ClientSecurityChanged(security=security, was=was), by=OPERATOR)
    story.issued(both[1].id_for(STREAM), _token("api:public"))
    gone = ClientSecurityChanged(security=Security(), was=lives[-1])
    return story.happened(STREAM, gone, ClientSecurityChanged(security=lives[-1], was=Security()))


def of_a_remote_key() -> Story:
    """The client authenticated by a key at its URL, which another one was before."""
    story, was = _beginning().happened(STREAM, samples.REGISTERED), Security()
    for at in ("https://old.example/jwks", "https://app.example.com/jwks"):
        security = Security(token_endpoint_auth_method="private_key_jwt", jwks_uri=at)
        story.happened(STREAM, ClientSecurityChanged(security=security, was=was), by=OPERATOR)
        was = security
    bound = was.__replace__(dpop_bound_access_tokens=True)
    story.happened(STREAM, ClientSecurityChanged(security=bound, was=was), samples.RENAMED)
    return story.issued(uuid5(STREAM, "thumbprint"), _token("api:public", client_key="thumbprint"))


STORIES = {"a machine": machine, "a login": login, "a restored client": restored, "an exchange": exchanged}
OTHER_STORIES = {
    "an imported client": imported,
    "a long event": long,
    "a first-party client": first_party,
    "an API": of_an_api,
    "two APIs": for_two_apis,
    "a device": device,
    "an assertion": asserted,
    "an ID token": id_token,
    "a key": keyed,
    "a workload": of_a_workload,
    "a remote key": of_a_remote_key,
}
