"""The console's own rules: what every template writes is visible, and its pages are registered as they should be."""

import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from jinja2 import UndefinedError
from markupsafe import Markup

from events.codec import TYPES
from service.console import changes, faults, rendering, samples, times
from service.console.bars import bars
from service.console.forms import UNTOUCHED
from service.console.happenings import SAID
from service.console.places import SECTIONS
from service.console.registry import screens
from service.console.samples import About
from service.console.screens.clients import AHEAD, FILTERS
from service.values.scopes import MANAGEMENT
from tests.flows.consoles import picture

DOCS = Path(__file__).parents[2] / "docs"


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("Ada", "Ada"),
        ("<b>", "&lt;b&gt;"),
        ("a\u202eb", "a\\u202eb"),
        ("\x00\x1b[31m\r\n", "\\x00\\x1b[31m\\r\\n"),
        ("\u200f\u2066\ufeff", "\\u200f\\u2066\\ufeff"),
        ("\ud800", "\\ud800"),
        ("日本 é \U0001f916", "日本 é \U0001f916"),
    ],
)
@pytest.mark.parametrize(
    "way", ["{{ text }}", "{{ gettext('%(it)s', it=text) }}", "{% trans text=text %}{{ text }}{% endtrans %}"]
)
def test_whatever_a_template_writes_can_be_seen(text: str, shown: str, way: str):
    assert rendering._environment("en").from_string(way).render(text=text) == shown


def test_what_we_made_stays_markup_and_code_keeps_its_lines():
    render = rendering._environment("de").from_string("{{ text }}|{{ lines|code }}").render
    assert render(text=Markup("<i>x</i>"), lines="a\n\u202e<") == "<i>x</i>|a\n\\u202e&lt;"


def test_a_template_reads_attributes_of_things_and_keys_of_dicts_and_calls_the_methods_of_both():
    text = "{% for each in things %}{{ each.name }} {{ each.of.name }}|{% endfor %}{{ things[0].name.upper() }} {{ known.get('name', '<') }}"
    things = [SimpleNamespace(name="Ada", of={"name": "Bob"}), {"name": "Cid", "of": SimpleNamespace(name="Dora")}]
    shown = rendering._environment("en").from_string(text).render(things=things, known={})
    assert shown == "Ada Bob|Cid Dora|ADA &lt;"


def test_a_template_calls_macros_with_what_they_enclose_in_loops_too():
    text = (
        "{% macro box(name, kind='b') %}<{{ kind }}>{{ name }}{{ caller() }}</{{ kind }}>{% endmacro %}"
        "{% for each in names %}{% call box(each, kind='i') %}{{ loop.index }}{% endcall %}{% endfor %}"
        "{% call box('<') %}{{ _('%(it)s', it=names[0]) }}{% endcall %}"
    )
    shown = rendering._environment("en").from_string(text).render(names=["Ada", "Bob"])
    assert shown == "<i>Ada1</i><i>Bob2</i><b>&lt;Ada</b>"


def test_the_filters_that_are_kept_are_those_of_a_list_without_any():
    text = (
        "{% from 'client_filters.html' import client_filters %}"
        "{{ client_filters(form, {}, {}, '', ahead) }}|{{ kept.no_client_filters(ahead) }}"
    )
    made, kept = rendering._environment("en").from_string(text).render(form=UNTOUCHED, ahead=AHEAD).split("|")
    assert made.strip() == kept.strip()
    assert all(f'name="{name}"' in kept for name in FILTERS)


def test_what_is_not_there_is_an_error_of_the_template():
    for text in ("{{ thing.name }}", "{{ known.name }}"):
        with pytest.raises((UndefinedError, AttributeError)):
            rendering._environment("en").from_string(text).render(thing=SimpleNamespace(), known={})


def test_a_text_without_values_is_translated_when_its_template_is_compiled():
    compiled = rendering._environment("de").compile("{{ _('Disabled') }}{{ _('%(it)s', it='<') }}", raw=True)
    assert ("Deaktiviert" in compiled, "Disabled" in compiled) == (True, False)
    assert rendering._environment("de").from_string("{{ _('Disabled') }}|{{ _(text) }}").render(text="Deleted") == (
        "Deaktiviert|Gelöscht"
    )


def test_a_cell_escapes_what_it_shortens():
    render = rendering._environment("en").from_string("{{ id|short_id }}{{ values|some }}").render
    shown = render(id="<b>a\u202ebcdef", values=["<1>", "&", "\u202e", "<"])
    assert shown == (
        '<code class="short" title="&lt;b&gt;a\\u202ebcdef"><span>&lt;b&gt;a</span>\\u202ebcdef</code>'
        '<ul class="chips"><li title="&lt;1&gt;">&lt;1&gt;</li><li title="&amp;">&amp;</li>'
        '<li title="\\u202e, &lt;">+2</li></ul>'
    )


def test_a_time_is_shown_in_words_and_exactly():
    at = datetime(2026, 1, 2, 15, 4, 5, tzinfo=UTC)
    shown = times.when(at, "de")
    assert 'datetime="2026-01-02T15:04:05Z"' in shown
    assert 'title="02.01.2026, 15:04:05 UTC"' in shown
    assert "time" not in times.when(None, "en")


def test_each_thing_that_evidence_links_to_has_one_page():
    paths = [screen.path for screen in screens()]
    for section in SECTIONS.values():
        (path,) = (path for path in paths if path.startswith(f"/{section}/{{") and path.count("/") == 2)
        assert path.endswith("}")


