"""What a trained interviewer's questions gain, against the planner's best and random ones, for new people.

python -m benchmarks.interviewer --bank DIR --model DIR [--interviewer DIR] [--head DIR] [--plans FILE]
    [--raters N] [--questions N] [--json FILE] [--table]

Test raters answer as they really did. Two gains are measured, in bits. `id`: the expected rise of log p(rater
ID), the answer unseen, among the raters who are not test raters, by the choice model, as `kallisti plan
--planner expected` computes it. `taste`: the information of the answer about the taste (`prefs.acquisition`),
by which the live planner asks. `head` sees the raters who may be answering, `head, belief` what a live
interview knows of somebody unknown; `order` asks in the order in which the training plans ask on average.
Each question is compared with the best possible in the same state, and each interview with the planner's own.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.interviews import header, row
from prefs.acquisition import eig
from prefs.bank import ItemBank
from prefs.errors import DataError
from prefs.files import write_json
from prefs.model import ChoiceModel, QuestionVectors
from prefs.space import Floats
from prefs.transcripts import Turn, read_transcripts
from training.banks import bank_of
from training.fitted import load_fitted
from training.hypotheses import Crowd, Rows
from training.interviewer.gains import Moments, Weighing, sequences
from training.interviewer.head import beliefs_of, described
from training.metrics import resamples
from training.plan import tastes_of
from training.splits import fold, raters_in
from vlm.asking_head import PolicyHead, State
from vlm.interviewer_files import HEAD

BITS = 1.0 / np.log(2.0)
SHOWN = (1, 2, 3, 5, 8, 10, 15, 20)
MANY = 10_000  # questions that the head scores for its timing
Choice = Callable[[Weighing, Rows, Floats], Rows]


@dataclass
class People:
    """R test raters with their answers (R, Q), and everything that questions are weighed with."""

    bank: ItemBank
    model: ChoiceModel
    vectors: QuestionVectors
    crowd: Crowd
    moments: Moments
    answers: Rows
    seconds: dict[str, list[float]] = field(default_factory=dict)

    def interview(self, choose: Choice, steps: int) -> dict[str, Floats]:
        """Gains in bits (R, T) of a policy: `id`, `taste`, and of the best in the same states, `*_best`."""
        count = len(self.answers)
        rows, known = np.arange(count), np.full_like(self.answers, -1)
        weighing = Weighing(self.crowd, count)
        found = {name: np.zeros((count, steps)) for name in ("id", "id_best", "taste", "taste_best")}
        for step in range(steps):
            free = (self.answers >= 0) & (known < 0)
            gains = np.where(free, weighing.gains(), -1.0) * BITS
            beliefs = beliefs_of(self.model, self.vectors, known)
            told = np.stack([eig(belief, self.vectors) for belief in beliefs])
            tastes = np.where(free, told, -1.0) * BITS
            asked = choose(weighing, known, gains)
            for name, values in (("id", gains), ("taste", tastes)):
                found[name][:, step] = values[rows, asked]
                found[f"{name}_best"][:, step] = values.max(1)
            known[rows, asked] = self.answers[rows, asked]
            weighing.hear(asked, self.answers[rows, asked])
        return found


def people(data: str, folder: Path, raters: int, steps: int, told: Callable[..., None]) -> People:
    """The first test raters in the order of a hash who answered half as many questions again as are asked."""
    bank, survey = bank_of(data)
    fitted = load_fitted(folder, bank)
    model = fitted.alone()
    vectors = fitted.source(model.space).all()
    held = raters_in(survey.raters, "test")
    others, test = survey.of_raters(~held), survey.of_raters(held)
    tastes = tastes_of(others, fitted, told)
    crowd = Crowd.of(tastes, vectors, np.arange(len(others.raters)))
    answers = test.table().astype(np.intp)
    order = sorted(range(len(answers)), key=lambda place: (fold(test.raters[place], 1 << 64), place))
    chosen = [place for place in order if (answers[place] >= 0).sum() >= 1.5 * steps][:raters]
    if len(chosen) < 2:
        raise DataError(f"{data} has {len(chosen)} test raters who answered enough: ask fewer questions")
    return People(bank, model, vectors, crowd, Moments(tastes), answers[chosen])


def policies(own: People, args: argparse.Namespace) -> dict[str, Choice]:
    """Everything that asks, by name."""
    rng = np.random.default_rng(0)
    found: dict[str, Choice] = {
        "planner": lambda weighing, known, gains: gains.argmax(1),
        "random": lambda weighing, known, gains: np.where(gains >= 0, rng.random(gains.shape), -1).argmax(1),
    }
    if args.plans:
        asked, _ = sequences(list(read_transcripts(args.plans)), dict(own.bank.rows))
        place = np.where(asked >= 0, 1.0 / (1 + np.arange(asked.shape[1])), 0.0)
        early = np.bincount(np.maximum(asked, 0).ravel(), place.ravel(), len(own.bank))
        found["order"] = lambda weighing, known, gains: np.where(gains >= 0, early, -1).argmax(1)
    if args.head:
        head = PolicyHead.load(args.head / HEAD)
        found["head"] = _by_head(own, head)
        found["head, belief"] = _by_belief(own, head)
    if args.interviewer:
        found["language model"] = _by_language(own, args.interviewer)
    return found


def _by_head(own: People, head: PolicyHead) -> Choice:
    def choose(weighing: Weighing, known: Rows, gains: Floats) -> Rows:
        states = own.moments.states(weighing, (known >= 0).sum(1))
        return np.where(gains >= 0, head.of_features(described(states, own.vectors)), -1.0).argmax(1)

    return choose


def _by_belief(own: People, head: PolicyHead) -> Choice:
    """The head as the live interview uses it, where nobody else is known."""

    def choose(weighing: Weighing, known: Rows, gains: Floats) -> Rows:
        states = [State.of(one, own.model.space.cov) for one in beliefs_of(own.model, own.vectors, known)]
        return np.where(gains >= 0, head.of_features(described(states, own.vectors)), -1.0).argmax(1)

    return choose


def _by_language(own: People, folder: Path) -> Choice:
    """Each rater has an interviewer's dialogue of his own, which goes on from step to step."""
    from dataclasses import replace

    from vlm.interviewer import Interviewer

    first = Interviewer.open(folder)
    askers = [replace(first, _cache=None, _read=[], _tries={}) for _ in own.answers]
    banks = [
        ItemBank(own.bank.name, tuple(q for q, a in zip(own.bank.questions, row, strict=True) if a >= 0))
        for row in own.answers
    ]
    turns: list[list[Turn]] = [[] for _ in own.answers]
    taken = own.seconds.setdefault("language model", [])

    def choose(weighing: Weighing, known: Rows, gains: Floats) -> Rows:
        found = []
        for rater, (asker, bank) in enumerate(zip(askers, banks, strict=True)):
            start = time.perf_counter()
            question = asker.next_question(turns[rater], bank)
            taken.append(time.perf_counter() - start)
            if question is None:
                raise DataError("an interview ran out of questions: ask fewer")
            place = own.bank.rows[question.question_id]
            options = tuple(option.markdown for option in question.options)
            said = int(own.answers[rater, place])
            turns[rater].append(Turn(question.question_id, question.markdown, options, said))
            found.append(place)
        return np.array(found)

    return choose


