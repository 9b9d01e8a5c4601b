"""What a form shows when it comes back: what was typed, and what is wrong with each field."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from msgspec import Struct

from service.console.language import N_
from service.endpoints.reason_header import REASON

if TYPE_CHECKING:
    from service.console.api import Refused
    from service.console.screen import ConsoleVisit

NO_REASON = N_("Say why: everybody who looks at this later sees it.")
NOTHING: Mapping[str, str] = {}
NO_FAULTS: Mapping[str, Sequence[str]] = {}


class FormState(Struct, frozen=True, kw_only=True):
    """`fault` is a sentence about the whole form. Fields have the names that the API gives them; the reason is `reason`."""

    values: Mapping[str, str] = NOTHING
    errors: Mapping[str, Sequence[str]] = NO_FAULTS
    fault: str = ""

    def value(self, name: str, usual: str = "") -> str:
        return self.values.get(name, usual)

    def faults(self, name: str) -> Sequence[str]:
        return self.errors.get(name, ())

    @property
    def failed(self) -> bool:
        return bool(self.fault or self.errors)


UNTOUCHED = FormState()


def untouched(visit: "ConsoleVisit") -> FormState:
    """Return the form as a page first shows it: empty, or as it was before the person had to sign in again."""
    return FormState(values=visit.returned)


def without_reason(visit: "ConsoleVisit") -> FormState:
    """Return the form of a change for which the person gave no reason."""
    return FormState(values=visit.form, errors={"reason": [visit.gettext(NO_REASON)]})


def refused(values: Mapping[str, str], refusal: "Refused") -> FormState:
    """Return the form with the API's refusal: its `errors` beside the fields."""
    errors = {("reason" if name == REASON else name): faults for name, faults in refusal.errors.items()}
    return FormState(values=values, errors=errors, fault=refusal.problem.detail)


def number(typed: str, most_digits: int) -> int | str:
    """Return the number that was typed. What is none goes to the API as it is, which says what is wrong with it."""
    text = typed.strip()
    return int(text) if text.isascii() and text.isdecimal() and len(text) <= most_digits else text
