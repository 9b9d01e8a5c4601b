"""A fuzzer that reads /openapi.json finds nothing that the service does otherwise, and no input that it fails on."""

import asyncio
import os
import sys
from pathlib import Path

from service.openapi.document import OPERATIONS
from service.pages.reference import assets
from service.values.scopes import API_PUBLIC, MANAGEMENT, OPERATE
from tests.conftest import fresh_database
from tests.flows.conftest import serving

OF_A_MOMENT = [each.operation_id for each in OPERATIONS if any(one.name == "as_of" for one in each.parameters)]
OF_A_USER = ["endUserSession", "withdrawConsents"]
"""No schema can say which sessions a user has, and what is the id of a client."""
OPERATED = ("/api/v1/auth/apis", "/api/v1/auth/trusted-issuers")
OF_AN_OPERATOR = [
    *("giveRole", "takeRole", "rotateSigningKeys"),
    *(each.operation_id for each in OPERATIONS if each.path.startswith(OPERATED)),
]
"""They require `operate`, which the fuzzer lacks, or are about what only an operator makes."""
OF_THE_CLIENT_ITSELF = [each.operation_id for each in OPERATIONS if each.path.startswith("/openid/register")]
"""They are off, and need a token that no schema describes."""
OF_A_TOKEN = ["readInitialAccessTokenHistory", "readDeviceAuthorization", "readDeviceAuthorizationHistory"]
RESTORATIONS = ["restoreOAuthClient", "restoreBot", "rehearsePolicy", "revokeTree", "recognizeCredential"]
OF_A_PLACE = [
    *("listAuditEvents", "listAuditTokens", "explainToken", "readBlastRadius", "readClientUsage"),
    *("tile", "consistencyProof", "tileOfIssuance", "consistencyProofOfIssuance"),
]
"""What has an answer depends on the log: a moment may be in the future, a place beyond the end, a client may never have been, and days must be in order. No schema can say that."""

CONFIG = f"""
hooks = "{Path(__file__).parent / "schemathesis_hooks.py"}"
continue-on-failure = true

[generation]
deterministic = true
max-examples = 2
allow-extra-parameters = false  # every HTTP server ignores headers that it does not know

[phases.coverage]
unexpected-methods = ["PUT", "TRACE"]

[phases.stateful]
max-steps = 5
generation.max-examples = 5

[auth.openapi.bearer]
bearer = "${{TOKEN}}"

[auth.openapi.basic]
username = "${{CLIENT_ID}}"
password = "${{CLIENT_SECRET}}"

[checks.missing_required_header]
expected-statuses = [400, 401, 428]  # 428 is a missing If-Match

[parameters]
"path.name" = "{next(iter(assets()))}"

[[operations]]
include-operation-id = ["changeUser", "authorizeByForm", "logoutByForm", "pushAuthorizationRequest"]  # their fields are another's: once is enough for every length of each
phases.coverage.enabled = false

[[operations]]
include-tag = "Login"  # whether a request is good depends on the client; bad ones are redirected, with an error; the fuzzer is nobody's login
max-redirects = 0
warnings = false
checks.positive_data_acceptance.enabled = false
checks.negative_data_rejection.enabled = false
checks.missing_required_header.enabled = false
checks.ignored_auth.enabled = false
phases.stateful.enabled = false

[[operations]]
include-operation-id = {OF_A_MOMENT}
checks.positive_data_acceptance.enabled = false

[[operations]]
include-operation-id = {OF_A_PLACE + OF_A_USER + OF_AN_OPERATOR + RESTORATIONS + OF_THE_CLIENT_ITSELF + OF_A_TOKEN}
checks.positive_data_acceptance.enabled = false
checks.missing_required_header.expected-statuses = [400, 401, 403, 428]  # what a caller may not do at all is 403 first
warnings = false

[[operations]]
include-operation-id = ["token"]  # what is good of the other grants, no schema can say; the hooks check that credentials get a token
checks.positive_data_acceptance.expected-statuses = ["2xx", 400]

[[operations]]
include-operation-id = ["streamAuditEvents"]  # its response has no end
enabled = false

[warnings]
fail-on = true  # an operation that only ever answered 404 was not tested
"""


async def test_a_fuzzer_finds_nothing_that_the_description_does_not_say(postgres: str, tmp_path: Path):
    (tmp_path / "schemathesis.toml").write_text(CONFIG)
    async with serving(await fresh_database(postgres), rate_limit=0, failed_auth_limit=0) as live:
        # Without `operate`: an operator sees its own client among the others, and the fuzzer would delete what it stands on.
        bearer = await live.caller("fuzzer", *(scope for scope in MANAGEMENT if scope != OPERATE), API_PUBLIC)
        fuzzer = await asyncio.create_subprocess_exec(
            Path(sys.executable).parent / "schemathesis",
            "--no-color",
            "run",
            f"{live.url}/openapi.json",
            cwd=tmp_path,
            env={
                "PATH": os.environ["PATH"],
                "URL": live.url,
                "TOKEN": bearer["Authorization"].removeprefix("Bearer "),
                "CLIENT_ID": live.client_id,
                "CLIENT_SECRET": live.client_secret,
            },
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
        )
        said = (await fuzzer.communicate())[0].decode()
    assert fuzzer.returncode == 0, said
    assert f"Tested: {len(OPERATIONS) - 2}\n" in said  # it leaves out the one that it read, and the one without an end