def summary(found: dict[str, Floats], planner: dict[str, Floats]) -> dict[str, Any]:
    """Means over raters by k, and shares of the planner's gain with 95 % intervals over raters."""
    values: dict[str, Any] = {}
    for name in ("id", "taste"):
        own, best, other = found[name], found[f"{name}_best"], planner[name]
        values[f"{name}_bits"] = _rounded(own.mean(0))
        values[f"{name}_best_bits"] = _rounded(best.mean(0))
        values[f"{name}_share"] = _share(own, best)
        values[f"{name}_share_by_k"] = _rounded(own.mean(0) / best.mean(0))
        values[f"{name}_share_of_planners_interview"] = _share(own, other)
    return values


def _share(own: Floats, best: Floats) -> list[float]:
    """Sum of gains as a share of others', with its 95 % interval."""
    weights = resamples(len(own))
    drawn = (weights @ own.sum(1)) / (weights @ best.sum(1))
    low, high = np.quantile(drawn, (0.025, 0.975))
    return [round(float(one), 4) for one in (own.sum() / best.sum(), low, high)]


def _rounded(values: Floats) -> list[float]:
    return [round(float(one), 4) for one in values]


def head_time(own: People, head: PolicyHead, raters: bool) -> float:
    """Milliseconds of one core from twenty answers to the scores of 10,000 questions, median of five.

    raters: whether the crowd is weighed, else the belief is inferred.
    """
    many = own.vectors[np.resize(np.arange(len(own.vectors)), MANY)]
    known = np.full((1, len(own.vectors)), -1)
    answered = np.flatnonzero(own.answers[0] >= 0)[:20]
    known[0, answered] = own.answers[0, answered]
    taken = []
    for _ in range(6):
        start = time.process_time()
        if raters:
            weighing = Weighing(own.crowd, 1)
            for question in answered:
                weighing.hear(np.array([question]), known[:, question])
            state = own.moments.states(weighing, np.array([len(answered)]))[0]
        else:
            state = State.of(beliefs_of(own.model, own.vectors, known)[0], own.model.space.cov)
        head.of_state(state, many)
        taken.append(1e3 * (time.process_time() - start))
    return float(np.median(taken[1:]))


