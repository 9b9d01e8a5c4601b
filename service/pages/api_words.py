"""What a page calls the APIs of an authorization request, and their scopes, in its language."""

from collections.abc import Iterable, Mapping

from msgspec import Struct

from projections.apis import Row as Api
from service.values.languages import ENGLISH


class NamedApi(Struct, frozen=True):
    """`name` is None for a resource that is no registered API."""

    identifier: str
    name: str | None


def names(apis: Mapping[str, Api], resources: Iterable[str]) -> list[NamedApi]:
    return [NamedApi(each, apis[each].terms.name if each in apis else None) for each in resources]


def words(apis: Mapping[str, Api], resources: Iterable[str], language: str) -> dict[str, str]:
    """Return the words of each scope that has some: in this language, else in English, else in any."""
    scopes = [scope for each in resources if each in apis for scope in apis[each].terms.scopes]
    found = {scope.name: _in(scope.words, language) for scope in reversed(scopes)}
    return {name: said for name, said in found.items() if said}


def _in(texts: Mapping[str, str], language: str) -> str | None:
    return texts.get(language) or texts.get(ENGLISH) or next(iter(texts.values()), None)
