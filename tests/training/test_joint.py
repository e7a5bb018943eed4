from __future__ import annotations

import os
import signal
import subprocess
import sys
from dataclasses import replace
from functools import partial
from pathlib import Path

import numpy as np
import pytest
from simulated import people

from prefs.bank import ItemBank
from prefs.belief import infer
from prefs.errors import ConfigError, ModelError
from prefs.space import STYLE
from training import joint, selection, work
from training.fit import Each, Fit, Settings
from training.fitted import load_fitted
from training.joint import fit_sets, groups, train
from training.selection import fit_survey
from training.splits import raters_in
from training.surveys import Survey, assemble, make_questions
from training.workspace import _model

Sets = list[tuple[ItemBank, Survey]]


def survey(
    name: str,
    texts: list[str],
    raters: list[str],
    said: list[list[int]],
    options: int = 2,
    ids: list[str] | None = None,
) -> Survey:
    """A table of answers as a survey; -1 is no answer."""
    table = np.array(said)
    rows, columns = np.nonzero(table >= 0)
    questions = make_questions(
        name,
        ids or [f"{name}:{number}" for number in range(len(texts))],
        ["mood"] * len(texts),
        texts,
        [["Yes", "No", "Perhaps"][:options]] * len(texts),
    )
    return assemble(name, questions, raters, rows, columns, table[rows, columns])


def bank(one: Survey) -> ItemBank:
    return ItemBank(one.name, one.questions)


def halves(raters: int = 60, seed: int = 4) -> tuple[Survey, Sets]:
    """A survey, and the same answers as two data sets with the same raters."""
    whole = people(raters, 8, 3, size=1, seed=seed).survey
    parts: Sets = []
    for name, columns in (("left", np.arange(4)), ("right", np.arange(4, 8))):
        kept = np.isin(whole.columns, columns)
        questions = [replace(whole.questions[column], source=name) for column in columns]
        part = assemble(
            name,
            questions,
            whole.raters,
            whole.rows[kept],
            whole.columns[kept] - columns[0],
            whole.answers[kept],
        )
        parts.append((bank(part), part))
    return whole, parts


def test_what_is_shared_ties_and_the_rest_stays_apart() -> None:
    sets = [
        survey("a", ["one", "two"], ["r1", "r2"], [[0, 1], [1, 0]]),
        survey("b", ["three"], ["r3"], [[0]]),
        survey("c", ["two", "four"], ["r4"], [[0, 1]]),  # shares a question with a
        survey("d", ["five"], ["r4", "r5"], [[0], [1]]),  # shares a rater with c
        survey("e", ["one"], ["r6"], [[2]], options=3),  # the text of a, with other options
        survey("f", ["six"], ["r7"], [[0]], ids=["a:0"]),  # an id of a, with another text
    ]
    found = groups(sets)
    assert [group.name for group in found] == ["a+c+d", "b", "e", "f"]
    assert found[1].union is sets[1]


def test_a_rater_of_two_sets_is_one_and_the_same_question_is_asked_twice() -> None:
    first = survey("a", ["one", "two"], ["r1", "r2"], [[0, 1], [1, -1]])
    second = survey("b", ["two", "three"], ["r2", "r1", "r3"], [[0, 1], [0, -1], [1, 1]])
    (group,) = groups([first, second])
    union = group.union
    assert union.raters == ("r1", "r2", "r3")
    assert [question.markdown for question in union.questions] == ["one", "two", "three"]
    assert [columns.tolist() for columns in group.columns] == [[0, 1], [1, 2]]
    assert union.table().tolist() == [[0, 1, -1], [1, 0, 1], [-1, 1, 1]], "the first occasion counts"
    twice = (union.rows == 0) & (union.columns == 1)
    assert union.answers[twice].tolist() == [1, 0]
    assert union.occasions[twice].tolist() == [0, 1]
    assert len(union.answers) == len(first.answers) + len(second.answers)


def test_occasions_of_two_sets_stay_in_order_however_large() -> None:
    one, other = (survey(name, ["one"], ["r1"], [[answer]]) for name, answer in (("a", 0), ("b", 1)))
    late = np.full(1, 2**31 - 1, dtype=np.int32)  # such as times
    (group,) = groups([replace(one, occasions=late), replace(other, occasions=late)])
    assert group.union.answers.tolist() == [0, 1]
    assert group.union.occasions.tolist() == [0, 1]


def test_a_question_that_one_set_asks_on_a_scale_is_on_a_scale() -> None:
    alone = survey("a", ["one"], ["r1"], [[0]], options=3)
    scale = survey("b", ["one", "two"], ["r2"], [[0, 1]], options=3)
    assert [one.questions[0].kind for one in (alone, scale)] == ["choice", "rating"]
    for sets in ([alone, scale], [scale, alone]):
        (group,) = groups(sets)
        assert [question.kind for question in group.union.questions] == ["rating", "rating"]


