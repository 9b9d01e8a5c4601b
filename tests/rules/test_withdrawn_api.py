"""What a client loses with an API that was deleted."""

import pytest

from events.client_apis import ClientApisChanged, GrantedApi
from events.client_security import ClientSecurityChanged, ExchangePolicy, Security
from service.commands.api_grants import WithdrawApi
from service.commands.handle import CLIENT
from tests.rules.samples import CRM, REGISTERED
from tests.rules.table import outcome, rule

ERP = "urn:erp"


def exchanging(*audiences: str) -> Security:
    return Security(
        token_exchange=(ExchangePolicy(clients=("app",), audiences=audiences, scopes=("crm:read",)),)
        if audiences
        else ()
    )


def granted(*identifiers: str) -> tuple[GrantedApi, ...]:
    return tuple(GrantedApi(identifier=each, scopes=()) for each in identifiers)


WITHDRAW = WithdrawApi(identifier=CRM)
GRANTED = REGISTERED.__replace__(apis=granted(CRM, ERP))
EXCHANGES = ClientSecurityChanged(security=exchanging(CRM, ERP), was=Security())
ONLY_CRM = ClientSecurityChanged(security=exchanging(CRM), was=Security())


@pytest.mark.parametrize(
    ("given", "command", "expected"),
    [
        rule([REGISTERED], WITHDRAW, [], "a client that has nothing of it loses nothing"),
        rule([GRANTED], WITHDRAW, [ClientApisChanged(apis=granted(ERP), was=granted(CRM, ERP))], "its grant is gone"),
        rule(
            [REGISTERED, EXCHANGES],
            WITHDRAW,
            [ClientSecurityChanged(security=exchanging(ERP), was=exchanging(CRM, ERP))],
            "nothing is exchanged for it",
        ),
        rule(
            [GRANTED, ONLY_CRM],
            WITHDRAW,
            [
                ClientApisChanged(apis=granted(ERP), was=granted(CRM, ERP)),
                ClientSecurityChanged(security=Security(), was=exchanging(CRM)),
            ],
            "a policy for it alone is gone",
        ),
    ],
)
def test_a_deleted_api_is_withdrawn(given, command, expected):
    assert outcome(CLIENT, given, command) == expected
