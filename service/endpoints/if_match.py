"""The versions that a request may change, named by its If-Match header (RFC 9110 section 13.1.1)."""

import re
from collections.abc import Set as AbstractSet

from service.endpoints.call import Call
from service.problems import Invalid, NoPrecondition

_TAG = r'(?:W/)?"[\x21\x23-\x7e\x80-\xff]*"'
_is_list = re.compile(rf"[ \t,]*{_TAG}[ \t]*(?:,[ \t]*(?:{_TAG}[ \t]*)?)*").fullmatch
_tags = re.compile(r'"([^"]*)"').findall
_version = re.compile(r"([0-9]{1,9})(?:(?:--?|;)(?:gzip|br|zstd|deflate))?").fullmatch


def versions(call: Call, *, required: bool = False) -> AbstractSet[int] | None:
    """Return the versions that the request names; None for `*`, or if If-Match is missing and not required.

    Raises Invalid or NoPrecondition.
    """
    given = call.request.headers.getlist("if-match")
    if not given and required:
        raise NoPrecondition('Name the version that you want to change: If-Match: "<the ETag you read>".')
    return named(", ".join(given)) if given else None


def named(given: str) -> AbstractSet[int] | None:
    """Return the versions in the header's text; None for `*`. A tag that is not one of ours names no version. Raises Invalid.

    A weak tag counts as the strong one: our tags name a state, which no proxy changes. Proxies that compress a response weaken
    its tag (nginx, CDNs), or append the compression to it (Apache).
    """
    if given.strip() == "*":
        return None
    if not _is_list(given):
        raise Invalid(
            'If-Match must be one or more ETags, such as "3", separated by commas, or *.',
            {"If-Match": ["is not a list of ETags; each has quotation marks around it"]},
        )
    found = (_version(tag) for tag in _tags(given))
    return {int(version[1]) for version in found if version}
