"""The operations about the service itself, as the API reference describes them."""

from service.openapi.forms import Living, NotReady, Ready
from service.openapi.operation import Operation, Parameter, ResponseSpec
from service.problems import NotFound

_HTML = {"type": "string"}

ABOUT = (
    Operation(
        method="get",
        path="/health/live",
        operation_id="live",
        summary="Is the process alive?",
        tag="Service",
        answers=(ResponseSpec(description="It is alive.", shape=Living, example={"status": "live"}),),
    ),
    Operation(
        method="get",
        path="/health/ready",
        operation_id="ready",
        summary="Is the process ready?",
        tag="Service",
        description="It is ready if it could issue a token at this moment. If none was issued just now, it records one on trial and rolls that back.",
        answers=(
            ResponseSpec(description="It is ready.", shape=Ready, example={"status": "ready", "position": 17}),
            ResponseSpec(
                status=503,
                description="It is not ready.",
                shape=NotReady,
                headers=("Retry-After",),
                example={"status": "not ready", "why": "there is no active signing key"},
            ),
        ),
    ),
    Operation(
        method="get",
        path="/openapi.json",
        operation_id="openapi",
        summary="This description, for programs",
        tag="Service",
        description="OpenAPI 3.1.",
        answers=(
            ResponseSpec(description="The document.", shape={"type": "object"}, headers=("ETag", "Cache-Control")),
            ResponseSpec(status=304, description="The document has not changed (`If-None-Match`).", headers=("ETag",)),
        ),
    ),
    Operation(
        method="get",
        path="/docs",
        operation_id="docs",
        summary="This reference, for people",
        tag="Service",
        for_people=False,
        answers=(ResponseSpec(description="The page.", shape=_HTML, media="text/html"),),
    ),
    Operation(
        method="get",
        path="/docs/{name}",
        operation_id="docsFile",
        summary="A file of the reference page",
        tag="Service",
        for_people=False,
        parameters=(
            Parameter(
                name="name",
                place="path",
                description="The name of a file that the page uses.",
                schema={"type": "string"},
            ),
        ),
        answers=(
            ResponseSpec(
                description="A script, a style sheet or an image.", media="*/*", shape={}, headers=("Cache-Control",)
            ),
        ),
        refusals=(NotFound,),
    ),
)
