from __future__ import annotations

import json
import logging
from pathlib import Path
from shutil import rmtree

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file

from prefs.bank import ItemBank
from prefs.errors import ConfigError, ModelError, QuestionError
from prefs.files import write_manifest
from prefs.questions import Option, Question
from prefs.transcripts import Turn
from vlm.interviewer import Interviewer, parsed
from vlm.interviewer_files import FORMAT, check_place, load_causal, open_interviewer, save_interviewer
from vlm.interviewer_text import chat, encode, question_text, tokens

LABELS = ("No", "Rather no", "Yes")
THINGS = ("sing", "dance", "swim", "sing songs", "paint", "read a book")
PAIR = Question("pair", "pair", "Prettier?", (Option("![a](item:p1)"), Option("![b](item:p2)")), "bank")
BANK = ItemBank(
    "bank",
    (
        *(
            Question(f"q{row}", "choice", f"Do you {thing}?", tuple(map(Option, LABELS)), "bank")
            for row, thing in enumerate(THINGS)
        ),
        PAIR,
    ),
)


def turn(question: Question, answer: int = 0) -> Turn:
    options = tuple(option.markdown for option in question.options)
    return Turn(question.question_id, question.markdown, options, answer)


@pytest.fixture(scope="module")
def asker() -> Interviewer:
    model, tokenizer = load_causal("tiny", [one.markdown for one in BANK.questions] + list(LABELS))
    return Interviewer(model.eval(), tokenizer, most=200)


def plain(asker: Interviewer, dialogue: list[Turn], question: Question, left: list[Question]) -> float:
    """Log probability of a question among those left, by whole passes of the model without a cache."""
    before = dialogue[-1].options if dialogue else ()

    def written(one: Question) -> list[int]:
        return tokens(asker.tokenizer, question_text(one.markdown, [o.markdown for o in one.options], before))

    ids, sequence = list(encode(asker.tokenizer, chat(dialogue)).ids), written(question)
    others, total = [written(one) for one in left], 0.0
    for place, token in enumerate(sequence):
        ahead = sorted({one[place] for one in others if one[:place] == sequence[:place]})
        with torch.inference_mode():
            out = asker.model(input_ids=torch.tensor([[*ids, *sequence[:place]]]))
        scores = out.logits[0, -1, ahead].log_softmax(0)
        total += float(scores[ahead.index(token)])
    return total


def test_asks_the_most_probable_question_that_is_left_until_none_is(asker: Interviewer) -> None:
    dialogue: list[Turn] = []
    for _ in BANK.questions:
        asked = {one.question_id for one in dialogue}
        left = [one for one in BANK.questions if one.question_id not in asked]
        values = {one.question_id: plain(asker, dialogue, one, left) for one in left}
        found = asker.pick(dialogue, BANK)
        assert found is not None
        assert found.exact
        chosen = BANK.questions[found.row]
        assert chosen.question_id == max(values, key=lambda name: values[name])
        assert found.log_p == pytest.approx(values[chosen.question_id], abs=1e-4)
        dialogue.append(turn(chosen, len(dialogue) % 2))
    assert asker.next_question(dialogue, BANK) is None


def test_what_was_read_is_kept_and_another_dialogue_starts_anew(asker: Interviewer) -> None:
    dialogue = [turn(BANK["q0"], 2)]
    asker.pick(dialogue, BANK)
    read = len(asker._read)
    lengths: list[int] = []
    forward = asker.model.forward

    def counting(input_ids: torch.Tensor, **rest: object) -> object:
        lengths.append(input_ids.shape[1])
        return forward(input_ids=input_ids, **rest)

    asker.model.forward = counting
    try:
        asker.pick([*dialogue, turn(BANK["q1"], 1)], BANK)
    finally:
        del asker.model.forward
    assert sum(lengths[:1]) < read  # the new turn only, not the dialogue
    alone = asker.pick([turn(BANK["q3"], 0)], BANK)
    fresh = Interviewer(asker.model, asker.tokenizer, most=200).pick([turn(BANK["q3"], 0)], BANK)
    assert alone is not None
    assert fresh is not None
    assert (alone.row, alone.log_p) == (fresh.row, pytest.approx(fresh.log_p, abs=1e-4))


def test_what_is_known_is_context_and_not_asked(asker: Interviewer) -> None:
    known = {f"q{row}": "Yes" for row in range(5)} | {"bank/pair": 0}
    found = asker.next_question([], BANK, known)
    assert found is not None
    assert found.question_id == "q5"
    values = {
        about: asker.pick([], BANK, about) for about in (None, "She sings every day.", "He never dances.")
    }
    assert len({one.log_p for one in values.values() if one}) == 3


@pytest.mark.parametrize(("answer", "said"), [(3, "answer 3"), ("Perhaps", "'Perhaps'")])
def test_an_answer_that_the_question_does_not_have(asker: Interviewer, answer: int | str, said: str) -> None:
    with pytest.raises(QuestionError, match=said):
        asker.next_question([], BANK, {"q0": answer})


def test_writes_freely_what_was_learned() -> None:
    model, tokenizer = load_causal("tiny", [one.markdown for one in BANK.questions] + list(LABELS))
    dialogue = [turn(BANK["q0"], 2), turn(BANK["q4"], 0)]
    found = encode(tokenizer, chat(dialogue))
    ids = torch.tensor([found.ids])
    optimizer = torch.optim.Adam(model.parameters(), lr=5e-3)
    for _ in range(60):
        loss = model(input_ids=ids, labels=ids).loss
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    asker = Interviewer(model.eval(), tokenizer)
    first = asker.next_question([])
    assert first is not None
    assert (first.markdown, [one.markdown for one in first.options]) == ("Do you sing?", list(LABELS))
    second = asker.next_question(dialogue[:1])
    assert second is not None
    assert second.markdown == "Do you paint?"
    assert [one.markdown for one in second.options] == list(LABELS)  # those of the question before
    assert (second.source, second.question_id) == ("interviewer", "free:1")


