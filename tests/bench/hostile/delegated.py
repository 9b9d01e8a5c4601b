"""Hostile exchanges of tokens, and assertions of users by the providers of enterprises."""

import base64
import random
from collections.abc import Mapping, Sequence

from tests.bench.hostile.asks import Ask, posted
from tests.bench.hostile.forms import damaged
from tests.bench.hostile.jwts import Token, broken
from tests.bench.hostile.world import CLIENTS, CRM, THERE, TOKEN, World

KINDS = "urn:ietf:params:oauth:token-type:"
EXCHANGE, BEARER = (f"urn:ietf:params:oauth:grant-type:{name}" for name in ("token-exchange", "jwt-bearer"))
ONE_IN_TEN = 0.1


def _exchange_form(world: World) -> dict[str, str]:
    return {
        "grant_type": EXCHANGE,
        "client_id": world.agent[0],
        "client_secret": world.agent[1],
        "subject_token": world.person,
        "subject_token_type": f"{KINDS}access_token",
        "resource": CRM,
        "scope": "crm:read",
    }


def exchange(world: World, dice: random.Random) -> Ask:
    valid = _exchange_form(world)
    if dice.random() < 0.4:
        return damaged("token exchange", TOKEN, list(valid.items()), dice, may_miss=("resource", "scope"))
    changes = dice.choice(_escalations(world, dice))
    return posted("token exchange", "escalation", TOKEN, list({**valid, **changes}.items()))


def _escalations(world: World, dice: random.Random) -> Sequence[Mapping[str, str]]:
    access, foreign = f"{KINDS}access_token", {"subject_token_type": f"{KINDS}jwt"}
    chain: dict[str, object] = {"sub": "0"}
    for number in range(20):
        chain = {"sub": str(number), "act": chain}
    return (
        {"scope": dice.choice(("operate", "crm:write", "crm:read crm:write", "clients:write", "openid", "x" * 3000))},
        {"resource": dice.choice((world.url, f"{world.url}{CLIENTS}", "https://erp.example.com", "crm", "\u0000"))},
        {"audience": THERE, "resource": ""},
        {"requested_token_type": dice.choice((f"{KINDS}id-jag", f"{KINDS}refresh_token", "x"))},
        {"requested_token_type": f"{KINDS}id-jag", "audience": THERE},
        {"actor_token": world.person, "actor_token_type": access},
        {"actor_token": world.foreign_token().text, "actor_token_type": f"{KINDS}jwt"},
        {"actor_token": "x"},
        {"actor_token_type": access},
        {"subject_token": world.tokens[CLIENTS]},
        {"subject_token": dice.choice((world.person[:-4], f"{world.person}x", "x" * 50_000))},
        {"client_id": world.machine[0], "client_secret": world.machine[1]},
        {**foreign, "subject_token": world.foreign_token(act=chain).text},
        {**foreign, "subject_token": world.foreign_token(may_act={"sub": "bot-other"}).text},
        {**foreign, "subject_token": world.foreign_token(sub="nobody").text},
        {**foreign, "subject_token": broken(world.foreign_token(), dice)[1]},
        {**foreign, "subject_token": broken(world.foreign_token(), dice)[1]},
        {**foreign, "subject_token": broken(world.foreign_token(), dice)[1]},
    )


def identity_assertion(world: World, dice: random.Random) -> Ask:
    door, basic = "ID-JAG", base64.b64encode(f"{world.app[0]}:{world.app[1]}".encode()).decode()
    headers = (("Authorization", f"Basic {basic}"),)
    token: Token = world.identity_assertion()
    form = [("grant_type", BEARER), ("assertion", token.text)]
    if dice.random() < ONE_IN_TEN:
        return posted(
            door, "replayed", TOKEN, form, headers=headers, before=posted(door, "valid", TOKEN, form, headers=headers)
        )
    if dice.random() < ONE_IN_TEN:
        more = dice.choice((("scope", "operate"), ("scope", "crm:write"), ("resource", "https://erp.example.com")))
        return posted(door, "escalation", TOKEN, [*form, more], headers=headers)
    how, text = broken(token, dice)
    return posted(door, how, TOKEN, [form[0], ("assertion", text)], headers=headers)
