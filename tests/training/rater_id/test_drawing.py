from __future__ import annotations

import numpy as np
import pytest
from wordy import table, wordy

from prefs.errors import DataError
from training.rater_id.corpus import Corpus, corpus_of
from training.rater_id.data import of_survey
from training.rater_id.drawing import check, draw, shares, split
from training.rater_id.exam import exams
from training.rater_id.recipe import Recipe
from training.splits import are_targets, raters_in

RECIPE = Recipe(questions=16, raters=40)


def corpus() -> Corpus:
    small = wordy(150, seed=1, name="other")
    return corpus_of([of_survey(wordy(200)), of_survey(small)], "eval", hold_out_questions=True)


def test_no_draw_meets_who_or_what_is_held_out_or_judges() -> None:
    found = corpus()
    for step in range(60):
        drawn = draw(found.parts, RECIPE, step)
        part = found.parts[drawn.part]
        assert not part.judged[drawn.columns].any()
        assert not are_targets(question.question_id for question in drawn.questions).any()
        learners = part.answers[np.ix_(part.learners, drawn.columns)]
        who = {row.tobytes() for row in learners}
        assert all(row.astype(np.int16).tobytes() in who for row in drawn.answers)
        assert not raters_in([part.raters[row] for row in part.learners], "test", "validation").any()


def test_no_exam_meets_test_raters_or_what_is_learned_from() -> None:
    found = corpus()
    for exam in exams(found.parts, RECIPE):
        part = found.parts[exam.part]
        assert part.judged[exam.judged].all()
        assert not part.judged[exam.known].any()
        assert len(exam.answers) <= part.judges.sum()


def test_a_step_draws_the_same_whenever_it_is_drawn() -> None:
    parts = corpus().parts
    first, again, other = draw(parts, RECIPE, 7), draw(parts, RECIPE, 7), draw(parts, RECIPE, 8)
    assert first.part == again.part
    assert first.questions == again.questions
    for name in ("columns", "answers", "context"):
        assert np.array_equal(getattr(first, name), getattr(again, name))
    assert first.rng.random() == again.rng.random()
    assert not np.array_equal(first.columns, other.columns) or first.part != other.part


def test_questions_are_read_with_and_without_their_lead_ins() -> None:
    texts = [f"I see myself as: thing {number}" for number in range(40)]
    rng = np.random.default_rng(0)
    survey = table("s", texts, [f"r{n}" for n in range(40)], rng.integers(0, 2, (40, 40)))
    parts = corpus_of([of_survey(survey)], "all").parts
    read = [q.markdown for step in range(10) for q in draw(parts, RECIPE, step).questions]
    bare = np.mean([not text.startswith("I see") for text in read])
    assert 0.3 < bare < 0.7
    never = Recipe(questions=16, raters=40, stripped=0.0)
    assert all(q.markdown.startswith("I see") for q in draw(parts, never, 0).questions)


def test_parts_are_drawn_by_the_root_of_their_questions() -> None:
    parts = corpus().parts
    counts = np.sqrt([len(part.learned) for part in parts])
    assert shares(parts) == pytest.approx(counts / counts.sum())


def test_questions_that_the_same_raters_answered_are_drawn_together() -> None:
    answers = np.full((80, 40), -1)
    rng = np.random.default_rng(0)
    answers[:40, :20] = rng.integers(0, 2, (40, 20))
    answers[40:, 20:] = rng.integers(0, 2, (40, 20))
    survey = table("s", [f"Text {n}" for n in range(40)], [f"r{n}" for n in range(80)], answers)
    parts = corpus_of([of_survey(survey)], "all").parts
    for step in range(20):
        drawn = draw(parts, Recipe(questions=8), step)
        assert (drawn.answers >= 0).all()


def test_split_knows_some_and_never_all() -> None:
    rng = np.random.default_rng(0)
    answers = np.where(rng.random((500, 12)) < 0.5, 1, -1)
    answers[:, :2] = 0
    context = split(answers, (0.3, 0.7), rng)
    given = answers >= 0
    assert not (context & ~given).any()
    assert context.any(1).all()
    assert (given & ~context).any(1).all()
    assert (context.sum() / given.sum()) == pytest.approx(0.5, abs=0.05)


def test_a_part_in_which_nobody_answered_enough_is_refused() -> None:
    answers = np.full((60, 30), -1)
    for row in range(60):
        answers[row, [row % 30, (row + 1) % 30]] = 1
    survey = table("s", [f"Text {n}" for n in range(30)], [f"r{n}" for n in range(60)], answers)
    parts = corpus_of([of_survey(survey)], "all").parts
    with pytest.raises(DataError, match="data set 's' has 0 raters who answered 4 questions"):
        check(parts, Recipe())
    check(parts, Recipe(least=2))
