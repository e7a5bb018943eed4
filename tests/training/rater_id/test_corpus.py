from __future__ import annotations

import numpy as np
import pytest
from wordy import rated, table, wordy

from prefs.errors import ConfigError, DataError
from training.pairs import Pairs
from training.rater_id import corpus
from training.rater_id.corpus import APART, MIXED, SAME, TARGET, TESTED, corpus_of, correlations
from training.rater_id.data import of_pairs, of_survey
from training.splits import are_targets, fold, raters_in

PEOPLE = [f"person {number}" for number in range(40)]


def said(rows: int, columns: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 2, (rows, columns))


def test_test_raters_and_targets_never_reach_the_parts() -> None:
    survey = wordy(120)
    part = corpus_of([of_survey(survey)], "eval", hold_out_questions=True).parts[0]
    assert not raters_in(part.raters, "test").any()
    assert not are_targets(question.question_id for question in part.questions).any()
    assert set(part.raters) == {
        rater for rater, test in zip(survey.raters, raters_in(survey.raters, "test"), strict=True) if not test
    }
    assert (part.judges == raters_in(part.raters, "validation")).all()
    row, column = 3, 5
    asked = [question.question_id for question in survey.questions].index(part.questions[column].question_id)
    assert part.answers[row, column] == survey.table()[survey.raters.index(part.raters[row]), asked]


def test_all_keeps_test_raters_and_targets_that_are_not_held_out() -> None:
    survey = wordy(60)
    part = corpus_of([of_survey(survey)], "all").parts[0]
    assert len(part.raters) == 60
    assert len(part.questions) == len(survey.questions)


def test_a_question_that_says_what_a_target_says_goes_too_and_is_counted() -> None:
    ids = [f"a:{number}" for number in range(200)]
    target = next(name for name in ids if fold(name, 3) == 0)
    free = [name for name in ids if fold(name, 3) != 0]
    texts = ["I am often bored.", *(f"Statement {number}" for number in range(5))]
    a = of_survey(table("a", texts, PEOPLE, said(40, 6), ids=[target, *free[:5]]))
    again = ['How true is this: "Often bored"', "Another thing", "A third", "A fourth", "A fifth"]
    b = of_survey(table("b", again, [f"b {n}" for n in range(40)], said(40, 5, 1), ids=free[5:10]))
    corpus = corpus_of([a, b], "eval", hold_out_questions=True)
    assert "Often bored" not in " ".join(q.markdown for part in corpus.parts for q in part.questions)
    assert corpus.skips["a"][TARGET] == 1
    assert corpus.skips["b"][SAME] == 1
    assert len(corpus_of([a, b], "eval").parts[1].questions) == 5


def test_a_whole_set_is_held_out_with_all_that_says_the_same() -> None:
    a = of_survey(table("a", ["One thing", "Two things", "Three things", "Four things"], PEOPLE, said(40, 4)))
    others = [f"other {number}" for number in range(40)]
    b = of_survey(table("b", ["two things!", "A fifth", "A sixth", "A seventh"], others, said(40, 4, 1)))
    corpus = corpus_of([a, b], "eval", hold_out_sets=["a"])
    assert [part.name for part in corpus.parts] == ["b"]
    assert [question.markdown for question in corpus.parts[0].questions] == [
        "A fifth",
        "A sixth",
        "A seventh",
    ]
    assert (corpus.skips["a"][APART], corpus.skips["b"][SAME]) == (4, 1)
    assert corpus.sets_held_out == ("a",)
    with pytest.raises(ConfigError, match="--hold-out-set c: no such data set is given, only a, b"):
        corpus_of([a, b], "eval", hold_out_sets=["c"])
    with pytest.raises(ConfigError, match="every data set is held out"):
        corpus_of([a, b], "eval", hold_out_sets=["a", "b"])


def test_no_pair_with_a_target_picture_is_left() -> None:
    images = [f"image-{number}" for number in range(30)]
    vectors = {image: np.full(4, number, np.float32) for number, image in enumerate(images)}
    shown = np.array([(one, other) for one in range(30) for other in range(one)])
    none = np.zeros(0, np.intp)
    pairs = Pairs(
        "pairs", tuple(PEOPLE), tuple(images), shown, said(40, len(shown)).astype(np.intp), none, none
    )
    one = of_pairs(pairs, vectors)
    corpus = corpus_of([one], "eval", hold_out_questions=True)
    part = corpus.parts[0]
    free = [image for image in images if fold(image, 3) != 0]
    assert {item for question in part.questions for item in question.items} == set(free)
    assert len(part.questions) == len(free) * (len(free) - 1) // 2
    held = 30 - len(free)
    assert corpus.skips["pairs"][TARGET] == held * (held - 1) // 2
    assert corpus.skips["pairs"][MIXED] == held * len(free)
    learned = {item for column in part.learned for item in part.questions[column].items}
    shown_once = {item for question in part.questions for item in question.items} - learned
    assert shown_once, "some picture judges"
    for question, judged in zip(part.questions, part.judged, strict=True):
        assert judged == bool(shown_once.intersection(question.items))


