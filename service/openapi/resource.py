"""Operations on one client, bot or user by a request without a body: delete, disable, enable."""

from typing import Literal

from msgspec import Struct

from service.openapi.operation import Operation, Parameter, ResponseSpec
from service.openapi.parts import IF_MATCH
from service.problems import Clash, NotFound, Stale

GONE = ResponseSpec(status=204, description="Done.", headers=("Muniment-Position",))


class Resource(Struct, frozen=True, kw_only=True):
    """`path` names one client, bot or user, by the parameter `id`. Every change requires `scope` and may have If-Match."""

    path: str
    id: Parameter
    tag: str
    scope: str

    def delete(self, operation_id: str, summary: str, description: str) -> Operation:
        return self._change(
            "delete", self.path, operation_id=operation_id, summary=summary, description=description, answer=GONE
        )

    def post(
        self, action: str, operation_id: str, summary: str, description: str, answer: ResponseSpec = GONE
    ) -> Operation:
        path = f"{self.path}/{action}"
        return self._change(
            "post", path, operation_id=operation_id, summary=summary, description=description, answer=answer
        )

    def _change(
        self,
        method: Literal["delete", "post"],
        path: str,
        *,
        operation_id: str,
        summary: str,
        description: str,
        answer: ResponseSpec,
    ) -> Operation:
        return Operation(
            method=method,
            path=path,
            operation_id=operation_id,
            summary=summary,
            tag=self.tag,
            description=description,
            scope=self.scope,
            parameters=(self.id, IF_MATCH),
            answers=(answer,),
            refusals=(NotFound, Clash, Stale),
        )