def test_what_is_no_question_is_an_error() -> None:
    with pytest.raises(QuestionError, match="no question with two options"):
        parsed("Do you sing?", (), "free:0")
    with pytest.raises(QuestionError, match="no question"):
        parsed("- a\n- b", (), "free:0")
    assert [one.markdown for one in parsed("Sing?\n- a\n- b", LABELS, "free:0").options] == ["a", "b"]


def test_a_long_dialogue_loses_its_first_turns_and_says_so(
    asker: Interviewer, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(asker.model.config, "max_position_embeddings", 300)
    dialogue = [turn(BANK["q1"], row % 3) for row in range(30)]
    with caplog.at_level(logging.WARNING):
        found = asker.pick(dialogue, BANK)
    assert found is not None
    assert "turns are left out" in caplog.text
    with pytest.raises(ModelError, match="shorten it"):
        asker.pick([], BANK, "word " * 700)


def test_a_folder_opens_to_the_same_interviewer(asker: Interviewer, tmp_path: Path) -> None:
    save_interviewer(tmp_path / "asker", {"steps": 1}, (asker.model, asker.tokenizer))
    again = Interviewer.open(tmp_path / "asker")
    assert again.head is None
    one, other = asker.pick([turn(BANK["q2"], 1)], BANK), again.pick([turn(BANK["q2"], 1)], BANK)
    assert one is not None
    assert other is not None
    assert (one.row, one.log_p) == (other.row, pytest.approx(other.log_p, abs=1e-5))
    assert json.loads((tmp_path / "asker" / "interviewer.json").read_text()) == {"steps": 1}
    check_place(tmp_path / "asker")
    save_interviewer(tmp_path / "asker", {"steps": 2}, (asker.model, asker.tokenizer))
    assert sorted(path.name for path in tmp_path.iterdir() if path.name.startswith(".")) == []


def test_what_is_damaged_or_foreign_is_refused(asker: Interviewer, tmp_path: Path) -> None:
    folder = tmp_path / "asker"
    save_interviewer(folder, {}, (asker.model, asker.tokenizer))
    weights = folder / "model.safetensors"
    weights.write_bytes(weights.read_bytes()[:-1] + b"x")
    with pytest.raises(ModelError, match="damaged"):
        open_interviewer(folder)
    save_interviewer(tmp_path / "head", {})
    with pytest.raises(ModelError, match="policy head alone"):
        open_interviewer(tmp_path / "head")
    (tmp_path / "pickled").mkdir()
    (tmp_path / "pickled" / "config.json").write_text('{"model_type": "llama"}')
    (tmp_path / "pickled" / "pytorch_model.bin").write_bytes(b"\x80")
    with pytest.raises(ModelError, match="pickled weights"):
        load_causal(str(tmp_path / "pickled"))
    with pytest.raises(ModelError, match="no causal language model"):
        load_causal("no-such-model-anywhere")
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / "notes.txt").write_text("mine")
    with pytest.raises(ConfigError, match="something else"):
        check_place(tmp_path / "other")


def test_a_model_that_lacks_weights_is_refused_and_not_filled_at_random(
    asker: Interviewer, tmp_path: Path
) -> None:
    folder = tmp_path / "asker"
    save_interviewer(folder, {}, (asker.model, asker.tokenizer))
    tensors = load_file(folder / "model.safetensors")
    del tensors["model.layers.0.mlp.down_proj.weight"]
    save_file(tensors, folder / "model.safetensors", {"format": "pt"})
    write_manifest(folder, {"format": FORMAT})
    with pytest.raises(ModelError, match=r"lacks 1 weights .*down_proj"):
        open_interviewer(folder)


def test_a_tokenizer_that_is_absent_is_not_looked_for_elsewhere(asker: Interviewer, tmp_path: Path) -> None:
    folder = tmp_path / "asker"
    save_interviewer(folder, {}, (asker.model, asker.tokenizer))
    rmtree(folder / "tokenizer")
    write_manifest(folder, {"format": FORMAT})
    with pytest.raises(ModelError, match="lacks its folder tokenizer"):
        open_interviewer(folder)


def test_weights_that_are_not_finite_are_not_written(asker: Interviewer, tmp_path: Path) -> None:
    model, tokenizer = load_causal("tiny", ["a"])
    with torch.no_grad():
        next(model.parameters())[0, 0] = np.nan
    with pytest.raises(ModelError, match="not finite"):
        save_interviewer(tmp_path / "asker", {}, (model, tokenizer))
    assert not (tmp_path / "asker").exists()


def test_the_first_layers_alone(asker: Interviewer, tmp_path: Path) -> None:
    save_interviewer(tmp_path / "asker", {}, (asker.model, asker.tokenizer))
    (tmp_path / "asker" / "tokenizer" / "tokenizer.json").rename(tmp_path / "asker" / "tokenizer.json")
    (tmp_path / "asker" / "tokenizer" / "tokenizer_config.json").rename(
        tmp_path / "asker" / "tokenizer_config.json"
    )
    model, _ = load_causal(str(tmp_path / "asker"), layers=1)
    assert len(model.model.layers) == model.config.num_hidden_layers == 1
    assert torch.isfinite(model(input_ids=torch.tensor([[1, 2]])).logits).all()
    with pytest.raises(ConfigError, match="has 2"):
        load_causal(str(tmp_path / "asker"), layers=3)
    with pytest.raises(ConfigError, match="layers 9: backbone 'tiny' has 2"):
        load_causal("tiny", ["a"], layers=9)
