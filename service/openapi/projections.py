"""/api/v1/projections, as the API reference describes it."""

from typing import Any

from service.endpoints.projections import PATH, Projection
from service.openapi.operation import Operation, Parameter, ResponseSpec
from service.problems import NotFound
from service.values.scopes import AUDIT_READ

PROJECTION: dict[str, Any] = {
    "name": "last_used",
    "version": 1,
    "follows": "issuance",
    "state": "active",
    "position": 120_400,
    "lag": 12,
    "lagSeconds": 0.4,
    "rows": 412,
    "failedPosition": None,
    "error": None,
    "updatedUtc": "2026-11-03T09:00:01Z",
    "lastVerification": {
        "verifiedUtc": "2026-11-03T03:12:40Z",
        "outcome": "agrees",
        "position": 118_211,
        "rows": 409,
        "digest": "5f1c09b2a4d3e877",
        "expectedDigest": "5f1c09b2a4d3e877",
        "differing": [],
        "error": None,
        "seconds": 31.5,
    },
}

PROJECTIONS = (
    Operation(
        method="get",
        path=PATH,
        operation_id="listProjections",
        summary="List projections",
        tag="Service",
        description="The tables that are derived from the logs: how far each is, whether it has stopped, and whether it was found to be "
        "what its log makes of it. The service verifies them by itself.",
        scope=AUDIT_READ,
        answers=(ResponseSpec(description="All projections.", shape=list[Projection], example=[PROJECTION]),),
    ),
    Operation(
        method="get",
        path=PATH + "/{projection}",
        operation_id="getProjection",
        summary="Get a projection",
        tag="Service",
        description="How far this table is, and what its last verification found.",
        scope=AUDIT_READ,
        parameters=(
            Parameter(
                name="projection",
                place="path",
                description="The name of the projection.",
                schema={"type": "string"},
                example="last_used",
            ),
        ),
        refusals=(NotFound,),
        answers=(ResponseSpec(description="The projection.", shape=Projection, example=PROJECTION),),
    ),
)
