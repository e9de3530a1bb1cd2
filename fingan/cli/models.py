"""``fingan models``: what stands in the model store."""

import typer

from fingan.cli.console import emit, emit_rows
from fingan.cli.options import DEFAULT_STORE, AsJson, Reference, Store

app = typer.Typer(help="List, show and verify published models.")


@app.command("list", epilog="Example: fingan models list --store models")
def list_models(store: Store = DEFAULT_STORE, as_json: AsJson = False) -> None:
    """List every published version."""
    from fingan.scenarios.store import ModelStore

    entries = ModelStore(store).list()
    rows = [
        {
            "model": entry.reference,
            "published": entry.published,
            "digest": entry.digest,
            "problem": entry.problem,
        }
        for entry in entries
    ]
    emit_rows("models", rows, as_json=as_json)


@app.command("show", epilog="Example: fingan models show equities@3 --json")
def show(model: Reference, store: Store = DEFAULT_STORE, as_json: AsJson = False) -> None:
    """Show a model's card and configuration."""
    from fingan.scenarios.store import ModelStore

    emit(ModelStore(store).show(model), as_json=as_json)


@app.command("verify", epilog="Example: fingan models verify equities")
def verify(model: Reference, store: Store = DEFAULT_STORE, as_json: AsJson = False) -> None:
    """Check that every file of a model is the one that was published."""
    from fingan.scenarios.store import ModelStore

    published = ModelStore(store).verify(model)
    emit(
        {"model": published.reference, "digest": published.digest, "verified": True},
        as_json=as_json,
    )
