"""A walk over edges with times reaches what a naive closure reaches, and as early."""

from datetime import timedelta
from itertools import pairwise
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from events.client_security import ClientSecurityChanged, Security, WorkloadIdentity
from events.codec import Event, type_of
from service.blast_radius.consequences import CONSEQUENTIAL, agent, of_agent, of_event
from service.blast_radius.graph import Edge, Node, Walk
from service.blast_radius.holdings import held
from service.blast_radius.issuers import of_holders
from service.blast_radius.report import take
from tests.patience import turns_of_others
from tests.rules.samples import (
    AT,
    DELETED,
    DISABLED,
    EVENTS,
    ISSUER_CHANGED,
    ISSUER_REGISTERED,
    KEY_ADDED,
    KEY_REVOKED,
    REGISTERED,
    RESTORED,
    SECRET,
    SECRET_ADDED,
    SECRET_REVOKED,
    SESSION_STARTED,
)
from tests.rules.test_telling import recorded

NODES = [Node("client", str(number)) for number in range(7)]
TIMES = [AT + timedelta(seconds=second) for second in range(9)]
EDGES = st.lists(st.builds(Edge, st.sampled_from(NODES), st.sampled_from(NODES), st.sampled_from(TIMES)), max_size=25)


def naive(edges, seeds):
    """The earliest time of each node: every edge is tried again until nothing changes."""
    found = dict(seeds)
    while True:
        before = dict(found)
        for edge in edges:
            if edge.source in found and found[edge.source] <= edge.at < found.get(
                edge.target, TIMES[-1] + timedelta(1)
            ):
                found[edge.target] = edge.at
        if found == before:
            return found


def walked(edges, seeds):
    walk = Walk(seeds, 1000)
    while walk.frontier:
        walk.take([edge for edge in edges if edge.source in walk.frontier])
    return walk


@given(EDGES, st.sampled_from(NODES), st.sampled_from(TIMES))
def test_a_walk_reaches_what_a_naive_closure_reaches_and_as_early(edges, origin, since):
    walk = walked(edges, {origin: since})
    assert {node: reached.at for node, reached in walk.reached.items()} == naive(edges, {origin: since})


@given(EDGES, st.sampled_from(NODES), st.sampled_from(TIMES))
def test_what_is_reached_names_a_way_back_to_the_origin_that_the_edges_have(edges, origin, since):
    reached = walked(edges, {origin: since}).reached
    for node, found in reached.items():
        if found.via is None:
            assert node == origin
        else:
            assert Edge(found.via, node, found.at) in edges
            assert reached[found.via].at <= found.at


def test_a_walk_that_is_full_says_so():
    walk = Walk({NODES[0]: AT}, 3)
    walk.take([Edge(NODES[0], node, AT) for node in NODES[1:3]])
    assert not walk.full
    walk.take([Edge(NODES[1], node, AT) for node in NODES])
    assert walk.full


def kinds(event):
    return [edge.target.kind for edge in of_event(NODES[0], recorded(event))]


def test_an_event_is_a_change_and_puts_what_it_made_under_the_control_of_who_caused_it():
    assert kinds(DISABLED) == ["change"]
    assert kinds(REGISTERED) == ["change", "client"]
    assert kinds(RESTORED) == ["change", "client"]
    assert kinds(SECRET_ADDED) == ["change", "secret"]
    assert kinds(SESSION_STARTED) == ["change", "session"]


SOURCE = NODES[0]
FIRST, SECOND = Node("secret", str(UUID(int=1))), Node("secret", str(UUID(int=2)))


def held_since(second: int, *events: Event) -> dict[Node, int]:
    """The secrets of a client whose events happen each a second after the other: from which second on each follows."""
    past = [recorded(event).__replace__(recorded_at=TIMES[number]) for number, event in enumerate(events)]
    edges = held(past, {SOURCE: TIMES[second]}, {past[0].stream_id: SOURCE})
    return {edge.target: TIMES.index(edge.at) for edge in edges}


def test_a_client_has_what_it_was_given_until_that_is_revoked_or_the_client_is_deleted():
    assert held_since(0, REGISTERED, SECRET_ADDED) == {FIRST: 0, SECOND: 1}
    assert held_since(1, REGISTERED, DISABLED) == {FIRST: 1}
    assert held_since(1, REGISTERED, SECRET_REVOKED) == {FIRST: 1}
    assert held_since(2, REGISTERED, SECRET_REVOKED) == {}
    assert held_since(1, REGISTERED, DELETED) == {FIRST: 1}
    assert held_since(2, REGISTERED, DELETED) == {}


