"""``trainwatch live RUN``: follow a training that another process runs."""

from __future__ import annotations

import sys
import time
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from trainwatch.commands._notify import Notifier
    from trainwatch.live import Follower

SCREEN_S = 0.5
"""Seconds between two pictures: the clock goes on while a slow disk is read."""


@click.command()
@click.argument("run")
@click.option(
    "--interval",
    type=click.FloatRange(min=0.1),
    default=2.0,
    show_default=True,
    help="Seconds between two readings at least.",
)
@click.option("--once", is_flag=True, help="Show one frame and end.")
@click.option(
    "--fail-on",
    type=click.Choice(["critical", "warning", "info", "never"]),
    default="critical",
    show_default=True,
    help="Exit with 1 at the end if there is such a finding, or a worse one.",
)
@click.option(
    "--notify",
    metavar="URL",
    envvar="TRAINWATCH_NOTIFY",
    help="Tell a chat or mailbox of critical findings and of the end (apprise URL; also in TRAINWATCH_NOTIFY).",
)
@click.pass_obj
def command(obj: dict[str, bool], run: str, interval: float, once: bool, fail_on: str, notify: str | None) -> int:
    """Follow RUN while another process trains: curves, warnings, memory forecast, remaining time.

    RUN need not have begun. It ends with the training, and prints the verdict; Ctrl-C leaves the training alone. Into a
    pipe or a log it writes one line per epoch.
    """
    from trainwatch.commands._notify import make_notifier
    from trainwatch.commands._shared import exit_code
    from trainwatch.errors import TrainwatchError
    from trainwatch.live import Follower
    from trainwatch.reports import text

    notifier = make_notifier(notify)
    follower = Follower(run, interval)
    if once:
        follower.read_once()
        if follower.analysis is None:
            raise follower.error or TrainwatchError(f"{run}: cannot be read ({follower.frame.message})")
        _print_frame(follower, bool(obj.get("color")))
        return exit_code(follower.analysis, fail_on)
    follower.start()
    try:
        if sys.stdout.isatty():
            _screen(follower, notifier, bool(obj.get("color")))
        else:
            _lines(follower, notifier)
    finally:
        follower.stop()
    analysis = follower.analysis
    if analysis is None:
        raise TrainwatchError(f"{run}: nothing could be read ({follower.frame.message})")
    notifier.ended(analysis)
    click.echo(text.render(analysis, color=bool(obj.get("color")), brief=True), nl=False, color=True)
    return exit_code(analysis, fail_on)


def _print_frame(follower: Follower, color: bool) -> None:
    from rich.console import Console

    from trainwatch.reports import live

    console = Console(no_color=not color, highlight=False, emoji=False, markup=False)
    console.print(live.render(follower.frame, width=console.width, height=max(console.height, 24), now_s=time.time()))


def _screen(follower: Follower, notifier: Notifier, color: bool) -> None:
    """Draw until the training ends, on the terminal's other screen: what was there before comes back."""
    from rich.console import Console
    from rich.live import Live

    from trainwatch.reports import live

    console = Console(no_color=not color, highlight=False, emoji=False, markup=False)

    def picture() -> object:
        return live.render(follower.frame, width=console.width, height=console.height - 1, now_s=time.time())

    with Live(console=console, screen=True, auto_refresh=False) as screen:
        while not follower.done.wait(SCREEN_S):
            screen.update(picture(), refresh=True)  # type: ignore[arg-type]
            notifier.look(follower.analysis)


def _lines(follower: Follower, notifier: Notifier) -> None:
    """Write a line whenever an epoch or a finding has come."""
    from trainwatch.reports import live

    last: object = None
    while True:
        ended = follower.done.wait(SCREEN_S)
        frame = follower.frame
        seen = (frame.state, frame.epoch, tuple(w.id for w in frame.warned), frame.message if not frame.epoch else "")
        if seen != last:
            click.echo(live.one_line(frame))
            sys.stdout.flush()
            last = seen
        notifier.look(follower.analysis)
        if ended:
            return
