"""``--notify URL``: tell a chat or a mailbox, through apprise. The URL holds secrets and appears in no output."""

from __future__ import annotations

import logging
import sys
from typing import Any

from trainwatch.reports.wording import confidence
from trainwatch.result import Analysis

MAX_BODY = 1500
"""Characters of a message; chats cut longer ones."""


class Notifier:
    """Sends a message when something critical has come, and one at the end; without a service it does nothing.

    Args:
        service: An ``apprise.Apprise``, or None.
    """

    def __init__(self, service: Any = None) -> None:
        self._service = service
        self._told: set[str] = set()
        self._failed = False

    def look(self, analysis: Analysis | None) -> None:
        """Tell of critical findings that have not been told yet."""
        if self._service is None or analysis is None:
            return
        new = [f for f in analysis.findings if f.severity == "critical" and f.id not in self._told]
        if not new:
            return
        self._told.update(f.id for f in new)
        body = "\n".join(f"{f.id}: {f.summary}" for f in new)
        self._send(f"trainwatch: {new[0].title}", f"{analysis.run.path}\n{body}", analysis)

    def ended(self, analysis: Analysis) -> None:
        """Tell the verdict."""
        if self._service is None:
            return
        verdict, page = analysis.verdict, analysis.page
        said = [analysis.run.path, page.cause_reason, page.cost]
        self._send(f"trainwatch: {verdict.headline}", "\n".join(s for s in said if s), analysis)

    def _send(self, title: str, body: str, analysis: Analysis) -> None:
        """Send; a failure is said in one line, once, and never ends anything."""
        if analysis.page.next_command:
            sure = confidence(analysis.page)
            body += f"\nNext{f' ({sure})' if sure else ''}: {analysis.page.next_command}"
        body += "".join(f"\n{s}" for s in (analysis.page.next_step, analysis.page.next_needs) if s)
        try:
            sent = bool(self._service.notify(title=_plain(title), body=_plain(body)[:MAX_BODY]))
        except Exception as error:  # its text may hold the URL
            sent = False
            reason = type(error).__name__
        else:
            reason = "the service did not take it"
        if not sent and not self._failed:
            self._failed = True
            print(f"trainwatch: no notification could be sent ({reason})", file=sys.stderr)


def _plain(text: str) -> str:
    return "".join(c if c.isprintable() or c == "\n" else "?" for c in text)


def make_notifier(url: str | None) -> Notifier:
    """Return a notifier for a URL of apprise; one that does nothing for None.

    Raises:
        TrainwatchError: If apprise is not installed, or does not know such a URL; the URL is not repeated.
    """
    from trainwatch.errors import TrainwatchError

    if not url:
        return Notifier()
    try:
        import apprise
    except ImportError:
        raise TrainwatchError('--notify needs apprise: pip install "trainwatch-toolkit[notify]"') from None
    for name in ("apprise", "urllib3", "requests"):  # they log what they call
        logging.getLogger(name).setLevel(logging.CRITICAL + 1)  # its children, too
    service = apprise.Apprise()
    try:
        known = bool(service.add(url))
    except Exception:
        known = False
    if not known:
        raise TrainwatchError("--notify: apprise knows no such URL; see https://github.com/caronc/apprise/wiki")
    return Notifier(service)
