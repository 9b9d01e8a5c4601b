"""Any command to anything, from anybody: hypothesis strategies, and what decide makes of a sequence of them."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from hypothesis import strategies as st
from msgspec import UNSET

from events.client import AuthorizationCode, ClientCredentials
from events.codec import Event
from service.commands.access_token import RevokeToken
from service.commands.bot import DeleteBot, DisableBot, EnableBot, RegisterBot
from service.commands.client import (
    AddSecret,
    ChangeClient,
    DeleteClient,
    DisableClient,
    EnableClient,
    Holder,
    RegisterClient,
    RevokeSecret,
)
from service.commands.handle import ACCESS_TOKEN, BOT, CLIENT, SIGNING_KEY
from service.commands.signing_key import ActivateKey, PublishKey, RetireKey
from service.problems import Problem
from service.scopes import OPERATORS
from tests.rules.samples import AT, JWK, LATER, secret

SCOPES = ("api:public", "crm:read", "clients:write")

text = st.text(st.characters(exclude_categories=("Cc", "Cs")), max_size=12)
"""What gets past the door: no control characters and no surrogates."""

holders = st.sampled_from(
    [
        Holder(owner="alice", sub="alice", scopes=frozenset(SCOPES)),
        Holder(owner="alice", sub="alice", scopes=frozenset(SCOPES)),
        Holder(owner="mallory", sub="mallory", scopes=frozenset(SCOPES)),
        Holder(owner=None, sub="muniment", scopes=frozenset(OPERATORS)),
    ]
)
scopes = st.lists(st.sampled_from(SCOPES), unique=True, max_size=3).map(tuple)
uris = st.lists(
    st.sampled_from(["https://a.example/cb", "http://127.0.0.1:1/cb", "com.example.app:/cb"]), max_size=2
).map(tuple)
secrets = st.builds(secret, st.integers(1, 6), expires_at=st.sampled_from([None, AT, LATER]))
grants = st.one_of(
    st.builds(ClientCredentials, bot_user_id=st.sampled_from(["alice", "bot-abc123"])),
    st.builds(AuthorizationCode, bot_user_id=st.sampled_from([None, "bot-abc123"])),
)

REGISTER_CLIENT = st.builds(
    RegisterClient,
    owner=st.just("alice"),
    grant=grants,
    display_name=st.none() | text,
    redirect_uris=uris,
    scopes=scopes,
    secret=secrets,
    at=st.just(AT),
)
CLIENT_COMMANDS = st.one_of(
    REGISTER_CLIENT,
    st.builds(
        ChangeClient,
        by=holders,
        display_name=st.just(UNSET) | st.none() | text,
        redirect_uris=st.just(UNSET) | uris,
        scopes=st.just(UNSET) | scopes,
    ),
    st.builds(AddSecret, by=holders, secret=secrets, at=st.just(AT)),
    st.builds(RevokeSecret, by=holders, secret_id=st.integers(1, 6).map(lambda number: UUID(int=number))),
    st.builds(DisableClient, by=holders),
    st.builds(EnableClient, by=holders),
    st.builds(DisableClient, by=holders),
    st.builds(DeleteClient, by=holders),
)
REGISTER_BOT = st.builds(
    RegisterBot,
    owner=st.just("alice"),
    email=text,
    first_name=st.none() | text,
    last_name=st.none() | text,
    at=st.just(AT),
)
BOT_COMMANDS = st.one_of(
    REGISTER_BOT, st.builds(DisableBot, by=holders), st.builds(EnableBot, by=holders), st.builds(DeleteBot, by=holders)
)
PUBLISH_KEY = st.builds(PublishKey, kid=text, alg=st.just("ES256"), public_jwk=st.just(JWK), at=st.just(AT))
KEY_COMMANDS = st.one_of(
    PUBLISH_KEY,
    st.builds(ActivateKey, at=st.sampled_from([AT, LATER])),
    st.builds(RetireKey, at=st.sampled_from([AT, LATER])),
)
REVOKE_TOKEN = st.builds(RevokeToken, client_id=text, expires_at=st.sampled_from([AT, LATER]), at=st.just(AT))

EVERYTHING: dict[str, tuple[Any, st.SearchStrategy[list[Any]]]] = {
    "client": (
        CLIENT,
        st.builds(lambda first, rest: [first, *rest], REGISTER_CLIENT, st.lists(CLIENT_COMMANDS, max_size=12)),
    ),
    "bot": (BOT, st.builds(lambda first, rest: [first, *rest], REGISTER_BOT, st.lists(BOT_COMMANDS, max_size=8))),
    "signing key": (
        SIGNING_KEY,
        st.builds(lambda first, rest: [first, *rest], PUBLISH_KEY, st.lists(KEY_COMMANDS, max_size=6)),
    ),
    "access token": (ACCESS_TOKEN, st.lists(REVOKE_TOKEN, min_size=1, max_size=3)),
}
"""By name: each aggregate, and sequences of commands to one of it."""


def happened(aggregate: Any, commands: Sequence[Any]) -> tuple[list[Event], list[Any]]:
    """The events that these commands come to, and the state after each of them (and before the first)."""
    events: list[Event] = []
    states = [aggregate.initial]
    for command in commands:
        try:
            decided = aggregate.decide(command, states[-1])
        except Problem:
            continue
        for event in decided:
            events.append(event)
            states.append(aggregate.evolve(states[-1], event))
    return events, states
