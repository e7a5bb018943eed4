"""Questions of every form, a reading model made in code, and a causal model in a folder."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from prefs.questions import Option, Question, pair
from vlm.backbones import load_backbone
from vlm.saved import make

WIDTH, ENCODER = 6, "colors"


def asked(number: str, kind: Any, text: str, *options: str) -> Question:
    return Question(number, kind, text, tuple(Option(one) for one in options), "bank")


QUESTIONS = (
    asked("a", "rating", "I am the life of the party.", "Not at all", "A little", "Quite", "Very much"),
    asked("b", "choice", "Which fruit?", "apple", "pear", "melon"),
    asked("c", "choice", "Is it raining?", "Yes", "No"),
    pair("x", "y", "gallery"),
    pair("y", "z", "gallery", tie=False),
    asked("f", "thumbs", "![](item:x)", "I like it", "I do not"),
    asked("g", "rating", "How pretty is this? ![](item:z)", "1", "2", "3", "4", "5"),
)


def pictures(seed: int = 0) -> dict[str, NDArray[np.float32]]:
    rng = np.random.default_rng(seed)
    return {item: rng.normal(size=WIDTH).astype(np.float32) for item in "xyz"}


def model(seed: int = 0, **settings: Any) -> tuple[Any, Any]:
    """A reading model whose every weight that training changes is random, and its tokenizer."""
    import torch

    torch.manual_seed(seed)
    backbone = load_backbone("tiny", [question.markdown for question in QUESTIONS])
    made = make(backbone, **{"dim": 5, "width": WIDTH, "encoder": ENCODER, **settings})
    shaken(made)
    return made.eval(), backbone.tokenizer


def shaken(made: Any) -> None:
    """Moves what training would change, so that nothing is at its start."""
    import torch

    with torch.no_grad():
        for parameter in made.parameters():
            if parameter.requires_grad:
                parameter.add_(0.1 * torch.randn_like(parameter))


def causal(folder: Path, seed: int = 0) -> Path:
    """A causal model of two small layers with random weights, as a folder of transformers."""
    import torch
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers
    from transformers import LlamaConfig, LlamaForCausalLM, PreTrainedTokenizerFast

    torch.manual_seed(seed)
    letters = sorted(pre_tokenizers.ByteLevel.alphabet())
    places = {token: place for place, token in enumerate(["<end>", *letters])}
    inner = Tokenizer(models.BPE(places, []))
    inner.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    inner.decoder = decoders.ByteLevel()
    PreTrainedTokenizerFast(tokenizer_object=inner, eos_token="<end>").save_pretrained(folder)
    config = LlamaConfig(
        vocab_size=len(places),
        hidden_size=16,
        intermediate_size=32,
        num_hidden_layers=2,
        num_attention_heads=2,
        num_key_value_heads=2,
        max_position_embeddings=256,
        eos_token_id=0,
        bos_token_id=None,
    )
    LlamaForCausalLM(config).save_pretrained(folder)
    return folder
