"""Hostile requests without an end: at each door the valid request of one of the parties, with one thing wrong."""

import random
from collections.abc import Callable, Iterator, Sequence
from urllib.parse import urlencode

from service.crypto import opaque_tokens
from service.crypto.credentials import new_id
from tests.bench.hostile import site
from tests.bench.hostile.asks import Ask, Pairs, posted, sent_json
from tests.bench.hostile.delegated import exchange, identity_assertion
from tests.bench.hostile.forms import BAD_BODIES, METADATA, damaged
from tests.bench.hostile.jwts import broken
from tests.bench.hostile.world import CLIENTS, PAR, REQUESTS, TOKEN, USERINFO, World
from tests.flows.people import CALLBACK, proof

INTROSPECT, REVOKE, AUTHORIZE, REGISTER, DEVICE = (
    f"/openid/{name}" for name in ("introspect", "revoke", "authorize", "register", "device_authorization")
)
DEVICE_CODE = "urn:ietf:params:oauth:grant-type:device_code"
REPLAYED = 0.1
LETTERS = "BCDFGHJKLMNPQRSTVWXZ"
Door = Callable[[World, random.Random], Ask]


def _machine_form(world: World) -> list[tuple[str, str]]:
    return [
        ("grant_type", "client_credentials"),
        ("client_id", world.machine[0]),
        ("client_secret", world.machine[1]),
    ]


def _proof_for_a_token(world: World, dice: random.Random) -> Ask:
    form, token, door = _machine_form(world), world.proof("POST", TOKEN), "DPoP: token"
    if dice.random() < REPLAYED:
        sent = (("DPoP", token.text),)
        before = posted(door, "valid", TOKEN, form, headers=sent)
        return posted(door, "replayed", TOKEN, form, headers=sent, before=before)
    how, text = broken(token, dice)
    return posted(door, how, TOKEN, form, headers=(("DPoP", text),))


def _proof_for_a_resource(path: str, world: World, dice: random.Random) -> Ask:
    token, access, door = world.proof("GET", path), world.tokens[path], f"DPoP: {path}"
    how, headers, before = "", list[tuple[str, str]](), None
    by = ("Authorization", f"DPoP {access}")
    match dice.randrange(10):
        case 0:
            how, headers = "replayed", [by, ("DPoP", token.text)]
            before = Ask(door=door, how="valid", method="GET", path=path, headers=headers)
        case 1:
            how, headers = "bound token as a bearer", [("Authorization", f"Bearer {access}"), ("DPoP", token.text)]
        case 2:
            how, headers = (
                "two headers",
                dice.choice(([by, by, ("DPoP", token.text)], [by, *[("DPoP", token.text)] * 2])),
            )
        case 3:
            cut = dice.choice((access[:-8], f"{access}x", access.swapcase(), "x" * 9000, "é", ""))
            how, headers = "another token", [("Authorization", f"DPoP {cut}"), ("DPoP", token.text)]
        case _:
            how, text = broken(token, dice)
            headers = [by, ("DPoP", text)]
    return Ask(door=door, how=how, method="GET", path=path, headers=headers, before=before)


def _assertion(path: str, world: World, dice: random.Random) -> Ask:
    token, door = world.assertion(world.keyed), f"client assertion: {path}"
    what = [("grant_type", "client_credentials")] if path == TOKEN else [("token", "x")]
    if dice.random() < REPLAYED:
        form = [*what, *world.authentication(world.keyed, token.text)]
        return posted(door, "replayed", path, form, before=posted(door, "valid", path, form))
    how, text = broken(token, dice)
    return posted(door, how, path, [*what, *world.authentication(world.keyed, text)])


def _assertion_at_par(world: World, dice: random.Random) -> Ask:
    how, text = broken(world.assertion(world.pushing), dice)
    form = [("request", world.request_object(world.pushing).text), *world.authentication(world.pushing, text)]
    return posted(f"client assertion: {PAR}", how, PAR, form)


def _pushed_object(world: World, dice: random.Random) -> Ask:
    how, text = broken(world.request_object(world.pushing), dice)
    form = [("client_id", world.pushing), ("request", text), *world.authentication(world.pushing)]
    return posted("JAR: PAR", how, PAR, form)


def _object(world: World, dice: random.Random) -> Ask:
    how, text = broken(world.request_object(world.signing), dice)
    query = urlencode({"client_id": world.signing, "request": text}, errors="surrogatepass")
    return Ask(door="JAR: authorize", how=how, method="GET", path=f"{AUTHORIZE}?{query}")


def _by_reference(world: World, dice: random.Random) -> Ask:
    how = dice.choice((*REQUESTS, "not registered", "with a hash"))
    url = f"{world.site}/{REQUESTS[0] if how == 'with a hash' else how.replace(' ', '-')}"
    uri = f"{url}#{'A' * 43}" if how == "with a hash" else url
    query = urlencode({"client_id": world.signing, "redirect_uri": CALLBACK, "request_uri": uri})
    return Ask(door="JAR: by reference", how=how, method="GET", path=f"{AUTHORIZE}?{query}")


def _pushed(world: World, dice: random.Random) -> Ask:
    form = [
        ("response_type", "code"),
        ("client_id", world.app[0]),
        ("client_secret", world.app[1]),
        ("redirect_uri", CALLBACK),
        ("code_challenge", proof().challenge),
        ("code_challenge_method", "S256"),
    ]
    return damaged("PAR", PAR, form, dice, may_miss=("redirect_uri", "code_challenge", "code_challenge_method"))


def _device(world: World, dice: random.Random) -> Ask:
    return damaged("device authorization", DEVICE, [("client_id", world.television)], dice)


