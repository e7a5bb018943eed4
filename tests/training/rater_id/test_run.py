from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from wordy import rated, table, wordy

torch = pytest.importorskip("torch")
pytest.importorskip("accelerate")

from prefs.bank import ItemBank  # noqa: E402
from prefs.batch import infer_many  # noqa: E402
from prefs.errors import ConfigError, ModelError  # noqa: E402
from training.fitted import FittedBank  # noqa: E402
from training.predictive import predict  # noqa: E402
from training.rater_id import state, trainer  # noqa: E402
from training.rater_id.data import DataSet, of_survey  # noqa: E402
from training.rater_id.recipe import Recipe  # noqa: E402
from training.rater_id.run import Wanted, train_reader  # noqa: E402
from training.splits import are_targets, raters_in  # noqa: E402
from training.surveys import Survey  # noqa: E402
from vlm.reader import Reader  # noqa: E402

RECIPE = Recipe(
    steps=50,
    questions=24,
    raters=96,
    rate=3e-3,
    head_rate=1e-2,
    moments=0.3,
    warmup=10,
    every=25,
    sets=1,
    answers=1.0,
    identity=0.3,
    marginals=0.3,
    weight_decay=0.01,
    posterior_steps=4,
    draws=8,
    validation_raters=256,
    keep="loss",
    precision="float32",
)
SHORT = replace(RECIPE, steps=12, questions=8, raters=24, every=5)
TINY = Wanted("tiny", RECIPE, size=8, hold_out_questions=True)


@pytest.fixture(autouse=True)
def _one_thread() -> None:
    torch.set_num_threads(1)


def read(folder: Path, survey: Survey) -> FittedBank:
    bank = ItemBank(survey.name, survey.questions)
    phi, g = Reader.open(folder, device="cpu").bank(bank)
    return FittedBank(bank, phi, g, {}, {})


def target_loss(fitted: FittedBank, survey: Survey, turned: int = 0) -> float:
    """Nats an answer of test raters to targets, given their other answers, or another rater's."""
    tested = survey.table()[raters_in(survey.raters, "test")].astype(np.intp)
    targets = are_targets(question.question_id for question in survey.questions)
    model = fitted.alone()
    source = fitted.source(model.space)
    vectors = source.all()
    known = infer_many(model.space, vectors[~targets], np.roll(tested[:, ~targets], turned, axis=0), 0.02)
    chances = predict(known, vectors[targets])
    said = np.take_along_axis(chances, tested[:, targets][..., None], 2)[..., 0]
    return float(-np.log(said).mean())


def files(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Survey, dict[str, Any]]:
    """A reader of 50 steps, the survey that it was trained on, and its report."""
    torch.set_num_threads(1)
    out = tmp_path_factory.mktemp("trained") / "reader"
    survey = wordy(300)
    return out, survey, train_reader([of_survey(survey)], out, TINY)


def test_training_predicts_unseen_questions_of_unseen_people(
    trained: tuple[Path, Survey, dict[str, Any]], tmp_path: Path
) -> None:
    out, survey, _ = trained
    untrained = tmp_path / "untrained"
    train_reader(
        [of_survey(survey)], untrained, replace(TINY, recipe=replace(SHORT, steps=1, rate=0.0, head_rate=0.0))
    )
    reader, before = read(out, survey), read(untrained, survey)
    loss, wrong = target_loss(reader, survey), target_loss(reader, survey, turned=1)
    assert loss < target_loss(before, survey) - 0.2
    assert loss < np.log(5) - 0.2, "better than knowing nothing"
    assert loss < wrong - 0.2, "it is the person who is known, not people"


def test_unseen_questions_go_together_as_their_answers_do(
    trained: tuple[Path, Survey, dict[str, Any]],
) -> None:
    out, survey, _ = trained
    targets = are_targets(question.question_id for question in survey.questions)
    real = np.corrcoef(survey.table()[:, targets].T)
    taste = read(out, survey).phi[targets, -1, 2:]
    unit = taste / np.linalg.norm(taste, axis=1, keepdims=True)
    upper = np.triu_indices(targets.sum(), 1)
    assert np.corrcoef((unit @ unit.T)[upper], real[upper])[0, 1] > 0.7


