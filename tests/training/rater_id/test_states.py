"""States read once are those that the model makes, and a training of heads goes on to the same bytes."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from wordy import wordy

torch = pytest.importorskip("torch")

from prefs.errors import ConfigError, ModelError  # noqa: E402
from training.rater_id import states, trainer  # noqa: E402
from training.rater_id.corpus import corpus_of  # noqa: E402
from training.rater_id.data import of_survey  # noqa: E402
from training.rater_id.recipe import Recipe  # noqa: E402
from training.rater_id.run import Wanted, build, train_reader  # noqa: E402
from vlm import backbones  # noqa: E402
from vlm.batch import Batcher  # noqa: E402

RECIPE = Recipe(
    steps=10,
    sets=2,
    questions=8,
    raters=24,
    every=4,
    warmup=2,
    signs=2,
    dropout=0.2,
    precision="float32",
    tune="heads",
)
WANTED = Wanted("tiny", RECIPE, size=8, hold_out_questions=True)


@pytest.fixture(autouse=True)
def _one_thread() -> None:
    torch.set_num_threads(1)


def corpus():
    return corpus_of([of_survey(wordy(80))], "eval", True, ())


def test_states_are_what_the_model_makes_of_each_passage(tmp_path: Path) -> None:
    parts = corpus().parts
    backbone, model = build(corpus(), [of_survey(wordy(80))], WANTED)
    batcher = Batcher(backbone.tokenizer, model.config)
    plan = states.planned([batcher], parts)
    known = states.read_states(model, plan, tmp_path, False)
    passages = batcher.plan(parts[0].questions[:5])[0]
    with torch.no_grad():
        live = model.states(**batcher.tensors(batcher.write(passages)).inputs)
    torch.testing.assert_close(known.of(passages), live, atol=1e-5, rtol=1e-4)
    assert known.of([replace(passages[0], parts=())]) is None


def test_what_lies_there_is_not_read_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    parts = corpus().parts
    backbone, model = build(corpus(), [of_survey(wordy(80))], WANTED)
    plan = states.planned([Batcher(backbone.tokenizer, model.config)], parts)
    monkeypatch.setattr(states, "TOKENS", 100)
    monkeypatch.setattr(states, "KEPT_EVERY", 1)
    heard: list[int] = []

    def stop(done: int, total: int) -> None:
        heard.append(done)
        if len(heard) == 3:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        states.read_states(model, plan, tmp_path, False, stop)
    again: list[int] = []
    found = states.read_states(model, plan, tmp_path, False, lambda done, total: again.append(done))
    whole = states.read_states(model, plan, tmp_path / "other", False)
    assert again[0] == heard[2]
    assert torch.equal(found.values, whole.values)
    (tmp_path / states.FILE).write_bytes(b"half")
    with pytest.raises(ModelError, match="cannot be read"):
        states.read_states(model, plan, tmp_path, False)


def test_heads_trained_on_kept_states_go_on_to_the_same_bytes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    sets = [of_survey(wordy(80)), of_survey(wordy(80, seed=1, name="other"))]
    train_reader(sets, tmp_path / "whole", WANTED)
    monkeypatch.setattr(trainer, "CHECKPOINT_S", 0.0)

    def told(done: int, total: int, loss: float) -> None:
        if done == 7:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        train_reader(sets, tmp_path / "cut", WANTED, told=told)
    monkeypatch.setattr(trainer, "CHECKPOINT_S", 60.0)
    train_reader(sets, tmp_path / "cut", WANTED, resume=True)
    for name in ("model.safetensors", "report.json"):
        assert (tmp_path / "cut" / name).read_bytes() == (tmp_path / "whole" / name).read_bytes()


def test_a_training_does_not_go_on_with_other_weights(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def told(done: int, total: int, loss: float) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        train_reader([of_survey(wordy(80))], tmp_path / "cut", WANTED, told=told)
    load = backbones.load_backbone
    other = lambda *given: replace(load(*given), fingerprint="other")  # noqa: E731
    monkeypatch.setattr(backbones, "load_backbone", other)
    with pytest.raises(ConfigError, match="other"):
        train_reader([of_survey(wordy(80))], tmp_path / "cut", WANTED, resume=True)


def test_states_of_other_passages_are_refused(tmp_path: Path) -> None:
    states._save(tmp_path / states.FILE, torch.zeros(2, 3), "one")
    with pytest.raises(ModelError, match="other passages"):
        states._load(tmp_path / states.FILE, "two")
