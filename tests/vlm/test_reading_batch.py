"""Tokens, pictures in their places, and what is shortened."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from prefs.errors import ConfigError, ModelError, QuestionError
from prefs.questions import pair
from tests.vlm.small import ENCODER, QUESTIONS, WIDTH, asked, causal, model, pictures
from vlm.backbones import load_backbone
from vlm.batch import SHORT_LABEL, SHORT_QUESTION, Batcher, Frame


@pytest.fixture(scope="module")
def made() -> Any:
    return model()


def words(tokenizer: Any, ids: list[int]) -> list[str]:
    return list(tokenizer.convert_ids_to_tokens(ids))


def test_a_passage_is_framed_as_an_encoder_knows_texts(made: Any) -> None:
    batch = Batcher(made[1], made[0].config).batch([QUESTIONS[2]])
    text = ["[CLS]", "is", "it", "raining", "?", "[SEP]", "y", "##e", "##s", "[SEP]", "n", "##o", "[SEP]"]
    assert words(made[1], batch.input_ids[0].tolist()) == text
    assert batch.attention_mask.all()
    assert batch.pictures is None


def test_a_causal_model_reads_lines_that_end(tmp_path: Any) -> None:
    tokenizer = load_backbone(str(causal(tmp_path / "lm"))).tokenizer
    frame = Frame.of(tokenizer, "causal")
    assert frame == Frame((), tuple(tokenizer.encode("\n")), (0,), 0)


def test_a_tokenizer_without_separators_is_refused() -> None:
    bare = SimpleNamespace(
        pad_token_id=None, cls_token_id=None, bos_token_id=None, sep_token_id=None, eos_token_id=None
    )
    with pytest.raises(ModelError, match="no tokens that start and separate"):
        Frame.of(bare, "encoder")


def test_pictures_stand_where_they_are_shown_and_each_passage_is_there_once(made: Any) -> None:
    shown = pictures()
    batch = Batcher(made[1], made[0].config, shown).batch(QUESTIONS)
    assert len(batch.input_ids) == 10  # 1 + 3 + 1 + 2 + 1 (y is read already) + 1 + 1
    assert batch.slots is not None
    assert batch.pictures is not None
    np.testing.assert_array_equal(batch.pictures, [shown[item] for item in "xyzxz"])
    rows = batch.layout.rows
    assert batch.slots[:, 0].tolist() == [*rows[3, :2], rows[4, 1], rows[5, 0], rows[6, 0]]
    ids = batch.input_ids[tuple(batch.slots.T)]
    assert (ids == made[1].pad_token_id).all()
    assert words(made[1], batch.input_ids[batch.slots[1, 0], : batch.slots[1, 1]].tolist())[-1] == "[SEP]"


def test_a_picture_may_be_several_tokens() -> None:
    made, tokenizer = model(picture_tokens=3)
    one, tokenizer_of_one = model()
    passage = [QUESTIONS[5]]
    long = Batcher(tokenizer, made.config, pictures()).batch(passage)
    short = Batcher(tokenizer_of_one, one.config, pictures()).batch(passage)
    assert long.input_ids.shape[1] == short.input_ids.shape[1] + 2


def test_the_middle_of_the_question_goes_and_the_labels_stay(made: Any) -> None:
    made[0].config.max_tokens = 20
    try:
        batcher = Batcher(made[1], made[0].config)
        long = asked("m", "rating", "is " * 30 + "raining", "it", "which", "party")
        batch = batcher.batch([long, QUESTIONS[1]])
    finally:
        made[0].config.max_tokens = 192
    read = words(made[1], batch.input_ids[0].tolist())
    assert len(read) == 20
    assert read == ["[CLS]", *["is"] * 13, "raining", "[SEP]", "it", "[SEP]", "party", "[SEP]"]
    assert batch.notices == {SHORT_QUESTION: 1}
    assert batcher.notices == {SHORT_QUESTION: 1}


def test_labels_that_leave_no_room_are_shortened_and_pictures_never(made: Any) -> None:
    made[0].config.max_tokens = 40
    try:
        batcher = Batcher(made[1], made[0].config, pictures())
        one = asked("n", "rating", "is " * 30 + "![](item:x)", "a " * 50, "b", "c " * 50)
        batch = batcher.batch([one])
    finally:
        made[0].config.max_tokens = 192
    read = words(made[1], batch.input_ids[0].tolist())
    assert len(read) <= 40
    assert batch.notices == {SHORT_LABEL: 1, SHORT_QUESTION: 1}
    assert batch.slots is not None
    assert len(batch.slots) == 1
    assert read[batch.slots[0, 1]] == "[PAD]"
    assert {"a", "c"} <= set(read)


def test_more_pictures_than_find_room_are_refused(made: Any) -> None:
    batcher = Batcher(made[1], made[0].config, pictures())
    with pytest.raises(QuestionError, match=r"question 'n' shows 600 pictures at once: allowed are 180"):
        batcher.batch([asked("n", "rating", "![](item:x) " * 600, "a", "b")])


def test_a_frame_that_leaves_no_room_is_refused() -> None:
    made, tokenizer = model(frame=["This is what somebody says about it", "in one word"], max_tokens=16)
    with pytest.raises(ConfigError, match=r"max_tokens 16, of which \d+ frame a passage"):
        Batcher(tokenizer, made.config)


def test_refuses_pictures_that_are_not_given(made: Any) -> None:
    with pytest.raises(QuestionError, match=r"shows picture 'q', which is not given: index its gallery"):
        Batcher(made[1], made[0].config, pictures()).batch([pair("x", "q", "gallery")])
    blind, tokenizer = model(width=0, encoder="")
    with pytest.raises(QuestionError, match=r"shows picture 'x', and the model was trained without"):
        Batcher(tokenizer, blind.config, pictures()).batch([QUESTIONS[3]])


def test_refuses_pictures_of_another_encoder(made: Any) -> None:
    class Named(dict[str, Any]):
        encoder = "other"

    with pytest.raises(ModelError, match=f"encoder 'other' for a model that reads those of '{ENCODER}'"):
        Batcher(made[1], made[0].config, Named(pictures()))
    wide = {item: np.zeros(WIDTH + 1, np.float32) for item in "xyz"}
    with pytest.raises(
        ModelError, match=rf"a vector of shape \({WIDTH + 1},\), the model reads \({WIDTH},\)"
    ):
        Batcher(made[1], made[0].config, wide).batch([QUESTIONS[3]])