def test_the_report_tells_what_was_held_out(trained: tuple[Path, Survey, dict[str, Any]]) -> None:
    out, survey, found = trained
    assert json.loads((out / "report.json").read_text()) == found
    targets = are_targets(question.question_id for question in survey.questions)
    tested = raters_in(survey.raters, "test")
    assert found["skips"]["wordy"]["target question (held out)"] == targets.sum()
    assert found["skips"]["wordy"]["test rater (held out)"] == tested.sum()
    assert found["questions"] + found["validation_questions"] == (~targets).sum()
    assert found["raters"] + found["validation_raters"] == (~tested).sum()
    assert found["hold_out_questions"] is True
    assert found["split"] == "eval"
    assert found["hardware"]
    assert [one["step"] for one in found["validation"]] == [25, 50]
    best = max(found["validation"], key=lambda one: one["score"])
    assert found["kept_step"] == best["step"]
    assert not out.with_name("reader.parts").exists()


class Cut(Exception):
    """As if the power went."""


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> tuple[list[DataSet], dict[str, bytes]]:
    """Two data sets, and the files of a reader that was trained on them without a break."""
    torch.set_num_threads(1)
    out = tmp_path_factory.mktemp("whole") / "reader"
    sets = [of_survey(wordy(80)), rated()]
    train_reader(sets, out, replace(TINY, recipe=SHORT))
    return sets, files(out)


