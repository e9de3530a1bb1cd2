"""``fingan keys``: bearer keys of the service."""

from pathlib import Path
from typing import Annotated

import typer

from fingan.audit import AuditTrail
from fingan.cli.console import emit, emit_rows, note
from fingan.cli.options import DEFAULT_STORE, AsJson, Store
from fingan.errors import RequestError, StoreError
from fingan.keys import Key, KeyRing

EXAMPLE = "Example: fingan keys create --name desk --scopes read,generate --days 90"
STATE_OF_STORE = ".service"

app = typer.Typer(
    help="Create, list and revoke the bearer keys of the service.", no_args_is_help=True
)
State = Annotated[
    str | None,
    typer.Option(metavar="DIRECTORY", help="The service's state; in a local store if not given."),
]


@app.command("create", epilog=EXAMPLE)
def create(
    name: Annotated[str, typer.Option(help="Who or what it is for.")],
    scopes: Annotated[
        str, typer.Option(metavar="A,B", help="Some of read, generate, admin.")
    ] = "read,generate",
    days: Annotated[
        int | None, typer.Option(min=1, help="Until it ends; never by default.")
    ] = None,
    state: State = None,
    store: Store = DEFAULT_STORE,
    as_json: AsJson = False,
) -> None:
    """Make a key and print it: it is shown this once."""
    place = _directory(state, store)
    secret, key = KeyRing(place).create(
        name, tuple(part.strip() for part in scopes.split(",") if part.strip()), days=days
    )
    _note(place, "key-created", key)
    record = {
        "key": secret,
        "id": key.id,
        "name": key.name,
        "scopes": ",".join(key.scopes),
        "expires": key.expires,
    }
    emit(record, as_json=as_json)
    note("the key is kept as a digest only: it cannot be shown again")


@app.command("list", epilog="Example: fingan keys list")
def list_keys(state: State = None, store: Store = DEFAULT_STORE, as_json: AsJson = False) -> None:
    """List keys by name, scopes and end."""
    rows = [
        {
            "id": key.id,
            "name": key.name,
            "scopes": ",".join(key.scopes),
            "created": key.created,
            "expires": key.expires,
        }
        for key in KeyRing(_directory(state, store)).list()
    ]
    emit_rows("keys", rows, as_json=as_json)


@app.command("revoke", epilog="Example: fingan keys revoke 1a2b3c4d")
def revoke(
    identity: Annotated[str, typer.Argument(metavar="ID", help="As 'fingan keys list' shows it.")],
    state: State = None,
    store: Store = DEFAULT_STORE,
    as_json: AsJson = False,
) -> None:
    """Take a key away; running services forget it at once."""
    place = _directory(state, store)
    gone = KeyRing(place).revoke(identity)
    _note(place, "key-revoked", gone)
    emit({"revoked": gone.id, "name": gone.name}, as_json=as_json)


def _directory(state: str | None, store: str) -> Path:
    """The service's state."""
    from fingan.files import local_path

    if state is not None:
        return Path(state)
    root = local_path(store)
    if root is None:
        raise RequestError(f"--state must name a local directory beside the store '{store}'")
    return root / STATE_OF_STORE


def _note(place: Path, event: str, key: Key) -> None:
    """Write down who may do what from now on, and who no longer."""
    trail = AuditTrail(place)
    told = {"key": key.id, "name": key.name, "scopes": key.scopes, "expires": key.expires}
    try:
        trail.note(event, told)
    except OSError as failure:
        raise StoreError(f"{trail.path}: cannot be written: {failure.strerror}") from None
