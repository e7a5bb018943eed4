"""How a model that reads is trained, as one record of settings that can be written as JSON."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any, Literal, get_args

from prefs.errors import ConfigError

Precision = Literal["auto", "bf16", "float32"]
Keep = Literal["loss", "correlation", "gain", "last"]
Tune = Literal["full", "lora", "heads"]
Popularity = Literal["people", "text"]


@dataclass(frozen=True)
class Recipe:
    """Settings of a training; the same settings and data give the same model.

    seed: of everything random. steps: how many. questions, raters: most that a step takes. least: answers
    to the questions of a step that a rater needs to take part. sets: data sets that a step takes, each
    with so many questions and raters. rate, head_rate: largest step sizes of
    the backbone and of all else (AdamW). warmup: steps until they are reached; they fall to `floor` of
    it at the end. weight_decay: of AdamW. clip: largest norm of the gradient. answers, identity,
    moments: weights of the three losses. popularity: where that of options comes from in them; "people"
    takes it from the shares of answers, so that they teach tastes alone, and marginals weighs how well
    the text tells these shares. context: smallest and largest share of a rater's answers that are taken
    as known. posterior_steps: of the belief that the loss is differentiated through. lapse, id_lapse:
    share of answers given without looking, for answers and for identification. draws: tastes drawn from
    each belief. joint: answers in common below which a pair of questions tells nothing of its
    correlation. stripped: how often a question is read without its lead-in. precision: of the backbone;
    auto is bf16 where the processor has it. every: steps between validations. validation_questions,
    validation_raters: most of a part that a validation takes. keep: by which figure of it the kept step
    is chosen. size, tune, rank, max_tokens, signs, dropout: of the model, where they are not the
    preset's (None).

    Raises:
        ConfigError: a value that is not allowed.
    """

    seed: int = 0
    steps: int = 600
    questions: int = 96
    raters: int = 64
    sets: int = 4
    least: int = 4
    rate: float = 1e-4
    head_rate: float = 1e-3
    warmup: int = 40
    floor: float = 0.02
    weight_decay: float = 0.05
    clip: float = 1.0
    answers: float = 0.3
    identity: float = 0.1
    moments: float = 1.0
    popularity: Popularity = "people"
    marginals: float = 0.1
    context: tuple[float, float] = (0.3, 0.7)
    posterior_steps: int = 3
    lapse: float = 0.02
    id_lapse: float = 0.05
    draws: int = 4
    joint: int = 30
    stripped: float = 0.5
    precision: Precision = "auto"
    every: int = 100
    validation_questions: int = 48
    validation_raters: int = 128
    keep: Keep = "correlation"
    size: int | None = None
    signs: int | None = None
    dropout: float | None = None
    tune: Tune | None = None
    rank: int | None = None
    max_tokens: int | None = None

    def __post_init__(self) -> None:
        object.__setattr__(self, "context", tuple(self.context))
        for name, low, high in LIMITS:
            value = getattr(self, name)
            if value is None and name in OPTIONAL:
                continue
            whole = isinstance(value, int) and not isinstance(value, bool)
            if not (whole or (name not in INTEGERS and isinstance(value, float))) or not low <= value <= high:
                kind = "whole numbers" if name in INTEGERS else "numbers"
                raise ConfigError(f"recipe: {name} {value!r}: allowed are {kind} from {low:g} to {high:g}")
        tune = get_args(Tune)
        choices = (("precision", get_args(Precision)), ("keep", get_args(Keep)), ("tune", tune))
        for name, allowed in (*choices, ("popularity", get_args(Popularity))):
            value = getattr(self, name)
            if value not in allowed and not (value is None and name in OPTIONAL):
                raise ConfigError(f"recipe: {name} {value!r}: allowed are {', '.join(allowed)}")
        shares = self.context
        if len(shares) != 2 or not all(isinstance(share, int | float) for share in shares):
            raise ConfigError(f"recipe: context {list(shares)}: give the smallest and the largest share")
        if not 0.0 < shares[0] <= shares[1] < 1.0:
            raise ConfigError(
                f"recipe: context {list(shares)}: allowed are two rising shares between 0 and 1"
            )
        if not self.answers + self.identity + self.moments > 0:
            raise ConfigError("recipe: answers, identity and moments are all 0: nothing would be learned")

    def as_json(self) -> dict[str, Any]:
        """The settings as JSON values by name."""
        return json.loads(json.dumps(asdict(self)))  # type: ignore[no-any-return]

    @classmethod
    def from_json(cls, values: Mapping[str, Any]) -> Recipe:
        """Settings by name; what is not named keeps its default.

        Raises:
            ConfigError: a name that is no setting, or a value that is not allowed.
        """
        known = [field.name for field in fields(cls)]
        for name in values:
            if name not in known:
                raise ConfigError(f"recipe: {name!r} is no setting: allowed are {', '.join(known)}")
        context = values.get("context", cls.context)
        if not isinstance(context, list | tuple):
            raise ConfigError(
                f"recipe: context {context!r}: give the smallest and the largest share as a list"
            )
        return cls(**{**values, "context": tuple(context)})

    @classmethod
    def read(cls, path: Path) -> Recipe:
        """The settings in a JSON file.

        Raises:
            ConfigError: the file cannot be read or is no object, or as `from_json`.
        """
        try:
            values = json.loads(path.read_text(encoding="utf-8"))
        except (OSError, ValueError) as problem:
            raise ConfigError(f"--recipe {path} cannot be read ({problem}): give a JSON file") from problem
        if not isinstance(values, dict):
            raise ConfigError(f"--recipe {path} holds no JSON object: give setting -> value")
        return cls.from_json(values)


MANY = 1_000_000
LIMITS: tuple[tuple[str, float, float], ...] = (
    ("seed", 0, 2**31 - 1),
    ("steps", 1, 10 * MANY),
    ("questions", 2, MANY),
    ("raters", 2, MANY),
    ("sets", 1, 10_000),
    ("signs", 0, 512),
    ("dropout", 0.0, 0.99),
    ("least", 2, MANY),
    ("rate", 0.0, 1.0),
    ("head_rate", 0.0, 1.0),
    ("warmup", 0, MANY),
    ("floor", 0.0, 1.0),
    ("weight_decay", 0.0, 10.0),
    ("clip", 1e-6, 1e6),
    ("answers", 0.0, 1e6),
    ("identity", 0.0, 1e6),
    ("moments", 0.0, 1e6),
    ("marginals", 0.0, 1e6),
    ("posterior_steps", 1, 100),
    ("lapse", 0.0, 0.5),
    ("id_lapse", 0.0, 0.5),
    ("draws", 1, 10_000),
    ("joint", 2, MANY),
    ("stripped", 0.0, 1.0),
    ("every", 1, MANY),
    ("validation_questions", 2, MANY),
    ("validation_raters", 2, MANY),
    ("size", 1, 512),
    ("rank", 1, 512),
    ("max_tokens", 16, 8192),
)
INTEGERS = {
    *(
        "seed",
        "steps",
        "questions",
        "raters",
        "least",
        "warmup",
        "posterior_steps",
        "draws",
        "joint",
        "every",
    ),
    *("validation_questions", "validation_raters", "size", "rank", "max_tokens", "signs", "sets"),
}
OPTIONAL = {"size", "rank", "max_tokens", "tune", "signs", "dropout"}
