"""The command line as a whole: what stands before the verbs."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from seethrough import __version__
from seethrough.cli import options as o

app = typer.Typer(
    add_completion=False,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
    help="Open a trained vision network, look inside, ask why it answered so.",
    epilog="Exit codes: 0 done · 1 some items failed · 2 usage · 3 input refused · 4 environment · 130 interrupted",
)


def command() -> Any:
    """The whole command line as one command."""
    from seethrough.cli import verbs, verbs_asking, verbs_findings, verbs_inside, verbs_judging
    from seethrough.cli.signature import verb

    rooms = (verbs, verbs_asking, verbs_inside, verbs_judging, verbs_findings)
    assert all(room.verb is verb for room in rooms)  # all have put their verbs into it
    return typer.main.get_command(app)


def _print_version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"seethrough {__version__}")
        raise typer.Exit


@app.callback(invoke_without_command=True)
def seethrough(
    context: typer.Context,
    version: Annotated[
        bool, typer.Option("--version", help="Print the version.", callback=_print_version, is_eager=True)
    ] = False,
    debug: o.Debug = False,
) -> None:
    """Open a trained vision network, look inside, ask why it answered so."""
    if context.invoked_subcommand is None:
        typer.echo(context.get_help())
