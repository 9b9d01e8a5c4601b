"""Where the console is, and the cookie of a browser that is signed in to it."""

PATH = "/console"
CALLBACK = f"{PATH}/callback"
SIGN_OUT = f"{PATH}/sign-out"
ASSETS = f"{PATH}/assets"
COOKIE, NOTICE, KEPT_FORM, MADE_SECRET = "console", "console_notice", "console_form", "console_secret"
"""The names of cookies (Visit.cookie): who is signed in; a message that the next page shows once; a form that waits for a sign-in; and a
new secret, until a page has shown it."""
