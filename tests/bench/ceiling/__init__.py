"""The ceiling programs of the budget: the least that a durable answer costs with the parts that we build on.

There are two, which do the same work (`work.py` and what it imports) and differ in how a request reaches it: by a Starlette route, or
by plain ASGI. Leaving Starlette is worth a fifth of a token, so a service that leaves it has the plain one as its measure.

Every request, in this order:

- uvicorn with uvloop and httptools parses it; no access log, no `Server` header;
- the path is found: by Starlette's router, or in a dict;
- the head is bounded to 64 KiB, the body to 64 KiB by its Content-Length and by the bytes that arrive;
- a form is one by its Content-Type, has at most 50 parameters and none twice, and is split by hand;
- the answer has the bytes of ours: its Content-Type, `Cache-Control: no-store`, and `Pragma: no-cache` where there are tokens; ids and names
  of keys are as long as ours.

A token: the client is found in a dict, its secret hashed and compared in constant time; grant type and scope are checked; the claims are
encoded and signed with ES256; a row of what was issued is group-committed, and acknowledged before the answer.

A token by key: instead of a secret, the checks of RFC 7523 section 3 and RFC 9449 section 4.3; that both JWTs were used is recorded
by one statement, before the row of the token.

A registration: the bearer is compared; the body decoded into a typed struct; id and secret made; event and row of the lookup committed
together by one statement.

An introspection: the caller as for a token; the signature verified, or remembered by the text of the token; expiry and client checked;
one shared round trip asks whether it was revoked.

An authorization, of somebody who is signed in and has consented: the query is split, client, redirect URI and challenge method checked;
one statement, shared, finds the session by the hash of its cookie and the consent, and inserts two events and the row of the
authorization with the hash of its code; the browser is sent back to the client.

A code exchange: the client as for a token; one statement, shared, marks the code used (if code, client and challenge fit, and nobody
used it), inserts the event and the row of what was issued, and returns the person's claims; the access token is signed with ES256, the
ID token with RS256 (OpenID Connect's own where the client asks for nothing else), or with ES256, as the client has it.

A refresh: the same, and the statement replaces the refresh token by the hash of the next one.

Userinfo: the token as in an introspection; one shared round trip reads the person's claims, if the authorization stands.

A client as of a position: the bearer is compared; one statement, shared, finds the version in an index by client and position; it is
decoded and encoded again.

A page of the audit, in this order:

- the bearer is compared;
- a statement of its own reads 100 events;
- of each, its envelope is decoded, and its data without the hash of the secret;
- the fields of ours are encoded, by their names.

The console's list, in this order:

- a statement of its own finds the session by the hash of its cookie, its person, and 50 clients, each with the name of its owner, its last
  use, and its tokens of 14 days;
- of the secrets of each, the oldest live one and the next expiry are found;
- what cannot be seen in a name is made visible; times are put into words, and kept;
- the token of the forms is made, and Jinja renders the whole page of ours, navigation and filters included, by one template in one language.

What they do not do: order, chain, roles, rate limits, metrics, request ids, sealing of what is about a person, records of who reads, refusals with a text, anything that changes while
they run (clients and keys are known at start), and nothing follows their events.
"""
