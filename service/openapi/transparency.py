"""The operations of the transparency log, as the API reference describes them."""

from collections.abc import Mapping

from service.endpoints.transparency import BINARY, ISSUANCE_PATH, PATH, TEXT
from service.openapi.operation import Operation, Parameter, ResponseSpec
from service.problems import ComeAgain, NotFound
from service.values.scopes import AUDIT_READ

_TEXT = {"type": "string"}
_WHOLE = {"type": "integer", "minimum": 0}
CHECKPOINT = """https://auth.example.com
1742
sFodV/vSp5O8n9a8QpW6PRY97tfOSW5bsc2Xl/EQi08=
chain 2c26b46b68ffc68ff99b453c1d30413413422d706483bfa0f98a5e886266e7ae

— https://auth.example.com kuxq7Q1NpVqgqPHJxJ3b7n4h3tXkJ1r6s0pZb1lC6Q8m9yqkq0bYb0n0o2n3JY3Qy3o0mB1q8wq4w3b9eH1lYx0K9Ag=
"""
PROOF = f"""c2sp.org/tlog-proof@v1
index 1741
gSKyXoYZUgZ6jduWYrkDOARinOMGJveXjgMkBTcdPlQ=

{CHECKPOINT}"""
KEYS = """https://auth.example.com+92ec6aed+ASV1jo4Jg8bXAd1EzuBn3LjpPrtVYTJUCUrrjYDK4Fsz
https://auth.example.com/issuance+0d5a1e3b+ASV1jo4Jg8bXAd1EzuBn3LjpPrtVYTJUCUrrjYDK4Fsz
"""


def _path(name: str, description: str, schema: Mapping[str, object], example: object) -> Parameter:
    return Parameter(name=name, place="path", description=description, schema=schema, example=example)


def _of_tree(prefix: str, suffix: str, log: str) -> tuple[Operation, ...]:
    return (
        Operation(
            method="get",
            path=f"{prefix}/checkpoint",
            operation_id=f"checkpoint{suffix}",
            summary=f"Read the newest checkpoint of the {log}",
            tag="Transparency",
            description="A C2SP checkpoint: origin, size and root of the tree, and the chain value at that position, signed.",
            answers=(
                ResponseSpec(
                    description="The checkpoint.",
                    shape=_TEXT,
                    media=TEXT,
                    headers=("ETag", "Cache-Control", "Muniment-Quorum"),
                    example=CHECKPOINT,
                ),
                ResponseSpec(status=304, description="There is no newer one (`If-None-Match`).", headers=("ETag",)),
            ),
            refusals=(ComeAgain,),
        ),
        Operation(
            method="get",
            path=f"{prefix}/tile/{{tile}}",
            operation_id=f"tile{suffix}",
            summary=f"Read a tile or an entry bundle of the {log}",
            tag="Transparency",
            description="As C2SP tlog-tiles has them: `LEVEL/NUMBER` for hashes, `entries/NUMBER` for entries, and `.p/WIDTH` "
            "for the first ones of a tile that is not full yet. The number has groups of three digits, all but the last after an x.",
            scope=AUDIT_READ,
            parameters=(_path("tile", "The path of the tile.", _TEXT, "0/x001/234/067"),),
            answers=(
                ResponseSpec(
                    description="The hashes, or the entries, each after its length in two bytes.",
                    shape=_TEXT,
                    media=BINARY,
                    headers=("Cache-Control",),
                ),
            ),
            refusals=(NotFound,),
        ),
        Operation(
            method="get",
            path=f"{prefix}/proof/inclusion/{{position}}",
            operation_id=f"inclusionProof{suffix}",
            summary=f"Prove that an entry is in the {log}",
            tag="Transparency",
            description="A C2SP tlog-proof, with the checkpoint that it leads to. If witnesses are set, that is one with their quorum; if "
            "none covers the entry, the newest one, and `Muniment-Quorum` says so.",
            scope=AUDIT_READ,
            parameters=(
                _path("position", "The position of the entry.", {**_WHOLE, "minimum": 1}, 1742),
                Parameter(
                    name="entry",
                    place="query",
                    description="Whether the proof has the entry itself, as its `extra` data, so that one file is all that `muniment-verify` needs.",
                    schema={"type": "string", "enum": ["false", "true"], "default": "false"},
                ),
            ),
            answers=(
                ResponseSpec(
                    description="The proof.", shape=_TEXT, media=TEXT, headers=("Muniment-Quorum",), example=PROOF
                ),
            ),
            refusals=(NotFound,),
        ),
        Operation(
            method="get",
            path=f"{prefix}/proof/consistency/{{old}}/{{new}}",
            operation_id=f"consistencyProof{suffix}",
            summary=f"Prove that the {log} only grew",
            tag="Transparency",
            description="The line `old` with the old size, the hashes, and the checkpoint of the new size: what C2SP tlog-witness takes.",
            scope=AUDIT_READ,
            parameters=(
                _path("old", "The size of the earlier tree.", _WHOLE, 1700),
                _path("new", "The size of the later tree, which has a checkpoint.", _WHOLE, 1742),
            ),
            answers=(
                ResponseSpec(
                    description="The proof.",
                    shape=_TEXT,
                    media=TEXT,
                    example=PROOF.replace("c2sp.org/tlog-proof@v1\nindex 1741", "old 1700"),
                ),
            ),
            refusals=(NotFound,),
        ),
    )


TRANSPARENCY = (
    *_of_tree(PATH, "", "event log"),
    *_of_tree(ISSUANCE_PATH, "OfIssuance", "issuance log"),
    Operation(
        method="get",
        path=f"{PATH}/key",
        operation_id="logKeys",
        summary="Read the keys that verify checkpoints",
        tag="Transparency",
        description="The verifier keys (vkey) of both trees, one on a line. Keep them: a key that is read together with what it verifies proves nothing.",
        answers=(
            ResponseSpec(description="The keys.", shape=_TEXT, media=TEXT, headers=("Cache-Control",), example=KEYS),
        ),
        refusals=(ComeAgain,),
    ),
)
