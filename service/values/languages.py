"""The languages of the pages for users. The templates are written in the first."""

ENGLISH = "en"
LANGUAGES = (ENGLISH, "de", "fr", "es")
