from __future__ import annotations

from situations import judge, situation, states

ID = "loss-gains"


def test_the_scale_of_yolov5() -> None:
    (line,) = judge(ID, situation(box=0.0296, cls=0.243))
    assert line.state == "bad"
    assert line.arguments["box"] == 7.5


def test_one_gain_far_off() -> None:
    (line,) = judge(ID, situation(cls=0.025))
    assert line.state == "warn"
    assert dict(line.arguments) == {"cls": 0.5}


def test_defaults_and_the_stages_of_the_article() -> None:
    assert states(ID, situation()) == ["ok"]
    assert states(ID, situation(box=7.5 * 1.5, cls=0.5 * 0.8, dfl=1.5 * 0.5)) == ["ok"]
