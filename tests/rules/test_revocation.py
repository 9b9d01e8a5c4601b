"""What is planned for a set of things stops each of them, once, and nothing else."""

from uuid import UUID

from hypothesis import given
from hypothesis import strategies as st

from events.ids import bot_id_of, client_id_of
from service.blast_radius.bounds import Issued
from service.blast_radius.graph import Node
from service.blast_radius.report import Named
from service.revocation import plan
from service.revocation.receipt import RevocationReceipt, notes
from tests.rules.samples import (
    AT,
    BOT_REGISTERED,
    CODE_ISSUED,
    DELETED,
    DISABLED,
    DISABLED_BY_OPERATOR,
    GRANTED,
    ISSUER_REGISTERED,
    REGISTERED,
    SECRET_ADDED,
    SESSION_STARTED,
    USER_REGISTERED,
)

IDS = [UUID(int=(7 << 76) + number) for number in range(1, 7)]
PAST = {
    "client": [REGISTERED, SECRET_ADDED],
    "bot": [BOT_REGISTERED],
    "user": [USER_REGISTERED],
    "session": [SESSION_STARTED],
    "authorization": [GRANTED, CODE_ISSUED],
    "issuer": [ISSUER_REGISTERED],
}
NAMES = {"client": client_id_of, "bot": bot_id_of}
SECRETS = {str(UUID(int=number)): IDS[0] for number in (1, 2)}  # those of REGISTERED and SECRET_ADDED

nodes = st.sets(
    st.one_of(
        st.builds(Node, st.just("secret"), st.sampled_from([*SECRETS, str(UUID(int=9))])),
        st.builds(
            lambda kind, number: Node(kind, NAMES.get(kind, str)(number)),
            st.sampled_from(["client", "bot", "user", "session", "authorization", "token", "issuer"]),
            st.sampled_from(IDS),
        ),
        st.builds(Node, st.sampled_from(["change", "actor", "agent", "signingKey"]), st.just("17")),
    )
)


@given(nodes)
def test_each_thing_of_a_set_is_stopped_once_and_the_second_time_nothing_changes(found):
    steps = plan.steps(found, SECRETS, AT)
    streams = [(step.kind, step.stream) for step in steps]
    assert len(set(streams)) == len(streams)
    stopped: list[Node] = []
    for step in steps:
        first = step.decide(PAST[step.kind])
        stopped += first.nodes
        assert step.decide([*PAST[step.kind], *first.events]).events == []
    known = {node for node in found if node.kind in PAST or node.id in SECRETS}
    assert sorted(stopped, key=str) == sorted(known, key=str)


@given(nodes)
def test_no_stream_is_touched_but_those_of_the_set_and_of_the_clients_of_its_secrets(found):
    own = {("client", SECRETS[node.id]) for node in found if node.id in SECRETS}
    for step in plan.steps(found, SECRETS, AT):
        node = Node(step.kind, NAMES.get(step.kind, str)(step.stream))
        assert node in found or (step.kind, step.stream) in own
        if node not in found:
            assert {type(event).__name__ for event in step.decide(PAST[step.kind]).events} == {"ClientSecretRevoked"}


def test_what_the_owner_disabled_is_disabled_by_the_operator_and_what_is_deleted_needs_nothing():
    client = Node("client", client_id_of(IDS[0]))
    [step] = plan.steps([client, Node("secret", str(UUID(int=1)))], SECRETS, AT)
    assert step.decide([REGISTERED, DISABLED]).events[-1] == DISABLED_BY_OPERATOR
    assert step.decide([REGISTERED, DELETED]).events == []
    assert step.decide([REGISTERED, DISABLED_BY_OPERATOR]).nodes == [Node("secret", str(UUID(int=1)))]


def test_a_token_is_revoked_by_itself_unless_its_authorization_is_revoked_or_its_client_is_gone():
    tokens = [Node("token", str(UUID(int=number))) for number in range(5)]
    authorization = Node("authorization", str(IDS[1]))
    issued = {
        tokens[0].id: Issued("oauth_client_a", 4_000_000_000, None),
        tokens[1].id: Issued("oauth_client_a", 4_000_000_000, IDS[1]),
        tokens[2].id: Issued("oauth_client_a", 4_000_000_000, IDS[2]),
        tokens[3].id: Issued("oauth_client_gone", 4_000_000_000, None),
    }
    planned = plan.tokens([*tokens, authorization], issued, {"oauth_client_gone"}, AT)
    assert [token.jti for token in planned] == [UUID(int=0), UUID(int=2)]
    assert {token.revoked.client_id for token in planned} == {"oauth_client_a"}
    assert all(token.revoked.expires_at.timestamp() > 4_000_000_000 for token in planned)


RECEIPT = RevocationReceipt(
    origin=Named(kind="secret", id="s"),
    since=AT,
    dry_run=False,
    position=9,
    complete=True,
    follows={},
    revoked={},
    unchanged={},
    first_position=None,
    last_position=None,
    tokens_valid_until=None,
    checkpoint=None,
    notes=[],
)


def test_the_notes_say_what_else_there_is_to_do():
    assert notes(RECEIPT, None) == []
    told = RECEIPT.__replace__(
        origin=Named(kind="signingKey", id="key-1"),
        complete=False,
        follows={"change": 3},
        revoked={"client": 1, "issuer": 1},
        last_position=8,
        tokens_valid_until=AT,
    )
    said = " ".join(notes(told, "oauth_client_me"))
    for part in (
        *(
            "muniment keys rotate",
            "Your own client oauth_client_me",
            "3 followed",
            "enabled again",
            "nothing of them is accepted",
        ),
        *("until 2026-01-02 03:04:05Z", "run it again", "No checkpoint covers position 8"),
    ):
        assert part in said
