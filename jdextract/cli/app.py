"""The Typer application: commands, global options, and the one place where errors become messages."""

from __future__ import annotations

import sys
from typing import Annotated, Any

import typer
from typer.core import TyperGroup

from jdextract.cli import (
    adapt,
    boilerplate,
    classify,
    cluster,
    config,
    corpus,
    curve,
    dataset,
    dedup,
    evaluate,
    explain,
    extract,
    label,
    llm,
    taxonomy,
    train,
    version,
)
from jdextract.cli.console import EXIT_CODES, Status, close_quietly, complain
from jdextract.errors import JdextractError


class Commands(TyperGroup):
    """Runs a command and turns what jdextract raises on purpose into a message; bugs keep their traceback."""

    def invoke(self, ctx: Any) -> Any:
        """Run the command. With `--debug` errors are raised as they are."""
        try:
            try:
                return super().invoke(ctx)
            finally:
                sys.stdout.flush()  # here, where a closed pipe can still be handled
        except BrokenPipeError:
            close_quietly()
            raise typer.Exit(Status.PIPE_CLOSED) from None
        except KeyboardInterrupt:
            complain("interrupted, outputs stay as they were")
            raise typer.Exit(Status.INTERRUPTED) from None
        except JdextractError as error:
            if ctx.params.get("debug"):
                raise
            complain(error.what, where=error.where, hint=error.hint)
            raise typer.Exit(Status.NOTHING_DONE) from None
        except OSError as error:
            if ctx.params.get("debug"):
                raise
            complain(error.strerror or str(error), where=str(error.filename or ""), hint="jdextract --debug … for more")
            raise typer.Exit(Status.NOTHING_DONE) from None


app = typer.Typer(
    cls=Commands,
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode="markdown",
    context_settings={"help_option_names": ["-h", "--help"]},
    help="Scraped Chinese job-duty documents in, structured role records on a canonical taxonomy out.",
    epilog=f"Example: jdextract extract pages/ -o records.jsonl --html report.html\n\n{EXIT_CODES}",
)


def _show_version(asked: bool) -> None:
    if asked:
        version.version()
        raise typer.Exit


@app.callback()
def options(
    debug: Annotated[bool, typer.Option("--debug", help="Show the traceback of an error.")] = False,
    show_version: Annotated[
        bool,
        typer.Option("--version", callback=_show_version, is_eager=True, help="Print versions and end."),
    ] = False,
) -> None:
    """Global options, given before the command."""


app.command(epilog=EXIT_CODES)(extract.extract)
app.command()(explain.explain)
app.command()(classify.classify)
app.command(epilog=EXIT_CODES)(boilerplate.boilerplate)
app.command(epilog=EXIT_CODES)(dedup.dedup)
app.command(epilog=EXIT_CODES)(evaluate.evaluate)
app.command()(train.train)
app.command()(adapt.adapt)
app.command("config")(config.show_config)
app.command()(version.version)
app.add_typer(cluster.app, name="cluster")
app.add_typer(corpus.app, name="corpus")
app.add_typer(dataset.app, name="dataset")
llm.app.command(epilog=EXIT_CODES)(label.label)
llm.app.command(epilog=EXIT_CODES)(curve.curve)
app.add_typer(llm.app, name="llm")
app.add_typer(taxonomy.app, name="taxonomy")