def test_a_question_twice_in_one_set_stays_two_questions() -> None:
    first = survey("a", ["one", "one"], ["r1"], [[0, 1]])
    second = survey("b", ["one", "one", "one"], ["r2"], [[0, 1, 0]])
    (group,) = groups([first, second])
    assert [columns.tolist() for columns in group.columns] == [[0, 1], [0, 1, 2]]


def test_two_sets_of_one_name_are_refused() -> None:
    one = survey("a", ["one"], ["r1"], [[0]])
    with pytest.raises(ConfigError, match="2 data sets are called 'a'"):
        groups([one, survey("b", ["two"], ["r1"], [[0]]), one])


def test_sets_with_the_same_raters_are_fitted_as_one_survey() -> None:
    whole, sets = halves()
    found = fit_sets(sets)
    vectors, _ = fit_survey(whole)
    assert (found["left"].phi == vectors.phi[:4]).all()
    assert (found["right"].phi == vectors.phi[4:]).all()
    assert (found["right"].g == vectors.g[4:]).all()
    assert found["left"].block[0] == found["right"].block[0] == "left+right"
    assert found["left"].report["together"] == {"names": ["left", "right"], "raters": 60}
    assert [found[one.name].report["answers"] for one, _ in sets] == [len(part.answers) for _, part in sets]


def test_a_question_that_two_sets_ask_has_one_set_of_parameters() -> None:
    rng = np.random.default_rng(0)
    answers = rng.integers(0, 2, (40, 3)).tolist()
    first = survey("a", ["one", "two", "three"], [f"a{n}" for n in range(40)], answers)
    second = survey(
        "b", ["four", "three"], [f"b{n}" for n in range(40)], rng.integers(0, 2, (40, 2)).tolist()
    )
    found = fit_sets([(bank(first), first), (bank(second), second)])
    assert (found["a"].phi[2] == found["b"].phi[1]).all()
    assert (found["a"].g[2] == found["b"].g[1]).all()
    assert (found["a"].phi[0] != found["b"].phi[0]).any()


def test_sets_that_nothing_ties_are_fitted_as_if_alone() -> None:
    one = people(60, 5, 2, seed=1).survey
    other = people(50, 4, 4, seed=2).survey
    other = replace(
        other,
        name="other",
        raters=tuple(f"o {rater}" for rater in other.raters),
        questions=tuple(replace(q, source="other", markdown=f"{q.markdown}?") for q in other.questions),
    )
    found = fit_sets([(bank(one), one), (bank(other), other)])
    alone = fit_sets([(bank(other), other)])
    assert (found["other"].phi == alone["other"].phi).all()
    assert found["other"].version == alone["other"].version
    assert found["made"].phi.shape[1] == 2, "padded to its own options"
    assert found["made"].block[0] == "made"


def test_one_taste_for_banks_of_one_block() -> None:
    banks = fit_sets(halves(400)[1])
    apart = {name: replace(one, shared="") for name, one in banks.items()}
    for tied, found in ((True, banks), (False, apart)):
        model = _model([], list(found.values()), Path())
        assert len(model.space.blocks) == (2 if tied else 3)
        left, right = (found[name].bank.questions for name in ("left", "right"))
        belief = infer(model, [(question, 2) for question in left])
        phi = np.concatenate([model.vectors(question)[0] for question in right])
        phi[:, : len(STYLE)] = 0
        before = np.einsum("kd,de,ke->", phi, model.space.cov, phi)
        after = np.einsum("kd,de,ke->", phi, belief.cov, phi)
        assert (after < 0.95 * before) == tied, "answers to one bank tell about the other"


def test_held_out_people_are_held_out_in_every_set() -> None:
    _, sets = halves(80)
    found = fit_sets(sets, "eval")
    changed: Sets = []
    for one, part in sets:
        test = ~raters_in(part.raters, "train")
        answers = part.answers.copy()
        answers[test[part.rows]] = 2 - answers[test[part.rows]]
        changed.append((one, replace(part, answers=answers)))
    again = fit_sets(changed, "eval")
    train_raters = int(raters_in(sets[0][1].raters, "train").sum())
    for name, one in found.items():
        assert one.report["raters"] == train_raters < 80
        assert one.version == again[name].version


def test_a_model_of_several_sets_is_found_by_the_bank(tmp_path: Path) -> None:
    _, sets = halves()
    found = train(sets, tmp_path / "model")
    for one, _ in sets:
        again = load_fitted(tmp_path / "model", one)
        assert again.version == found[one.name].version
        assert again.block[0] == "left+right"
    assert not (tmp_path / "model.parts").exists()
    with pytest.raises(ModelError, match="holds no bank 'made', only left, right"):
        load_fitted(tmp_path / "model", people(5, 3).bank)
    alone = train(sets[:1], tmp_path / "alone")
    assert load_fitted(tmp_path / "alone", sets[0][0]).version == alone["left"].version
    assert (tmp_path / "alone" / "bank.safetensors").is_file(), "one set lies in the folder itself"


