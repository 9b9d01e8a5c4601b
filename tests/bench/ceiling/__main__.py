"""`python -m tests.bench.ceiling starlette PORT`, or `asgi PORT`. CEILING_DATABASE_URL names an empty database; CEILING_LOOP and CEILING_PARSER,
other ones of uvicorn.
"""

import os
import sys

import uvicorn

from tests.bench.ceiling import by_asgi, by_starlette

APPLICATIONS = {"starlette": by_starlette.application, "asgi": by_asgi.application}

if __name__ == "__main__":
    uvicorn.run(
        APPLICATIONS[sys.argv[1]],
        port=int(sys.argv[2]),
        loop=os.environ.get("CEILING_LOOP", "uvloop"),
        http=os.environ.get("CEILING_PARSER", "httptools"),
        access_log=False,
        log_level="warning",
        server_header=False,
        proxy_headers=False,
    )