def test_the_same_picture_under_another_name_goes_with_the_target() -> None:
    one = rated(40, 30)
    target = next(q.question_id for q in one.questions if fold(q.question_id, 3) == 0)
    free = next(f"other{n}" for n in range(50) if fold(f"other{n}", 3) != 0)
    twins = {free: one.pictures[target], "else": np.zeros(6, np.float32), "elsewhere": np.ones(6, np.float32)}
    images = tuple(twins)
    shown = np.array([(0, 1), (1, 2), (0, 2)])
    none = np.zeros(0, np.intp)
    others = tuple(f"other {number}" for number in range(40))
    pairs = Pairs("twins", others, images, shown, said(40, 3).astype(np.intp), none, none)
    held = any(fold(name, 3) == 0 for name in ("else", "elsewhere"))
    assert not held, "names that are no targets"
    with pytest.raises(DataError, match="data set 'twins' has 1 questions to learn from"):
        corpus_of([one, of_pairs(pairs, twins)], "eval", hold_out_questions=True)


def test_sets_that_share_raters_are_one_part() -> None:
    a = of_survey(table("a", ["One", "Two", "Three"], PEOPLE, said(40, 3)))
    c = of_survey(table("c", ["Six", "Seven", "Eight"], [f"c {n}" for n in range(40)], said(40, 3)))
    b = of_survey(table("b", ["Four", "Five", "Nine"], [*PEOPLE[20:], "new 1", "new 2"], said(22, 3, 2)))
    parts = corpus_of([a, c, b], "all").parts
    assert [part.name for part in parts] == ["a+b", "c"]
    joined = parts[0]
    assert len(joined.raters) == 42
    assert (joined.answers[:20, 3:] == -1).all()
    assert (joined.answers[20:40, 3:] == said(22, 3, 2)[:20]).all()


def test_judged_questions_are_judged_wherever_they_stand() -> None:
    texts = [f"Statement number {number}" for number in range(60)]
    a = of_survey(table("a", texts, PEOPLE, said(40, 60)))
    b = of_survey(table("b", texts[::-1], [f"b {n}" for n in range(40)], said(40, 60, 1)))
    parts = corpus_of([a, b], "all").parts
    judged = [
        {question.markdown for question, judged in zip(part.questions, part.judged, strict=True) if judged}
        for part in parts
    ]
    assert judged[0] == judged[1]
    assert 1 <= len(judged[0]) <= 15


def test_a_set_without_a_question_left_is_refused() -> None:
    ids = [name for number in range(50) if fold(name := f"q{number}", 3) == 0][:3]
    a = of_survey(table("a", ["One", "Two", "Three"], PEOPLE, said(40, 3), ids=ids))
    with pytest.raises(DataError, match="data set 'a' has no question left: 3 are held out"):
        corpus_of([a], "eval", hold_out_questions=True)


def test_a_set_with_two_names_is_refused() -> None:
    a = of_survey(wordy(30))
    with pytest.raises(ConfigError, match="2 data sets are called 'wordy'"):
        corpus_of([a, a])


def test_correlations_are_of_those_who_answered_both() -> None:
    rng = np.random.default_rng(0)
    answers = rng.integers(0, 5, (200, 4)).astype(np.int16)
    answers[:, 1] = np.clip(answers[:, 0] + rng.integers(-1, 2, 200), 0, 4)
    answers[rng.random((200, 4)) < 0.3] = -1
    answers[:, 3] = np.where(answers[:, 3] >= 0, 2, -1)
    found, together = correlations(answers)
    both = (answers[:, 0] >= 0) & (answers[:, 1] >= 0)
    assert found[0, 1] == pytest.approx(np.corrcoef(answers[both, 0], answers[both, 1])[0, 1], abs=1e-5)
    assert together[0, 1] == both.sum()
    assert np.isnan(found[0, 3])


def test_many_questions_hold_no_table_of_all_pairs(monkeypatch: pytest.MonkeyPatch) -> None:
    answers = np.where(said(40, 30, 1) > 0, said(40, 30, 2), -1)
    survey = table("many", [f"I like {number}" for number in range(30)], PEOPLE, answers)
    part, wide = (corpus_of([of_survey(survey)]).parts[0] for _ in range(2))
    one, other = np.array([4, 1]), np.array([0, 1, 7])
    together, real = part.together(one, other), part.correlations(other)
    heard = part.given[part.learners]
    assert together[0, 2] == (heard[:, 4] & heard[:, 7]).sum() > 0
    monkeypatch.setattr(corpus, "WIDE", 0)
    np.testing.assert_array_equal(wide.together(one, other), together)
    np.testing.assert_array_equal(wide.correlations(other), real)
    assert not {"_together", "_correlations"} & vars(wide).keys()


def test_held_out_raters_are_counted() -> None:
    corpus = corpus_of([of_survey(wordy(100))], "eval")
    part = corpus.parts[0]
    assert corpus.skips["wordy"][TESTED] == 100 - len(part.raters)
    assert corpus.raters == (~part.judges).sum()