def _head_times(own: People, folder: Path | None) -> dict[str, float]:
    if folder is None:
        return {}
    head = PolicyHead.load(folder / HEAD)
    return {"head": head_time(own, head, True), "head, belief": head_time(own, head, False)}


def table(found: dict[str, Any]) -> str:
    """The figures in Markdown."""
    shown = [k for k in SHOWN if k <= found["questions"]]
    lines = header("who asks", "gain", *(f"k = {k}" for k in shown), "same state", "own interview")
    for name, one in found["policies"].items():
        for gain in ("id", "taste"):
            by_k = [f"{one[f'{gain}_share_by_k'][k - 1]:.2f}" for k in shown]
            same, own = (one[f"{gain}_share{suffix}"] for suffix in ("", "_of_planners_interview"))
            both = [
                f"{100 * mean:.0f} % ({100 * low:.0f} to {100 * high:.0f})" for mean, low, high in (same, own)
            ]
            lines.append(row(name, gain, *by_k, *both))
    return "\n".join(lines)


def main(arguments: Sequence[str] | None = None) -> None:
    """Measures, prints and writes."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--bank", required=True, help="survey folder")
    parser.add_argument("--model", type=Path, required=True, help="choice model fitted with --split eval")
    parser.add_argument("--interviewer", type=Path, help="folder with a language model")
    parser.add_argument("--head", type=Path, help="folder with a policy head")
    parser.add_argument("--plans", type=Path, help="transcripts that were trained on, for a fixed order")
    parser.add_argument("--raters", type=int, default=40)
    parser.add_argument("--questions", type=int, default=20)
    parser.add_argument("--json", type=Path, help="file for all figures")
    parser.add_argument("--table", action="store_true", help="print Markdown")
    args = parser.parse_args(arguments)
    own = people(args.bank, args.model, args.raters, args.questions, lambda *_: None)
    gained = {name: own.interview(one, args.questions) for name, one in policies(own, args).items()}
    found: dict[str, Any] = {
        "name": "interviewer",
        "dataset": own.bank.name,
        "raters": len(own.answers),
        "hypotheses": len(own.crowd.rows),
        "questions": args.questions,
        "policies": {name: summary(one, gained["planner"]) for name, one in gained.items()},
        "head_ms_10000": _head_times(own, args.head),
        "seconds_per_question": {name: float(np.median(one)) for name, one in own.seconds.items()},
    }
    if args.json:
        write_json(args.json, found)
    print(table(found))
    for name, milliseconds in found["head_ms_10000"].items():
        print(f"\n{name}: {MANY:,} questions after twenty answers in {milliseconds:.0f} ms of one core")
    for name, seconds in found["seconds_per_question"].items():
        print(f"{name}: {seconds:.2f} s a question")


if __name__ == "__main__":
    main()