class Cut(BaseException):
    """What a test stops a training with."""


def cut_after(monkeypatch: pytest.MonkeyPatch, steps: int) -> list[int]:
    """Stops the work at that step of all fits together; the list counts them."""
    done = [0]
    step = Fit._step

    def counted(fit: Fit, number: int, each: Each) -> None:
        if done[0] == steps:
            raise Cut
        done[0] += 1
        step(fit, number, each)

    monkeypatch.setattr(Fit, "_step", counted)
    return done


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Short trials of few sizes, every step kept."""
    monkeypatch.setattr(selection, "Settings", partial(Settings, steps=30))
    monkeypatch.setattr(selection, "TRIAL_STEPS", 6)
    monkeypatch.setattr(selection, "SIZES", (2, 3))
    monkeypatch.setattr(selection, "MORE", ())
    monkeypatch.setattr(selection, "NOMINAL", (0.2, 0.0))
    monkeypatch.setattr(work, "CHECKPOINT_S", 0.0)


@pytest.mark.usefixtures("quick")
@pytest.mark.parametrize("steps", [0, 3, 6, 14, 30, 41])
def test_a_training_that_was_cut_goes_on_to_the_same_bits(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, steps: int
) -> None:
    _, sets = halves(250)
    whole = train(sets, tmp_path / "whole")
    with monkeypatch.context() as patched:
        cut_after(patched, steps)
        with pytest.raises(Cut):
            train(sets, tmp_path / "model")
    assert not (tmp_path / "model").exists()
    with pytest.raises(ConfigError, match="add --resume"):
        train(sets, tmp_path / "model")
    done = cut_after(monkeypatch, -1)
    again = train(sets, tmp_path / "model", resume=True)
    assert done[0] == 42 - steps, "nothing is done twice"
    for name, one in whole.items():
        assert (again[name].phi == one.phi).all()
        assert dict(again[name].report) == dict(one.report)
        for file in ("bank.safetensors", "bank.json"):
            paths = [tmp_path / which / "banks" / name / file for which in ("whole", "model")]
            assert paths[0].read_bytes() == paths[1].read_bytes()


@pytest.mark.usefixtures("quick")
def test_parts_of_other_work_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    _, sets = halves(250)
    with monkeypatch.context() as patched:
        cut_after(patched, 8)
        with pytest.raises(Cut):
            train(sets, tmp_path / "model")
    with pytest.raises(ConfigError, match="parts of other work, split 'all', not 'eval'"):
        train(sets, tmp_path / "model", "eval", resume=True)
    with pytest.raises(ConfigError, match="parts of other work, data"):
        train(sets[:1], tmp_path / "model", resume=True)
    _, others = halves(250, seed=5)
    with pytest.raises(ConfigError, match="parts of other work, answers of left"):
        train(others, tmp_path / "model", resume=True)
    (tmp_path / "file").touch()
    with pytest.raises(ConfigError, match="is a file"):
        train(sets, tmp_path / "file")


KILLED = """
import os, signal, sys
sys.path[:0] = {paths!r}
from pathlib import Path
from test_joint import halves
from training import joint, work
from training.fit import Fit
work.CHECKPOINT_S = 0.0
step = Fit._step
def killed(fit, number, each):
    if number == 40:
        os.kill(os.getpid(), signal.SIGKILL)
    step(fit, number, each)
Fit._step = killed
joint.train(halves()[1], Path(sys.argv[1]))
"""


def test_a_killed_training_goes_on_to_the_same_bits(tmp_path: Path) -> None:
    code = KILLED.format(paths=[str(Path(__file__).parent), str(Path(joint.__file__).parents[1])])
    found = subprocess.run([sys.executable, "-c", code, str(tmp_path / "model")], env={**os.environ})
    assert found.returncode == -signal.SIGKILL
    assert not (tmp_path / "model").exists()
    _, sets = halves()
    again, whole = train(sets, tmp_path / "model", resume=True), fit_sets(sets)
    assert {name: one.version for name, one in again.items()} == {
        name: one.version for name, one in whole.items()
    }


def test_each_set_has_as_many_people_in_a_trial_as_it_would_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    (group,) = groups([one for _, one in halves(1000)[1]])
    seen: list[int] = []

    def counted(part: Survey, settings: Settings) -> Fit:
        seen.append(len(part.raters))
        return Fit(part, settings)

    monkeypatch.setattr(selection, "Fit", counted)
    monkeypatch.setattr(selection, "TRIAL_STEPS", 3)
    monkeypatch.setattr(selection, "CELLS", 8 * 3 * 250)  # answers of a rater x options x raters
    training, validation = selection.parts_of(group.union)
    for sets in (1, 2):
        selection.trial(selection.as_bank(group.union), training, validation, Settings(size=2), sets=sets)
    assert seen == [250, 500]
