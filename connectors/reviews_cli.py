"""``motcua reviews``: the review list on the command line."""

from __future__ import annotations

import json
from typing import Annotated

import typer

from actions.feedback.reviews import Reviews, export
from knowledge.catalogue import Catalogue
from knowledge.settings import Settings

app = typer.Typer(help="The review list: questions that went wrong, marked and approved by officers in the console.")
Json = Annotated[bool, typer.Option("--json", help="Print one JSON document.")]


@app.callback(invoke_without_command=True)
def show(context: typer.Context, as_json: Json = False) -> None:
    """How many questions are in each state."""
    if context.obj is None:
        context.obj = Settings()
    if context.invoked_subcommand:
        return
    counts = Reviews(Catalogue.open(context.obj).engine).counts()
    typer.echo(json.dumps(counts) if as_json else "\n".join(f"{state:10} {number:6}" for state, number in counts.items()))


@app.command("export")
def write(context: typer.Context, as_json: Json = False) -> None:
    """Write what is approved to phrases/reviewed.yml and evaluation/reviewed.jsonl; `motcua index` makes phrases live."""
    settings: Settings = context.obj
    done = export(Reviews(Catalogue.open(settings).engine), settings.home)
    if as_json:
        typer.echo(json.dumps(done))
        return
    typer.echo(f"{done['phrases']} phrases in {settings.home / 'phrases' / 'reviewed.yml'} (run `motcua index` to use them)")
    typer.echo(f"{done['evaluation']} questions in {settings.home / 'evaluation' / 'reviewed.jsonl'} (for `motcua evaluate`)")
