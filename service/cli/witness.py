"""muniment witness: a witness that cosigns the checkpoints of other logs."""

import socket
import sys
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from events.transparency import notes
from events.transparency.notes import ED25519, BadKey, VerifierKey
from service.cli.fault import Plainly
from service.cli.output import Json, document, say
from service.values.text import printable

if TYPE_CHECKING:
    from events.transparency.notes import SignerKey

app = typer.Typer()

Name = Annotated[
    str,
    typer.Argument(
        metavar="NAME",
        help="The witness's name: a URL without scheme, such as witness.example.com/muniment.",
        show_default=False,
    ),
]
Logs = Annotated[
    list[str],
    typer.Option(
        "--log",
        metavar="VKEY",
        help="The verifier key of a log (muniment log key prints it). May be given several times.",
    ),
]
Data = Annotated[Path, typer.Option("--data", metavar="DIR", help="The directory of its private key and its state.")]
Host = Annotated[str, typer.Option("--host", help="The address to listen on.")]
Port = Annotated[int, typer.Option("--port", min=0, max=65535, help="The port to listen on; 0 is any free one.")]

DIRECTORY = Path(".muniment-witness")


@app.command()
def serve(name: Name, logs: Logs, data: Data = DIRECTORY, host: Host = "127.0.0.1", port: Port = 8100) -> None:
    """Cosign checkpoints of these logs, until Ctrl-C (C2SP tlog-witness).

    A checkpoint is cosigned only if it extends the last one that was cosigned. The last one of each log is in DIR/heads.sqlite.
    Never delete that file: a witness that has forgotten what it saw vouches for nothing. Run it where the operator of the log
    has no access. The log's operator puts the key of the witness (muniment witness key) and its URL into MUNIMENT_WITNESSES.

    Example: `muniment witness serve witness.example.com/muniment --log "$VKEY" --log "$ISSUANCE_VKEY" --port 8100`
    """
    import uvicorn  # noqa: PLC0415

    from service.witness import app as witness  # noqa: PLC0415
    from service.witness.state import State  # noqa: PLC0415

    known = {key.name: key for key in map(_log, logs)}
    signer = _signer(name, data)
    state = State(data / "heads.sqlite")
    with _listening(host, port) as listening:
        say(f"The witness {name} answers on http://{_shown(listening)}\nIts key is {signer.verifier}")
        sys.stdout.flush()
        config = uvicorn.Config(
            witness.create(signer, known, state),
            http="service.http.protocol:BoundedProtocol",
            ws="none",
            log_config=None,
            access_log=False,
            server_header=False,
        )
        with suppress(KeyboardInterrupt):  # how uvicorn passes Ctrl-C on once it has shut down
            uvicorn.Server(config).run(sockets=[listening])
    state.close()


@app.command()
def key(name: Name, data: Data = DIRECTORY, as_json: Json = False) -> None:
    """Print the verifier key of a witness. The first use makes its private key, in DIR/witness.key.

    Example: `muniment witness key witness.example.com/muniment`
    """
    verifier = _signer(name, data).verifier
    if as_json:
        document({"name": verifier.name, "key": str(verifier)})
    else:
        say(str(verifier))


def _signer(name: str, data: Path) -> "SignerKey":
    from service.witness import key_file  # noqa: PLC0415 - the libraries of cryptography come along

    if not notes.is_name(name):
        raise Plainly(f"{printable(name)} cannot be the name of a witness: it has a space or a plus sign.")
    try:
        data.mkdir(mode=0o700, parents=True, exist_ok=True)
        return key_file.signer(data / "witness.key", name)
    except OSError as fault:
        raise Plainly(f"{fault.filename}: {fault.strerror}") from fault
    except key_file.BadKeyFile as fault:
        raise Plainly(str(fault)) from fault


def _log(text: str) -> VerifierKey:
    try:
        key = notes.verifier_key(text)
    except BadKey as fault:
        raise Plainly(f"--log {printable(text)}: {fault}.") from fault
    if key.kind != ED25519:
        raise Plainly(f"--log {printable(text)}: this is the key of a witness, and not of a log.")
    return key


def _listening(host: str, port: int) -> socket.socket:
    try:
        return socket.create_server((host, port), family=socket.AF_INET6 if ":" in host else socket.AF_INET)
    except OSError as fault:
        raise Plainly(f"cannot answer on {host}, port {port}: {fault.strerror}. Choose another: --port 8101") from fault


def _shown(listening: socket.socket) -> str:
    host, port = listening.getsockname()[:2]
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
