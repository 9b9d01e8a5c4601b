"""What may be asked of a bot, and what comes of asking."""

import pytest

from events.bot import ActiveBot, BotDeleted, DeletedBot, DisabledBot, UnregisteredBot, evolve
from service.commands.bot import DeleteBot, DisableBot, EnableBot, RegisterBot
from service.commands.client import Holder
from service.commands.handle import BOT
from service.refusals import Contradiction, DoesNotExist, NotPermitted
from tests.rules.samples import (
    AT,
    BOT_DELETED,
    BOT_DISABLED,
    BOT_DISABLED_BY_OPERATOR,
    BOT_ENABLED,
    BOT_REGISTERED,
    REGISTERED,
)
from tests.rules.table import outcome, rule

ALICE = Holder(owner="alice", sub="alice", scopes=frozenset())
MALLORY = Holder(owner="mallory", sub="mallory", scopes=frozenset())
OPERATOR = Holder(owner=None, sub="muniment", scopes=frozenset({"operate"}))

REGISTER = RegisterBot(owner="alice", email="crm@example.com", first_name="Cee", last_name=None, at=AT)
DISABLE, ENABLE, DELETE = DisableBot(by=ALICE), EnableBot(by=ALICE), DeleteBot(by=ALICE)


@pytest.mark.parametrize(
    ("given", "command", "then"),
    [
        rule([], REGISTER, [BOT_REGISTERED], "a new bot is registered"),
        rule([BOT_REGISTERED], REGISTER, Contradiction, "a bot is registered once"),
        rule([BOT_REGISTERED, BOT_DISABLED], REGISTER, Contradiction, "a disabled bot is not registered again"),
        rule([BOT_REGISTERED, BOT_DELETED], REGISTER, Contradiction, "a deleted bot's id is never used again"),
        rule([BOT_REGISTERED], DISABLE, [BOT_DISABLED], "a bot can be disabled"),
        rule([BOT_REGISTERED, BOT_DISABLED], DISABLE, [], "disabling twice changes nothing"),
        rule([BOT_REGISTERED, BOT_DISABLED], ENABLE, [BOT_ENABLED], "a disabled bot can be enabled"),
        rule([BOT_REGISTERED], ENABLE, [], "enabling an active bot changes nothing"),
        rule([BOT_REGISTERED], DELETE, [BOT_DELETED], "a bot can be deleted"),
        rule([BOT_REGISTERED, BOT_DISABLED], DELETE, [BOT_DELETED], "a disabled bot can be deleted"),
        *(
            rule(given, command.__replace__(by=by), DoesNotExist, f"{who} and {type(command).__name__}: not found")
            for command in (DISABLE, ENABLE, DELETE)
            for given, by, who in (
                ([], ALICE, "nobody's bot"),
                ([BOT_REGISTERED, BOT_DELETED], OPERATOR, "a deleted bot"),
                ([BOT_REGISTERED], MALLORY, "another owner's bot"),
                ([BOT_REGISTERED, BOT_DISABLED], MALLORY, "another owner's disabled bot"),
                ([REGISTERED], OPERATOR, "a client's id"),
            )
        ),
        rule(
            [BOT_REGISTERED],
            DisableBot(by=OPERATOR),
            [BOT_DISABLED_BY_OPERATOR],
            "an operator may disable anybody's bot",
        ),
        rule(
            [BOT_REGISTERED, BOT_DISABLED_BY_OPERATOR],
            ENABLE,
            NotPermitted,
            "its owner cannot enable what an operator disabled",
        ),
        rule(
            [BOT_REGISTERED, BOT_DISABLED, BOT_DISABLED_BY_OPERATOR],
            ENABLE,
            NotPermitted,
            "not even when its owner had disabled it before",
        ),
        rule(
            [BOT_REGISTERED, BOT_DISABLED_BY_OPERATOR], DISABLE, [], "an owner's disable does not weaken an operator's"
        ),
        rule(
            [BOT_REGISTERED, BOT_DISABLED_BY_OPERATOR],
            EnableBot(by=OPERATOR),
            [BOT_ENABLED],
            "an operator can enable what an operator disabled",
        ),
        rule(
            [BOT_REGISTERED],
            DeleteBot(by=OPERATOR),
            [BotDeleted(owner="alice", by="operator")],
            "an operator may delete anybody's bot",
        ),
    ],
)
def test_a_bot(given, command, then):
    assert outcome(BOT, given, command) == then


@pytest.mark.parametrize(
    "event", [BOT_REGISTERED, BOT_DISABLED, BOT_ENABLED, BOT_DELETED], ids=lambda e: type(e).__name__
)
@pytest.mark.parametrize(
    "state",
    [UnregisteredBot(), ActiveBot(owner="alice"), DisabledBot(owner="alice"), DeletedBot(owner="alice")],
    ids=lambda state: type(state).__name__,
)
def test_evolve_takes_any_event_in_any_state(state, event):
    assert isinstance(evolve(state, event), ActiveBot | DisabledBot | DeletedBot)
