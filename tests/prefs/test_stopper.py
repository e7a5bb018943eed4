from __future__ import annotations

import pytest

from prefs.errors import ConfigError
from prefs.progress import Forecast
from prefs.stopper import AfterCount, AnyOf, LittleToLearn, Standing, Stopper, WellPredicted


def standing(questions: int = 0, gains: tuple[float, ...] = (), now: float = 0.6) -> Standing:
    return Standing(questions, gains, lambda: Forecast(0.5, now, 0.9))


def test_after_a_count() -> None:
    stopper = AfterCount(20)
    assert stopper.reason(standing(19)) is None
    assert stopper.left(standing(19)) == 1
    assert stopper.reason(standing(20)) == "20 questions are answered, as agreed."
    assert stopper.left(standing(25)) == 0


def test_when_questions_have_little_to_tell() -> None:
    stopper = LittleToLearn(bits=0.1, times=2)
    assert stopper.reason(standing(gains=(0.05,))) is None
    assert stopper.reason(standing(gains=(0.05, 0.2, 0.05))) is None
    assert "little is left to learn" in str(stopper.reason(standing(gains=(0.2, 0.05, 0.09))))
    assert stopper.left(standing()) is None
    assert stopper.left(standing(gains=(0.2,) * 10)) == 10
    assert stopper.left(standing(gains=(0.05,) * 10)) == 0


def test_when_answers_are_well_predicted() -> None:
    stopper = WellPredicted(0.7)
    assert stopper.reason(standing(5, now=0.69)) is None
    assert stopper.reason(standing(0, now=0.8)) is None
    assert "goal was 70%" in str(stopper.reason(standing(5, now=0.7)))
    # the gap closed from .4 to .3 in 10 questions: 1/(1 + n/30), so .2 is reached at n = 30
    assert stopper.left(standing(10, now=0.6)) == 20
    assert WellPredicted(0.95).left(standing(10, now=0.6)) is None
    assert stopper.left(standing(10, now=0.45)) is None


def test_the_first_to_speak_decides_and_the_fewest_questions_count() -> None:
    both = AnyOf((AfterCount(30), LittleToLearn(bits=0.1, times=1)))
    assert both.reason(standing(3, gains=(0.5,))) is None
    assert "little" in str(both.reason(standing(3, gains=(0.05,))))
    assert both.left(standing(25, gains=(0.5,) * 25)) == 5
    assert AnyOf(()).left(standing()) is None


@pytest.mark.parametrize(
    "make",
    [
        lambda: AfterCount(0),
        lambda: LittleToLearn(bits=0.0),
        lambda: LittleToLearn(times=0),
        lambda: WellPredicted(1.0),
        lambda: WellPredicted(float("nan")),
    ],
)
def test_goals_that_make_no_sense_are_refused(make: type[Stopper]) -> None:
    with pytest.raises(ConfigError):
        make()
