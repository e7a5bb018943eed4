"""The loop of a training: steps, validations, and a state from which it goes on the same.

A step is a pure function of the state and the step's number: what is drawn, and what is dropped out, are
seeded by it. On one processor a training that was cut off and went on is the same to the bit.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from prefs.errors import ModelError
from prefs.questions import Question
from training.rater_id import state
from training.rater_id.corpus import Part
from training.rater_id.drawing import Draw, draw, shares
from training.rater_id.exam import Exam, Figures, agreement, exams, mean, real_and_predicted
from training.rater_id.losses import (
    Belief,
    answer_loss,
    calibrated,
    identity_loss,
    marginals_loss,
    moments_loss,
    predicted_correlations,
    transcript_scores,
)
from training.rater_id.recipe import Recipe
from training.rater_id.states import Reading, States, planned, read_states, standard
from vlm.assemble import assemble
from vlm.posterior import posterior

if TYPE_CHECKING:
    import torch
    from torch import Tensor

    from vlm.batch import Batcher
    from vlm.model import PreferenceVLM

CHECKPOINT_S = 60.0  # seconds of work that a cut may cost
FEW = 50  # raters whose shares of answers do not tell an option's popularity
READ_AT_ONCE = 64  # questions of an exam
MEMORY = 0.97  # of the running mean of the loss
Told = Callable[[int, int, float], None]  # steps done, of how many, running mean of the loss
Judged = Callable[[int, Figures], None]
Logged = Callable[[int, dict[str, float]], None]


class Diverged(ModelError):
    """A training whose loss or gradient is no number any more."""


class Trainer:
    """A training of a model on the parts of a corpus; batchers: one for each part, with its pictures."""

    def __init__(
        self,
        model: PreferenceVLM,
        batchers: Sequence[Batcher],
        parts: Sequence[Part],
        recipe: Recipe,
        device: torch.device,
        bf16: bool = False,
    ) -> None:
        model.to(device)  # type: ignore[arg-type]  # transformers wraps it without its types
        self.model, self.batchers, self.parts, self.recipe = model, batchers, parts, recipe
        self.device, self.bf16 = device, bf16
        self.exams = exams(parts, recipe)
        self.known: States | None = None
        self.done = state.Progressed()
        self.parameters = {n: p for n, p in sorted(model.named_parameters()) if p.requires_grad}
        self.optimiser = _adamw(self._groups())
        self._start_moments()

    def run(
        self,
        folder: Path,
        told: Told | None = None,
        judged: Judged | None = None,
        log: Logged | None = None,
        told_reading: Reading | None = None,
    ) -> None:
        """Steps on to the end from what lies in the folder, and takes the best step's parameters.

        Raises:
            Diverged: the loss is no number any more. ModelError: what was kept is damaged.
        """
        self.prepare(folder, told_reading)
        self.resume(folder)
        saved = time.monotonic()
        for step in range(self.done.step, self.recipe.steps):
            figures = self.step(step)
            if log:
                log(step + 1, figures)
            if told:
                told(step + 1, self.recipe.steps, self.done.loss or 0.0)
            last = step + 1 == self.recipe.steps
            if last or (step + 1) % self.recipe.every == 0:
                self._judge(folder, judged, log)
            elif time.monotonic() - saved < CHECKPOINT_S:
                continue
            state.save_state(folder, self._tensors(), self.done)
            saved = time.monotonic()
        if self.done.best is not None:
            state.load_best(folder, self._own(), self.done.best)

    def prepare(self, folder: Path, told: Reading | None = None) -> None:
        """Reads what does not change in this training once, and takes the heads' standard from it."""
        if not self.model.config.signs and self.model.config.tune != "heads":
            return
        plan = planned(self.batchers, self.parts)
        known = read_states(self.model, plan, folder, self.bf16, told) if plan else None
        if self.model.config.signs:
            values = standard(self.model, known, self.parts, self.batchers, self.bf16)
            self.model.heads.start(values.to(self.device))
        if self.model.config.tune == "heads":
            self.known = known

    def resume(self, folder: Path) -> None:
        """Takes over the state that lies in the folder, if one does. Raises ModelError: it is damaged."""
        found = state.load_state(folder, self._tensors())
        if found is not None:
            self.done = found

    def step(self, number: int) -> dict[str, float]:
        """Learns from what step `number` draws; returns the losses by name.

        Raises:
            Diverged: the loss or its gradient is no number.
        """
        import torch

        draws = [
            draw(self.parts, self.recipe, number * self.recipe.sets + i) for i in range(self.recipe.sets)
        ]
        with torch.random.fork_rng(devices=[self.device] if self.device.type == "cuda" else []):
            torch.manual_seed(_seed(self.recipe.seed, number))
            self.model.train()
            losses = _together([self.losses(drawn) for drawn in draws])
            loss = torch.stack([getattr(self.recipe, name) * one for name, one in losses.items()]).sum()
            figures = {name: float(value.detach()) for name, value in {**losses, "loss": loss}.items()}
            if not np.isfinite(figures["loss"]):
                raise _diverged(number, f"a loss of {figures['loss']}")
            self.optimiser.zero_grad(set_to_none=True)
            loss.backward()  # type: ignore[no-untyped-call]
        norm = torch.nn.utils.clip_grad_norm_(self.parameters.values(), self.recipe.clip)
        if not torch.isfinite(norm):
            raise _diverged(number, f"a gradient of size {float(norm)}")
        self._pace(number)
        self.optimiser.step()
        before = self.done.loss
        self.done.loss = (
            figures["loss"] if before is None else MEMORY * before + (1 - MEMORY) * figures["loss"]
        )
        self.done.step = number + 1
        return figures

    def losses(self, drawn: Draw) -> dict[str, Tensor]:
        """The losses on what was drawn by name, each 0 where its weight is."""
        recipe, part = self.recipe, self.parts[drawn.part]
        phi, g = self.vectors(drawn.part, drawn.questions)
        answers, context = self._given(drawn.answers), self._given(drawn.context)
        nothing = phi.sum() * 0.0
        found = dict.fromkeys(("answers", "identity", "moments", "marginals"), nothing)
        said = self._given(part.shares[drawn.columns][:, : g.shape[1]])
        if recipe.marginals:
            found["marginals"] = marginals_loss(phi, g, said)
        g = self._popularity(drawn.part, phi, g, said)
        if recipe.answers:
            belief = self._belief(phi, g, answers, context)
            noise = drawn.rng.standard_normal((recipe.draws, len(answers), phi.shape[2]), dtype=np.float32)
            asked = (answers >= 0) & ~context
            found["answers"] = answer_loss(phi, g, belief, answers, asked, self._given(noise), recipe.lapse)
        if recipe.identity:
            others = self._belief(phi, g, answers, ~context).mean
            scores = transcript_scores(phi, g, others, answers, context, recipe.id_lapse)
            found["identity"] = identity_loss(scores)
        if recipe.moments:
            found["moments"] = moments_loss(
                predicted_correlations(phi, g),
                self._given(part.correlations(drawn.columns)),
                self._given(part.together(drawn.columns, drawn.columns)),
                recipe.joint,
            )
        return found

    def _popularity(self, part: int, phi: Tensor, g: Tensor, shares: Tensor) -> Tensor:
        """(Q, K) the popularity of options by the recipe; of few people's shares it cannot be told."""
        few = len(self.parts[part].learners) < FEW
        return g if few or self.recipe.popularity == "text" else calibrated(phi, g, shares)

    def vectors(self, part: int, questions: Sequence[Question]) -> tuple[Tensor, Tensor]:
        """phi (Q, K, 2 + d) and g (Q, K) of some questions of a part, in float32."""
        import torch

        if self.known is not None:
            passages, layout = self.batchers[part].plan(questions)
            seen = self.known.of(passages)
            if seen is not None:
                phi, g = assemble(layout, self.model.heads(seen.to(self.device)), self.model)
                return phi.float(), g.float()
        batch = self.batchers[part].batch(questions).to(self.device)
        with torch.autocast(self.device.type, torch.bfloat16, enabled=self.bf16):
            read = self.model(**batch.inputs)
        phi, g = assemble(batch.layout, read, self.model)
        return phi.float(), g.float()

    def judge(self) -> Figures:
        """How the model does in the exams as it is."""
        import torch

        self.model.train(False)
        with torch.no_grad():
            found = [self._examined(exam) for exam in self.exams]
        weight = [float(shares(self.parts)[exam.part]) for exam in self.exams]
        pairs = [one.pop("pairs") for one in found]
        means = {
            name: mean([one[name] for one in found], weight)
            for name in ("answers", "generic", "marginals", "identity", "moments")
        }
        rs = [agreement(one) for one in pairs]
        together = np.concatenate([np.zeros((2, 0), np.float32), *pairs], axis=1)
        return Figures(
            **means,
            correlation=agreement(together),
            by_part=mean(rs, [1.0] * len(rs)),
            pairs=together.shape[1],
        )

    def _judge(self, folder: Path, judged: Judged | None, log: Logged | None) -> None:
        """A validation: its figures join the curve, and the parameters are kept where they are the best."""
        figures = self.judge()
        score = figures.score(self.recipe)
        scores = [one["score"] for one in self.done.curve if one["score"] is not None]
        best = score is not None and all(score > other for other in scores)
        self.done.curve.append({"step": self.done.step, **figures.as_json(), "score": score})
        if best:
            self.done.best = self.done.step
            state.save_best(folder, self._own(), self.done.step)
        if judged:
            judged(self.done.step, figures)
        if log:
            known = {name: value for name, value in figures.as_json().items() if value is not None}
            log(self.done.step, {f"validation/{name}": float(value) for name, value in known.items()})

    def _examined(self, exam: Exam) -> dict[str, Any]:
        """The figures of one exam."""
        import torch

        recipe = self.recipe
        phi, g = self._twice(exam.part, (*exam.known, *exam.judged))
        known, said = len(exam.known), self._given(exam.shares[:, : g.shape[1]])
        marginals = float(marginals_loss(phi[known:], g[known:], said[known:]))
        g = self._popularity(exam.part, phi, g, said)
        predicted = predicted_correlations(phi[known:], g[known:])
        real, together = self._given(exam.empirical), self._given(exam.together)
        tells = torch.isfinite(real) & (together >= recipe.joint)
        found: dict[str, Any] = dict.fromkeys(("answers", "generic", "identity", "moments"))
        found["marginals"] = marginals
        found["pairs"] = real_and_predicted(exam, predicted.cpu().numpy())
        if bool(tells.sum() > len(real)):
            found["moments"] = float(moments_loss(predicted, real, together, recipe.joint))
        if not len(exam.answers):
            return found
        answers = self._given(exam.answers)
        context = torch.arange(answers.shape[1], device=self.device).expand(answers.shape) < known
        rng = np.random.default_rng([recipe.seed, exam.part])
        noise = self._given(rng.standard_normal((recipe.draws, len(answers), phi.shape[2]), dtype=np.float32))
        asked = (answers >= 0) & ~context
        for name, told in (("answers", context), ("generic", torch.zeros_like(context))):
            belief = self._belief(phi, g, answers, told)
            found[name] = float(answer_loss(phi, g, belief, answers, asked, noise, recipe.lapse))
        others = self._belief(phi, g, answers, context).mean
        found["identity"] = float(
            identity_loss(transcript_scores(phi, g, others, answers, asked, recipe.id_lapse))
        )
        return found

    def _twice(self, part: int, columns: Sequence[int]) -> tuple[Tensor, Tensor]:
        """phi and g of questions of a part: the mean of what is read with and without their lead-ins."""
        own = self.parts[part]
        phi, g = self._all(part, [own.questions[column] for column in columns])
        if all(own.plain[column] == own.questions[column] for column in columns):
            return phi, g
        plain_phi, plain_g = self._all(part, [own.plain[column] for column in columns])
        return (phi + plain_phi) / 2, (g + plain_g) / 2

    def _all(self, part: int, questions: Sequence[Question]) -> tuple[Tensor, Tensor]:
        """As `vectors`, a few questions at a time, padded to the longest."""
        import torch

        starts = range(0, len(questions), READ_AT_ONCE)
        read = [self.vectors(part, questions[start : start + READ_AT_ONCE]) for start in starts]
        most = max(g.shape[1] for _, g in read)
        pad = torch.nn.functional.pad
        phi = torch.cat([pad(one, (0, 0, 0, most - one.shape[1])) for one, _ in read])
        return phi, torch.cat([pad(g, (0, most - g.shape[1]), value=-torch.inf) for _, g in read])

    def _belief(self, phi: Tensor, g: Tensor, answers: Tensor, told: Tensor) -> Belief:
        """What is believed of each rater from the answers (R, Q) that are told (R, Q)."""
        import torch

        said = torch.where(told, answers, -1)
        try:
            return Belief(*posterior(phi, g, said, self.recipe.posterior_steps, self.recipe.lapse))
        except torch.linalg.LinAlgError as problem:  # type: ignore[attr-defined]
            raise _diverged(self.done.step, "vectors that allow no belief") from problem

    def _groups(self) -> list[dict[str, Any]]:
        """Parameters by their rate; only matrices decay."""
        groups = []
        for backbone, rate in ((True, self.recipe.rate), (False, self.recipe.head_rate)):
            for matrix in (True, False):
                chosen = [
                    one
                    for name, one in self.parameters.items()
                    if name.startswith("backbone.") == backbone and (one.ndim > 1) == matrix
                ]
                decay = self.recipe.weight_decay if matrix else 0.0
                groups.append({"params": chosen, "lr": rate, "full": rate, "weight_decay": decay})
        return [group for group in groups if group["params"]]

    def _pace(self, step: int) -> None:
        """Sets the rates: rising over the warmup, then falling in a line to the floor."""
        recipe = self.recipe
        rise = min(1.0, (step + 1) / max(recipe.warmup, 1))
        pace = rise * max(recipe.floor, 1.0 - step / recipe.steps)
        for group in self.optimiser.param_groups:
            group["lr"] = group["full"] * pace

    def _start_moments(self) -> None:
        """AdamW's memory, made now so that a kept one can be copied into it."""
        import torch

        for one in self.parameters.values():
            self.optimiser.state[one] = {
                "step": torch.zeros((), dtype=torch.float32),
                "exp_avg": torch.zeros_like(one),
                "exp_avg_sq": torch.zeros_like(one),
            }

    def _own(self) -> dict[str, Tensor]:
        """What is trained, by name."""
        return dict(self.parameters)

    def _tensors(self) -> dict[str, Tensor]:
        """Everything that a state consists of, by name."""
        found: dict[str, Tensor] = {}
        for name, one in self.parameters.items():
            found[f"parameter {name}"] = one
            for key, value in self.optimiser.state[one].items():
                found[f"{key} {name}"] = value
        return found

    def _given(self, values: NDArray[Any]) -> Tensor:
        import torch

        return torch.from_numpy(np.ascontiguousarray(values)).to(self.device)


def _together(losses: Sequence[dict[str, Tensor]]) -> dict[str, Tensor]:
    """The mean of each loss over the sets of a step."""
    import torch

    return {name: torch.stack([one[name] for one in losses]).mean() for name in losses[0]}


def _seed(seed: int, step: int) -> int:
    """A number for torch, different for every step."""
    return int(np.random.SeedSequence([seed, step]).generate_state(1)[0])


def _diverged(step: int, what: str) -> Diverged:
    return Diverged(
        f"the training diverged at step {step + 1}, with {what}: lower rate and head_rate in a --recipe"
    )


def _adamw(groups: list[dict[str, Any]]) -> torch.optim.AdamW:
    """The optimiser (Loshchilov and Hutter 2019)."""
    import torch

    return torch.optim.AdamW(groups, betas=(0.9, 0.999))
