from __future__ import annotations

import numpy as np
from simulated import questions

from training.hypotheses import answers_of
from training.surveys import assemble


def test_of_repeats_the_first_answer_counts() -> None:
    rows, columns = np.array([0, 0, 0, 1, 1]), np.array([0, 0, 1, 1, 1])
    answers, occasions = np.array([2, 0, 1, 0, 2]), np.array([1, 0, 0, 0, 1])
    survey = assemble("x", questions(2, 3), ["a", "b"], rows, columns, answers, occasions)
    assert answers_of(survey, slice(0, 2)).tolist() == survey.table().tolist() == [[0, 1], [-1, 0]]
    assert answers_of(survey, slice(1, 2)).tolist() == [[-1, 0]]
