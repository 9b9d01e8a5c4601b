"""What the service says of itself, as the reference tells it."""

from service.openapi.forms import Living, NotReady, Ready
from service.openapi.operation import Operation, Parameter, ResponseSpec
from service.problems import NotFound

_HTML = {"type": "string"}

ABOUT = (
    Operation(
        method="get",
        path="/health/live",
        operation_id="live",
        summary="Does the process live?",
        tag="Service",
        answers=(ResponseSpec(description="It does.", shape=Living, example={"status": "live"}),),
    ),
    Operation(
        method="get",
        path="/health/ready",
        operation_id="ready",
        summary="Can it answer?",
        tag="Service",
        description="It can if this process could issue a token at this moment: one is recorded, and taken back, where none was just now.",
        answers=(
            ResponseSpec(description="It can.", shape=Ready, example={"status": "ready", "position": 17}),
            ResponseSpec(
                status=503,
                description="It cannot, for the moment.",
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
            ResponseSpec(status=304, description="It is the one you have (`If-None-Match`).", headers=("ETag",)),
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
        summary="What the reference page is made of",
        tag="Service",
        for_people=False,
        parameters=(
            Parameter(
                name="name",
                place="path",
                description="A name that the page has.",
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