@pytest.mark.parametrize("moment", ["step 7", "best", "state"])
def test_a_training_that_was_cut_off_goes_on_to_the_same_bytes(
    moment: str,
    whole: tuple[list[DataSet], dict[str, bytes]],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(trainer, "CHECKPOINT_S", 0.0)
    sets, expected = whole
    wanted = replace(TINY, recipe=SHORT)

    def cut(done: int, total: int, loss: float) -> None:
        if moment == f"step {done}":
            raise Cut

    def broken(*_: Any) -> None:
        raise Cut

    with monkeypatch.context() as patched:
        if moment == "state":  # the best step is written, the state that names it is not
            real = state.save_state
            patched.setattr(state, "save_state", lambda f, t, d: broken() if d.step == 5 else real(f, t, d))
        elif moment == "best":
            patched.setattr(state, "save_best", broken)
        with pytest.raises(Cut):
            train_reader(sets, tmp_path / "cut", wanted, told=cut)
    assert not (tmp_path / "cut").exists()
    with pytest.raises(ConfigError, match="holds work that was cut off: add --resume"):
        train_reader(sets, tmp_path / "cut", wanted)
    with pytest.raises(ConfigError, match="holds parts of other work"):
        train_reader(sets, tmp_path / "cut", replace(wanted, split="all"), resume=True)
    steps = []
    train_reader(sets, tmp_path / "cut", wanted, resume=True, told=lambda done, *_: steps.append(done))
    assert steps[0] > 1, "it went on"
    assert files(tmp_path / "cut") == expected


@pytest.mark.slow
def test_a_killed_training_goes_on_to_the_same_bytes(tmp_path: Path) -> None:
    code = """
import sys; sys.path.insert(0, sys.argv[1])
import torch; torch.set_num_threads(1)
from pathlib import Path
from test_run import SHORT, TINY, of_survey, replace, train_reader, trainer, wordy
trainer.CHECKPOINT_S = 0.0
recipe = replace(SHORT, steps=60, every=7)
train_reader([of_survey(wordy(80))], Path(sys.argv[2]), replace(TINY, recipe=recipe), sys.argv[3] == "go on")
"""
    here = str(Path(__file__).parent)

    def command(out: Path, how: str) -> list[str]:
        return [sys.executable, "-c", code, here, str(out), how]

    environment = {**os.environ, "PYTHONPATH": str(Path(here).parents[2])}
    subprocess.run(command(tmp_path / "whole", "begin"), check=True, env=environment)
    out = tmp_path / "killed"
    running = subprocess.Popen(command(out, "begin"), env=environment)
    kept = out.with_name("killed.parts") / "fit" / state.STATE
    limit = time.monotonic() + 120
    while not kept.is_file() and time.monotonic() < limit:
        time.sleep(0.01)
    time.sleep(0.3)
    running.send_signal(signal.SIGKILL)
    running.wait()
    assert kept.is_file()
    assert not out.exists(), "it was killed before its end"
    subprocess.run(command(out, "go on"), check=True, env=environment)
    assert files(out) == files(tmp_path / "whole")


def test_pictures_and_texts_are_learned_from_together(tmp_path: Path) -> None:
    recipe = replace(RECIPE, steps=30, questions=16, raters=48, every=15)
    sets: list[DataSet] = [rated(90, 60), of_survey(wordy(60))]
    found = train_reader(sets, tmp_path / "both", replace(TINY, recipe=recipe))
    reader = Reader.open(tmp_path / "both", device="cpu")
    assert (reader.model.config.encoder, reader.model.config.width) == ("numbers", 6)
    vectors = reader.read(sets[0].questions, sets[0].pictures)
    assert vectors.phi.shape == (60, 5, 10)
    assert found["validation"][-1]["gain"] > 0.0


def test_a_backbone_can_be_left_as_it_is(tmp_path: Path) -> None:
    wanted = replace(TINY, recipe=replace(SHORT, steps=3, tune="heads", size=5))
    found = train_reader([of_survey(wordy(60))], tmp_path / "heads", wanted)
    assert (found["tune"], found["size"]) == ("heads", 5)
    assert found["parameters_tuned"] < 2000


@pytest.mark.parametrize("signs", [0, 2])
def test_pictures_alone_are_learned_from_by_a_backbone_that_is_left_as_it_is(
    tmp_path: Path, signs: int
) -> None:
    recipe = replace(SHORT, steps=4, every=4, tune="heads", signs=signs)
    wanted = replace(TINY, recipe=recipe, hold_out_questions=False)
    found = train_reader([rated(90, 120)], tmp_path / "seen", wanted)
    assert found["validation"][-1]["answers"] < 3.0


def test_a_training_that_diverges_is_one_error_and_writes_nothing(tmp_path: Path) -> None:
    wanted = replace(TINY, recipe=replace(SHORT, rate=1.0, head_rate=1.0, clip=1e6, warmup=0, steps=400))
    survey = of_survey(wordy(60))
    broken = replace(survey, pictures={}, answers=survey.answers)
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(trainer, "answer_loss", lambda phi, *_: phi.sum() * float("nan"))
        with pytest.raises(ModelError, match=r"diverged at step 1, with a loss of nan: lower rate"):
            train_reader([broken], tmp_path / "out", wanted)
    assert not [path for path in tmp_path.iterdir() if path.name.startswith("out")]


def test_a_folder_with_other_files_is_not_written_into(tmp_path: Path) -> None:
    (tmp_path / "letter.txt").write_text("mine")
    with pytest.raises(ConfigError, match="holds other files"):
        train_reader([of_survey(wordy(30))], tmp_path, replace(TINY, recipe=SHORT))
    assert [path.name for path in tmp_path.iterdir() if path.name != "data-dir"] == ["letter.txt"]


def test_without_anything_that_judges_the_last_step_is_kept(tmp_path: Path) -> None:
    texts = ["Red things", "Blue things", "Green things", "Old things"]
    answers = np.random.default_rng(0).integers(0, 2, (30, 4))
    one = of_survey(table("few", texts, [f"r{n}" for n in range(30)], answers))
    found = train_reader([one], tmp_path / "few", Wanted("tiny", replace(SHORT, steps=3, every=2), size=4))
    assert (found["kept_step"], found["kept_by"]) == (3, "last")
    assert [entry["score"] for entry in found["validation"]] == [None, None]
