from __future__ import annotations

from advising import advise, new

from trainwatch.advice.set_close_mosaic import SetCloseMosaic

A = SetCloseMosaic()


def test_fifteen_percent() -> None:
    assert new(advise(A, "close-mosaic-jump", epochs=200, close_mosaic=10)) == {"close_mosaic": 30}


def test_long_enough_unknown_or_overfitting() -> None:
    assert advise(A, "close-mosaic-jump", epochs=50, close_mosaic=10) is None
    assert advise(A, "close-mosaic-jump", close_mosaic=10) is None
    assert advise(A, "close-mosaic-jump", "overfitting", epochs=200, close_mosaic=10) is None


def test_not_where_the_score_fell() -> None:
    assert advise(A, "close-mosaic-jump", detail={"score_falls": True}, epochs=200, close_mosaic=10) is None
