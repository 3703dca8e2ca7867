from __future__ import annotations

import logging
import threading
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import pytest
from synthetic import make_analysis, make_finding

from trainwatch.cli import run
from trainwatch.commands._notify import MAX_BODY, Notifier, make_notifier
from trainwatch.errors import TrainwatchError

SAMPLES = Path(__file__).parents[2] / "sample_runs"
SECRET = "s3cr3tt0k3n"

pytestmark = pytest.mark.filterwarnings("ignore")  # of third parties


class Service:
    def __init__(self, answer: Any = True) -> None:
        self.sent: list[tuple[str, str]] = []
        self.answer = answer

    def notify(self, title: str, body: str) -> bool:
        self.sent.append((title, body))
        if isinstance(self.answer, Exception):
            raise self.answer
        return bool(self.answer)


def test_each_critical_finding_is_told_once_and_the_end() -> None:
    service = Service()
    notifier = Notifier(service)
    base = make_analysis()
    notifier.look(None)
    notifier.look(base)
    assert service.sent == [], "a warning is nothing to wake somebody for"
    critical = replace(base, findings=(make_finding("gradient-explosion", "critical"),))
    notifier.look(critical)
    notifier.look(critical)
    assert len(service.sent) == 1
    assert "gradient-explosion" in service.sent[0][1]
    assert "Next: yolo train" in service.sent[0][1]
    notifier.ended(base)
    assert service.sent[1][0] == "trainwatch: Crashed: plain"


def test_a_failure_is_one_line_once_and_tells_no_secret(capsys: pytest.CaptureFixture[str]) -> None:
    for answer in (False, RuntimeError(f"https://hooks/{SECRET}")):
        notifier = Notifier(Service(answer))
        notifier.ended(make_analysis())
        notifier.ended(make_analysis())
        err = capsys.readouterr().err
        assert err.count("\n") == 1
        assert SECRET not in err


def test_messages_are_short_and_plain() -> None:
    service = Service()
    Notifier(service).ended(make_analysis("\x1b[2J" + "x" * 10_000))
    title, body = service.sent[0]
    assert len(body) <= MAX_BODY
    assert "\x1b" not in title + body


def test_without_apprise_it_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    import sys

    monkeypatch.setitem(sys.modules, "apprise", None)
    with pytest.raises(TrainwatchError, match=r"toolkit\[notify\]"):
        make_notifier("json://x")
    assert isinstance(make_notifier(None), Notifier)
    assert isinstance(make_notifier(""), Notifier)


def test_an_unknown_url_is_not_repeated() -> None:
    pytest.importorskip("apprise")
    with pytest.raises(TrainwatchError) as error:
        make_notifier(f"nonsense://{SECRET}")
    assert SECRET not in str(error.value)


def test_analyze_sends_to_a_real_service(
    capsys: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("apprise")
    got: list[bytes] = []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            got.append(self.rfile.read(int(self.headers["Content-Length"])))
            self.send_response(200)
            self.end_headers()

        def log_message(self, *_: Any) -> None:
            pass

    server = HTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        caplog.set_level(logging.DEBUG)
        url = f"json://127.0.0.1:{server.server_port}/{SECRET}"
        assert run(["analyze", str(SAMPLES / "killed"), "--notify", url]) == 1
        monkeypatch.setenv("TRAINWATCH_NOTIFY", url)
        assert run(["analyze", str(SAMPLES / "killed"), "--format", "html"]) == 1
    finally:
        server.shutdown()
        server.server_close()
    assert len(got) == 2
    assert b"Crashed: killed in epoch 13" in got[0]
    captured = capsys.readouterr()
    assert SECRET not in captured.out + captured.err + caplog.text


def test_a_service_that_is_away_changes_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    pytest.importorskip("apprise")
    assert run(["analyze", str(SAMPLES / "killed"), "--notify", f"json://127.0.0.1:9/{SECRET}"]) == 1
    captured = capsys.readouterr()
    assert "no notification could be sent" in captured.err
    assert SECRET not in captured.out + captured.err
