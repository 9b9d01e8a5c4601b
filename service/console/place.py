"""Where the console is, and the cookie of a browser that is signed in to it."""

PATH = "/console"
CALLBACK = f"{PATH}/callback"
SIGN_OUT = f"{PATH}/sign-out"
ASSETS = f"{PATH}/assets"
COOKIE, NOTICE = "console", "console_notice"
"""The names of two cookies (Visit.cookie): who is signed in, and a message that the next page shows once."""