def _polling(world: World, dice: random.Random) -> Ask:
    code = opaque_tokens.make(opaque_tokens.DEVICE_CODE, new_id()).reveal()
    form = [("grant_type", DEVICE_CODE), ("device_code", code), ("client_id", world.television)]
    if dice.random() < 0.5:
        return posted("device: polling", "guessed", TOKEN, form)
    return damaged("device: polling", TOKEN, form, dice)


def _user_code(world: World, dice: random.Random) -> Ask:
    letters = "".join(dice.choices(LETTERS, k=8))
    codes = (
        letters,
        f"{letters[:4]}-{letters[4:]}",
        letters.lower(),
        letters[:5],
        "\u0000",
        "é" * 4000,
        "x" * 20_000,
        "",
    )
    form = {**world.browser_csrf, "user_code": dice.choice(codes)}
    return posted("device: user code", "guessed", "/device", list(form.items()), headers=_seen_by(world))


def _seen_by(world: World) -> Pairs:
    return ("Cookie", world.browser_cookie), ("Origin", world.url), ("Accept", "text/html")


def _registration(_: World, dice: random.Random) -> Ask:
    how = dice.choice(list(METADATA))
    return sent_json("registration", how, "POST", REGISTER, METADATA[how])


def _management(world: World, dice: random.Random) -> Ask:
    """Of one's own registration with a token that is not, or of another's."""
    door, mine = "registration management", world.registered
    path = mine["registration_client_uri"].removeprefix(world.url)
    token: str = mine["registration_access_token"]
    method = dice.choice(("GET", "PUT", "DELETE"))
    cut = dice.choice((token[:-1], token.swapcase(), "", "x" * 9000, "é", world.person, mine["client_secret"]))
    body = b'{"redirect_uris": ["https://evil.example/cb"]}'
    match dice.randrange(4):
        case 0:
            how = dice.choice(list(METADATA))
            return sent_json(door, how, "PUT", path, METADATA[how], headers=(("Authorization", f"Bearer {token}"),))
        case 1:
            other = f"{REGISTER}/{dice.choice((world.app[0], world.machine[0], 'x' * 3000, '%00', '..%2f', '%ff'))}"
            return sent_json(door, "another's", method, other, body, headers=(("Authorization", f"Bearer {token}"),))
        case 2:
            twice = [("Authorization", f"Bearer {token}")] * 2
            return sent_json(door, "two headers", method, path, body, headers=twice)
        case _:
            return sent_json(door, "another token", method, path, body, headers=(("Authorization", f"Bearer {cut}"),))


def _document(world: World, dice: random.Random) -> Ask:
    how = dice.choice(list(site.ANSWERS)) if dice.random() < 0.97 else site.SLOW
    client = f"{world.site}/{how}/{dice.randrange(10**9)}"
    if dice.random() < 0.3:
        how, client = "URL", dice.choice(_urls(client))
    asked = {"client_id": client, "redirect_uri": CALLBACK, "response_type": "code", "scope": "openid", "state": "s"}
    more = {"code_challenge": proof().challenge, "code_challenge_method": "S256"}
    path = f"{AUTHORIZE}?{urlencode({**asked, **more})}"
    return Ask(door="client-id document", how=how, method="GET", path=path, headers=(("Accept", "text/html"),))


def _urls(url: str) -> Sequence[str]:
    """Where no document may be."""
    return (
        *(
            f"{url}#x",
            f"{url}/../x",
            f"{url}/./x",
            url.replace("https:", "http:"),
            url.replace("https://", "https://u:p@"),
        ),
        *("https://127.0.0.1/c", "https://[::1]/c", "https://[::ffff:127.0.0.1]/c", "https://[64:ff9b::7f00:1]/c"),
        *(
            "https://2130706433/c",
            "https://0x7f.1/c",
            "https://0177.0.0.1/c",
            "https://169.254.169.254/latest/meta-data",
        ),
        *("https://10.0.0.1/c", "https://[fd00::1]/c", "https://[fe80::1%25eth0]/c", "https://0.0.0.0/c"),
        *(
            "https://localhost:99999/c",
            "https://localhost",
            "https://loc\u00e4lhost./c",
            "https://" + "a" * 3000 + "/c",
        ),
    )


def _bodies(_: World, dice: random.Random) -> Ask:
    """Bodies that are no form at all."""
    path = dice.choice((TOKEN, INTROSPECT, REVOKE, PAR, DEVICE, REGISTER))
    kind, body = dice.choice(BAD_BODIES)
    headers = () if kind is None else (("Content-Type", kind),)
    return Ask(door="bodies", how=str(kind), method="POST", path=path, headers=headers, body=body)


def _secret(path: str, world: World, dice: random.Random) -> Ask:
    form = _machine_form(world) if path == TOKEN else [("token", world.person), *_machine_form(world)[1:]]
    return damaged(f"form: {path}", path, form, dice)


DOORS: Sequence[Door] = (
    _proof_for_a_token,
    lambda world, dice: _proof_for_a_resource(USERINFO, world, dice),
    lambda world, dice: _proof_for_a_resource(CLIENTS, world, dice),
    *(lambda world, dice, path=path: _assertion(path, world, dice) for path in (TOKEN, INTROSPECT, REVOKE)),
    *(lambda world, dice, path=path: _secret(path, world, dice) for path in (TOKEN, INTROSPECT, REVOKE)),
    _assertion_at_par,
    _pushed_object,
    _object,
    _by_reference,
    _pushed,
    _device,
    _polling,
    _user_code,
    _registration,
    _management,
    _document,
    exchange,
    exchange,
    identity_assertion,
    _bodies,
)


def hostile(world: World, seed: int) -> Iterator[Ask]:
    """Each door in turn."""
    dice = random.Random(seed)
    while True:
        for door in DOORS:
            yield door(world, dice)
