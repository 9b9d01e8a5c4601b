"""Metadata documents as they are sent: with their signature, if the deployment wants it."""

import time
from collections.abc import Mapping
from contextlib import suppress
from typing import Any

from msgspec import json
from starlette.responses import Response

from events.database import Unavailable
from service.http.cors import VARIES
from service.resources import Resources

PUBLIC = {"Cache-Control": "public, max-age=300", **VARIES}


async def answer(resources: Resources, document: Mapping[str, Any], typ: str) -> Response:
    """Return the document, and in `signed_metadata` the JWT of this `typ` that has its values, if MUNIMENT_SIGNED_METADATA is on."""
    if resources.settings.signed_metadata:
        document = await _with_signature(resources, document, typ)
    return Response(json.encode(document), headers=PUBLIC, media_type="application/json")


async def _with_signature(resources: Resources, document: Mapping[str, Any], typ: str) -> Mapping[str, Any]:
    """Without the database the last known key signs. Before the first key there is no signature, which is optional."""
    with suppress(Unavailable):
        await resources.lookup.be_current()
    signer = resources.ring.signers.get(resources.settings.access_token_alg)
    if signer is None:
        return document
    made = resources.signed_metadata.of(document, typ, signer, time.time())
    return {**document, "signed_metadata": made}
