"""What may be asked of a trusted issuer, and what comes of asking."""

import pytest

from service.commands.handle import TRUSTED_ISSUER
from service.commands.trusted_issuer import (
    ChangeTrustedIssuer,
    DeleteTrustedIssuer,
    DisableTrustedIssuer,
    EnableTrustedIssuer,
    RegisterTrustedIssuer,
)
from service.refusals import Contradiction, DoesNotExist
from tests.rules.samples import (
    AT,
    ISSUER_CHANGED,
    ISSUER_DELETED,
    ISSUER_DISABLED,
    ISSUER_ENABLED,
    ISSUER_REGISTERED,
    TRUST,
    TRUST_IN_ASSERTIONS,
)
from tests.rules.table import outcome, rule

REGISTER = RegisterTrustedIssuer(issuer="https://ci.example.com", trust=TRUST, at=AT)
CHANGE = ChangeTrustedIssuer(
    keys=TRUST_IN_ASSERTIONS.keys, purposes=TRUST_IN_ASSERTIONS.purposes, provisions=TRUST_IN_ASSERTIONS.provisions
)
DISABLE, ENABLE, DELETE = DisableTrustedIssuer(), EnableTrustedIssuer(), DeleteTrustedIssuer()
PROVISION = ChangeTrustedIssuer(provisions=True)
OFF = [ISSUER_REGISTERED, ISSUER_DISABLED]
GONE = [ISSUER_REGISTERED, ISSUER_DELETED]


@pytest.mark.parametrize(
    ("given", "command", "then"),
    [
        rule([], REGISTER, [ISSUER_REGISTERED], "a new issuer is trusted"),
        rule([ISSUER_REGISTERED], REGISTER, Contradiction, "an id is registered once"),
        rule(GONE, REGISTER, Contradiction, "the id of a deleted one is not used again"),
        rule([], CHANGE, DoesNotExist, "an issuer that nobody knows cannot be changed"),
        rule([ISSUER_REGISTERED], CHANGE, [ISSUER_CHANGED], "a change says what was before"),
        rule(OFF, CHANGE, [ISSUER_CHANGED], "a disabled one can be changed"),
        rule([ISSUER_REGISTERED, ISSUER_CHANGED], CHANGE, [], "the same change twice changes nothing"),
        rule([ISSUER_REGISTERED], PROVISION, Contradiction, "only who asserts users can bring new ones"),
        rule(GONE, CHANGE, DoesNotExist, "a deleted one cannot be changed"),
        rule([ISSUER_REGISTERED], DISABLE, [ISSUER_DISABLED], "an issuer can be disabled"),
        rule(OFF, DISABLE, [], "disabling twice changes nothing"),
        rule(OFF, ENABLE, [ISSUER_ENABLED], "a disabled one can be enabled"),
        rule([ISSUER_REGISTERED], ENABLE, [], "enabling twice changes nothing"),
        rule([ISSUER_REGISTERED], DELETE, [ISSUER_DELETED], "an issuer can be deleted"),
        rule(OFF, DELETE, [ISSUER_DELETED], "a disabled one can be deleted"),
        rule(GONE, DELETE, DoesNotExist, "it is deleted once"),
    ],
)
def test_a_trusted_issuer(given, command, then):
    assert outcome(TRUSTED_ISSUER, given, command) == then
