"""The command line.

Which module calls which::

    __main__ / entry point -> main()
        Commands (lists commands/*.py, imports one only when it is called)
            commands/analyze.py  commands/report.py  commands/explain.py  commands/checks.py  commands/resume.py
            commands/compare.py  commands/live.py  commands/figure.py  commands/export.py

Exit codes: 0 nothing at or above --fail-on, 1 such findings, 2 usage error, unreadable run or internal error.
Results go to stdout, everything else to stderr.
"""

from __future__ import annotations

import importlib
import os
import pkgutil
import sys
from typing import Any

import click

from trainwatch import __version__, commands
from trainwatch.errors import TrainwatchError


class Commands(click.Group):
    """The folder ``commands`` is the registry; a command is imported when it is called or its own help is asked for."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Return the file names of the folder."""
        return sorted(m.name for m in pkgutil.iter_modules(commands.__path__) if not m.name.startswith("_"))

    def resolve_command(self, ctx: click.Context, args: list[str]) -> Any:
        """Name the command that was probably meant where there is none of that name."""
        known = self.list_commands(ctx)
        if args[0] in known or args[0].startswith("-"):
            return super().resolve_command(ctx, args)
        import difflib  # here: only a typing error has to wait for it

        meant = difflib.get_close_matches(args[0], known, n=1)
        if meant:
            raise TrainwatchError(f"there is no command {args[0]!r}; did you mean `trainwatch {meant[0]}`?")
        return super().resolve_command(ctx, args)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Import one command."""
        if cmd_name not in self.list_commands(ctx):
            return None
        command: click.Command = importlib.import_module(f"trainwatch.commands.{cmd_name}").command
        return command


@click.group(cls=Commands, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(__version__, prog_name="trainwatch")
@click.option(
    "--color", type=click.Choice(["auto", "always", "never"]), default="auto", help="Colours; auto obeys NO_COLOR."
)
@click.option("--debug", is_flag=True, help="Show the traceback of an internal error.")
@click.pass_context
def group(ctx: click.Context, color: str, debug: bool) -> None:
    """Say what happened in a training, when it began, why, and what to change.

    \b
    trainwatch analyze runs/exp3     the verdict in the terminal
    trainwatch report runs/exp3      the same as a page
    trainwatch live runs/exp3        while it trains
    trainwatch compare runs/a runs/b did the change help?
    trainwatch resume runs/exp3      go on where it stopped, exactly or with changed arguments
    """  # noqa: D301 (click wants the control character)
    ctx.ensure_object(dict)
    ctx.obj["color"] = wants_color(color)
    ctx.obj["debug"] = debug


def wants_color(choice: str) -> bool:
    """Decide on colours: a terminal, and no NO_COLOR (https://no-color.org), unless the user chose."""
    if choice == "auto":
        return sys.stdout.isatty() and not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb"
    return choice == "always"


def main(argv: list[str] | None = None) -> None:
    """Run the command line and exit."""
    sys.exit(run(argv))


def run(argv: list[str] | None = None) -> int:
    """Run the command line; return the exit code."""
    words = sys.argv[1:] if argv is None else argv
    try:
        result: Any = group.main(args=words, prog_name="trainwatch", standalone_mode=False)
        sys.stdout.flush()
        return int(result or 0)
    except click.ClickException as error:
        error.show()
        return 2
    except (click.Abort, KeyboardInterrupt):
        print("trainwatch: interrupted", file=sys.stderr)
        return 130
    except TrainwatchError as error:
        print(f"trainwatch: {one_line(str(error))}", file=sys.stderr)
        return error.exit_code
    except BrokenPipeError:
        # The reader (head, less) has gone; what is left to flush at exit must not complain either.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except Exception as error:
        if "--debug" in words:
            raise
        print(
            f"trainwatch: internal error ({type(error).__name__}: {one_line(str(error))[:300]}); "
            "run again with `trainwatch --debug ...` and report what it prints",
            file=sys.stderr,
        )
        return 2


def one_line(text: str) -> str:
    """Make any text safe for one line of a terminal: control characters, among them escapes, are shown as ``?``."""
    return "".join(c if c.isprintable() else "?" for c in " ".join(text.split()))
