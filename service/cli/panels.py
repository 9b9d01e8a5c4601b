"""The headings under which `--help` groups the options of a command that has many."""

AUTHENTICATION = "Authentication of the client"
TOKENS = "Tokens"
SIGN_IN = "Sign-in of users"
DELEGATION = "Delegation"