def test_keys_and_workload_identities_are_held_as_secrets_are():
    key = Node("secret", str(KEY_ADDED.key.key_id))
    revoked = KEY_REVOKED.__replace__(key_id=KEY_ADDED.key.key_id)
    assert held_since(0, REGISTERED, KEY_ADDED) == {FIRST: 0, key: 1}
    assert held_since(2, REGISTERED, KEY_ADDED, revoked) == {FIRST: 2, key: 2}
    assert held_since(3, REGISTERED, KEY_ADDED, revoked, DISABLED) == {FIRST: 3}
    pod, job = (WorkloadIdentity(issuer="https://ci.example", subject=each) for each in ("a:pod", "a:job"))
    both, one = Security(workload_identities=(pod, job)), Security(workload_identities=(pod,))
    given = ClientSecurityChanged(security=one, was=Security())
    more, less = ClientSecurityChanged(security=both, was=one), ClientSecurityChanged(security=one, was=both)
    nodes = [Node("secret", str(each.id_for(recorded(REGISTERED).stream_id))) for each in (pod, job)]
    assert held_since(0, REGISTERED, given, more) == {FIRST: 0, nodes[0]: 1, nodes[1]: 2}
    assert held_since(4, REGISTERED, given, more, less, DISABLED) == {FIRST: 4, nodes[0]: 4}


def test_a_client_follows_from_an_issuer_by_each_workload_identity_that_it_had_since_then():
    ours, others = (WorkloadIdentity(issuer=f"https://{name}.example", subject="a:pod") for name in ("ci", "other"))
    given = ClientSecurityChanged(security=Security(workload_identities=(ours, others)), was=Security())
    taken = ClientSecurityChanged(security=given.was, was=given.security)
    past = [
        recorded(each).__replace__(recorded_at=TIMES[at]) for at, each in enumerate((REGISTERED, given, taken, DELETED))
    ]
    issuer, identity = Node("issuer", "i"), Node("secret", str(ours.id_for(past[0].stream_id)))
    for until in (2, 3, 4):
        assert of_holders(past[:until], issuer, ours.issuer, TIMES[0]) == [Edge(issuer, identity, TIMES[1])]
    assert of_holders([past[0], past[1], past[3]], issuer, ours.issuer, TIMES[2]) == [Edge(issuer, identity, TIMES[2])]
    assert of_holders(past, issuer, ours.issuer, TIMES[3]) == []
    assert of_holders(past, issuer, "https://third.example", TIMES[0]) == []


def test_who_registers_an_issuer_or_changes_more_than_its_name_controls_what_it_asserts():
    renamed = ISSUER_CHANGED.__replace__(trust=ISSUER_CHANGED.was.__replace__(name="Another name"))
    keyed = ISSUER_CHANGED.__replace__(trust=ISSUER_CHANGED.was.__replace__(algorithms=("RS256",)))
    assert kinds(ISSUER_REGISTERED) == ["change", "issuer"]
    assert (kinds(renamed), kinds(keyed)) == (["change"], ["change", "issuer"])


def test_a_restored_client_has_the_secrets_that_came_back_with_it():
    renewed, kept = (RESTORED.__replace__(secrets=(each,)) for each in (SECRET_ADDED.secret, SECRET))
    assert held_since(0, REGISTERED, DELETED, renewed) == {FIRST: 0, SECOND: 2}
    assert held_since(2, REGISTERED, DELETED, renewed) == {SECOND: 2}
    assert held_since(2, REGISTERED, DELETED, kept) == {FIRST: 2}
    assert held_since(3, REGISTERED, DELETED, kept, DELETED, renewed) == {FIRST: 3, SECOND: 4}


@pytest.mark.parametrize("event", EVENTS, ids=type_of)
def test_the_events_that_lead_to_more_than_a_change_are_those_that_a_walk_over_what_is_live_reads(event):
    assert (kinds(event) not in ([], ["change"])) == (type_of(event) in CONSEQUENTIAL)


@pytest.mark.parametrize("event", EVENTS, ids=type_of)
def test_a_refused_request_and_a_read_are_no_changes_and_everything_else_is_one(event):
    changes_nothing = type_of(event).startswith("refusal.") or type_of(event) == "audit.read"
    assert ("change" not in kinds(event)) == changes_nothing


def test_an_agent_is_a_client_and_the_sub_for_which_it_acts():
    assert of_agent(agent("oauth_client_a", "Ada of the CRM")) == ("oauth_client_a", "Ada of the CRM")


async def test_a_walk_over_much_lets_others_have_their_turns_and_reaches_the_same():
    nodes = [Node("token", str(number)) for number in range(5001)]
    edges = [Edge(a, b, AT + timedelta(seconds=number)) for number, (a, b) in enumerate(pairwise(nodes))]
    gently, at_once = Walk({nodes[0]: AT}, 10_000), Walk({nodes[0]: AT}, 10_000)
    with turns_of_others() as turns:
        await take(gently, edges)
    at_once.take(edges)
    assert (gently.reached, gently.frontier) == (at_once.reached, at_once.frontier)
    assert turns() >= 4
