"""Settings of a model that reads questions. Imports transformers: import this module where it is used."""

from __future__ import annotations

import re
from typing import Any, ClassVar

from indexing.torchcpu import allow_cpu_torch
from prefs.errors import ConfigError, ModelError
from prefs.questions import KINDS

allow_cpu_torch()

from transformers import PretrainedConfig  # noqa: E402

TUNES = ("full", "lora", "heads")
READS = ("encoder", "causal")
POOLED = re.compile(r"(mean|last) \d{1,3}")
MOST_TOKENS = 8192
BENDS = 3  # shapes of thresholds: polynomials of degree 2, 3 and 4


class PreferenceConfig(PretrainedConfig):
    """What a PreferenceVLM is made of.

    backbone: name or folder of the language model; "tiny" is made from `body` alone. body: the backbone's
    own configuration, which rebuilds it. fingerprint: sha256 of its weights before tuning, "" where it had
    none. reads: "encoder" (token states are averaged) or "causal" (the last token's state is taken).
    dim: taste coordinates d. tune: what is trained: "full" (all but word embeddings), "lora" or "heads".
    words: whether word embeddings are trained too. rank: of LoRA. max_tokens: of a passage.
    encoder, width: name and length of the vectors of pictures that it reads; "" and 0 without pictures.
    picture_tokens: tokens that a picture becomes. picture_layers: of the projector. kept: which tensors
    a folder holds, "all", or "tuned" where the rest is taken from the backbone again.
    pooled: states that make up what the heads see, each "mean LAYER" or "last LAYER" of the backbone's
    hidden layers; without, the last layer by `reads`. frame: texts before and after a passage of a causal
    model. signs: pairs of a direction and a sign that taste is made of (`vlm.heads`), 0 for a linear map.
    inner: width of what reads the signs. dropout: of what the heads see, in training.
    """

    model_type: ClassVar[str] = "kallisti-preference"

    backbone: str = "tiny"
    body: dict[str, Any] | None = None
    fingerprint: str = ""
    reads: str = "encoder"
    dim: int = 32
    tune: str = "full"
    words: bool = False
    rank: int = 16
    max_tokens: int = 192
    encoder: str = ""
    width: int = 0
    picture_tokens: int = 1
    picture_layers: int = 2
    kinds: list[str] | None = None
    kept: str = "all"
    pooled: list[str] | None = None
    frame: list[str] | None = None
    signs: int = 0
    inner: int = 64
    dropout: float = 0.0

    def __post_init__(self, **kwargs: Any) -> None:
        self.kinds = list(KINDS) if self.kinds is None else list(self.kinds)
        super().__post_init__(**kwargs)

    @property
    def positions(self) -> int:
        """The most tokens that a passage may have: those that the backbone has positions for."""
        known = (self.body or {}).get("max_position_embeddings")
        return min(MOST_TOKENS, known) if isinstance(known, int) else MOST_TOKENS

    def check(self) -> None:
        """Raises ConfigError for a setting that is out of range, ModelError for one of another version."""
        rules = (
            (self.reads in READS, f"reads {self.reads!r}: allowed are {', '.join(READS)}"),
            (self.tune in TUNES, f"tune {self.tune!r}: allowed are {', '.join(TUNES)}"),
            (1 <= self.dim <= 512, f"dim {self.dim}: allowed are 1 to 512 taste coordinates"),
            (1 <= self.rank <= 512, f"rank {self.rank}: allowed is 1 to 512"),
            (
                16 <= self.max_tokens <= self.positions,
                f"max_tokens {self.max_tokens}: allowed are 16 to {self.positions}",
            ),
            (1 <= self.picture_tokens <= 4, f"picture_tokens {self.picture_tokens}: allowed are 1 to 4"),
            (self.picture_layers in (1, 2), f"picture_layers {self.picture_layers}: allowed are 1 and 2"),
            ((self.width > 0) == bool(self.encoder), f"encoder {self.encoder!r} of width {self.width}"),
            (
                self.frame is None or len(self.frame) == 2,
                f"frame {self.frame}: give the texts before and after",
            ),
            (0 <= self.signs <= self.dim, f"signs {self.signs}: allowed are 0 to dim, {self.dim}"),
            (
                not self.signs or self.dim % self.signs == 0,
                f"signs {self.signs}: they must divide {self.dim}",
            ),
            (1 <= self.inner <= 8192, f"inner {self.inner}: allowed are 1 to 8192"),
            (0.0 <= self.dropout < 1.0, f"dropout {self.dropout}: allowed are 0 to 1, without 1"),
            (all(map(POOLED.fullmatch, self.pooled or ())), f"pooled {self.pooled}: e.g. mean 6 or last 22"),
        )
        for holds, problem in rules:
            if not holds:
                raise ConfigError(f"the reading model has {problem}")
        if self.kinds != list(KINDS):
            raise ModelError(
                f"a reading model of the kinds {self.kinds}, expected {list(KINDS)}: train it again"
            )
        if not self.body:
            raise ModelError("a reading model without the configuration of its backbone: train it again")
