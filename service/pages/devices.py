"""Short names of browsers and systems, which users recognize, from the User-Agent header."""

import re

BROWSERS = (
    ("Edge", r"\bEdg(e|A|iOS)?/"),
    ("Opera", r"\bOPR/"),
    ("Samsung Internet", r"\bSamsungBrowser/"),
    ("Firefox", r"\b(Firefox|FxiOS)/"),
    ("Chrome", r"\b(HeadlessChrome|Chrome|CriOS|Chromium)/"),
    ("Safari", r"\bVersion/.*\bSafari/"),
)
SYSTEMS = (
    ("iPhone", r"\biPhone\b"),
    ("iPad", r"\biPad\b"),
    ("Android", r"\bAndroid\b"),
    ("Windows", r"\bWindows\b"),
    ("Mac", r"\bMac(intosh| OS X)\b"),
    ("ChromeOS", r"\bCrOS\b"),
    ("Linux", r"\bLinux\b"),
)


def named(agent: str) -> str:
    """Return a name such as "Firefox, Windows", or "" if nothing is known. If several names match, the most specific one is used."""
    found = [_first(agent, names) for names in (BROWSERS, SYSTEMS)]
    return ", ".join(filter(None, found))


def _first(agent: str, names: tuple[tuple[str, str], ...]) -> str:
    return next((name for name, pattern in names if re.search(pattern, agent)), "")