def test_a_near_time_is_relative_another_is_its_day_and_evidence_has_both():
    now = datetime.now(UTC)
    for at, shown in ((now - timedelta(hours=3), "3 hours ago"), (now + timedelta(hours=3, minutes=1), "in 3 hours")):
        assert f">{shown}</time>" in times.when(at, "en")
    far = datetime(2026, 1, 2, 15, 4, 5, tzinfo=UTC)
    assert ">2 Jan 2026</time>" in times.when(far, "en")
    assert ">2 Jan 2026, 15:04:05 UTC</time>" in times.exactly(far, "en")
    assert "3 hours ago" in times.exactly(now - timedelta(hours=3), "en")
    assert changes.shown("createdUtc", "2026-01-02T15:04:05.123456Z", "de") == "02.01.2026, 15:04:05 UTC"
    assert changes.shown("displayName", "2026-01-02T15:04:05Z", "de") == "2026-01-02T15:04:05Z"


@pytest.mark.parametrize(
    ("value", "english", "german"),
    [
        (True, "yes", "ja"),
        ([False], "no", "nein"),
        ([{"role": "auditor", "alsoGiven": True}], "auditor (also given)", "auditor (auch einzeln vergeben)"),
        ([{"role": "auditor", "alsoGiven": False}], "auditor", "auditor"),
    ],
)
def test_the_value_of_a_field_is_in_the_readers_language(value: object, english: str, german: str):
    assert [changes.shown("any", value, language) for language in ("en", "de")] == [english, german]


def test_each_page_has_a_path_of_its_own_and_a_scope_of_the_api():
    found = screens()
    assert len({screen.path for screen in found}) == len(found) > 5
    assert {screen.needs for screen in found} <= {None, *MANAGEMENT}
    assert [screen.path for screen in found if screen.path and not screen.path.startswith("/")] == []


@pytest.mark.parametrize(("path", "marked"), [("", 1), ("/clients", 1), (None, 0)])
def test_the_navigation_marks_the_page_that_is_shown_and_none_where_there_is_no_page(path: str | None, marked: int):
    access: Any = SimpleNamespace(scopes=frozenset(MANAGEMENT))
    current = next((screen for screen in screens() if screen.path == path), None)
    shown = rendering.navigation(screens(), access, current, "en", "")
    assert [each.count("aria-current") for each in (shown.wide, shown.narrow)] == [marked, marked]


def test_a_worker_that_serves_no_console_has_not_loaded_it():
    program = "import sys, service.app; print([name for name in sys.modules if name.startswith('service.console')])"
    ended = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert ended.stdout == "[]\n"


def test_every_event_has_words():
    assert SAID.keys() == TYPES


def test_a_program_quotes_what_it_is_told_as_its_language_does():
    about = About(issuer="https://id.example.com", client_id='it\'s "one"', scopes=["a'b", "c`d"], redirect_uri="x:/y")
    for sample in samples.of_machine(about):
        quoted = "'it'\"'\"'s \"one\"'" if sample.name == "curl" else '"it\'s \\"one\\""'
        assert quoted in sample.text, sample.name
        assert samples.SECRET in sample.text
    public = samples.of_login(About(issuer="https://x", client_id="p", scopes=[], redirect_uri="x:/y", public=True))
    assert all(samples.SECRET not in sample.text for sample in public)


def test_the_document_of_the_console_shows_every_page():
    """`make screenshots` takes the pictures."""
    told = (DOCS / "console.md").read_text()
    for screen in screens():
        assert f"(console/{picture(screen.path)})" in told, screen.path
        assert (DOCS / "console" / picture(screen.path)).stat().st_size < 200_000


def test_a_row_of_bars_is_as_high_as_its_largest_number_and_no_number_above_zero_disappears():
    row = bars([0, 1, 1000, 500])
    assert [each.height for each in row.bars] == [0, 1, 48, 24]
    assert all(each.y + each.height == 48 for each in row.bars)
    assert (row.width, row.most) == (38, 1000)
    assert [each.height for each in bars([0, 0]).bars] == [0, 0]
    assert bars([]).bars == []


@pytest.mark.parametrize(
    ("fault", "english", "german"),
    [
        ("is required for a machine-to-machine client (m2m: true)", "It is required.", "Es fehlt."),
        (
            "must be str of length <= 255",
            "It must have at most 255 characters.",
            "Es darf höchstens 255 Zeichen haben.",
        ),
        (
            "[0] must not have a fragment (#)",
            "Line 1: It must not have a fragment (#).",
            "Zeile 1: Es darf kein Fragment haben (#).",
        ),
        ("must be purple (write + as %2B)", "It must be purple.", '<span lang="en">It must be purple.</span>'),
        ("has <b>\u202e", "It has &lt;b&gt;\\u202e.", '<span lang="en">It has &lt;b&gt;\\u202e.</span>'),
        (
            "contains a character that is not allowed in text: <",
            "It contains a character that is not allowed in text: &lt;.",
            "Es enthält ein Zeichen, das in Text nicht erlaubt ist: &lt;.",
        ),
        ("Say why.", "Say why.", "Say why."),
    ],
)
def test_a_fault_of_the_api_is_a_sentence_in_the_readers_language(fault: str, english: str, german: str):
    assert (faults.sentence(fault, "en"), faults.sentence(fault, "de")) == (english, german)
