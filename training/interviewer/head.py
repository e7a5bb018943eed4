"""Trains the policy head: from the state of an interview and a question's vectors to the planner's gain.

What the head is shown of a state is the mean and the covariance of who of the crowd may be answering, and
the gain is the information about that. In a third of the interviews it is the belief about somebody unknown,
as in a live interview, and the gain is the information about the taste.

A third of the interviews are as planned, a third have other questions at random in between, a third are
random. The gains of all questions in all their states are what the head learns: squared error, and the cross
entropy between the shares that both give to the candidates (a list-wise loss, Cao et al. 2007).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from prefs.acquisition import eig
from prefs.batch import infer_many
from prefs.belief import Belief
from prefs.errors import ConfigError, DataError
from prefs.model import ChoiceModel, QuestionVectors
from prefs.space import Floats
from prefs.transcripts import Transcript
from training.fitted import FittedBank
from training.hypotheses import Crowd, Rows, answers_of
from training.interviewer.checks import SEEDS, check_numbers, check_whole
from training.interviewer.gains import Moments, Weighing, sequences
from training.plan import tastes_of
from training.surveys import MISSING, Survey
from vlm.asking_head import FEATURES, PolicyHead, Singles, State, features

Told = Callable[[str, int, int], None]
STAGE = "learning what questions tell"
WIDEST = 256  # questions of a state that are learned from
HELD = 0.2  # share of interviews that judge
ERROR_WEIGHT = 10.0
KINDS = 3  # of sequences of questions, and one interview in as many is of somebody unknown
DRAWS = 64


@dataclass(frozen=True)
class Settings:
    """How the head is trained.

    interviews: the most that are learned from, of every bank. hidden: units of a layer. temperature: in
    nats, of the shares that the list-wise loss compares, which counts `listwise` times.

    Raises:
        ConfigError: a value that is not allowed.
    """

    interviews: int = 300
    hidden: int = 32
    steps: int = 1500
    batch: int = 64
    rate: float = 3e-3
    temperature: float = 0.05
    listwise: float = 0.3
    seed: int = 0

    def __post_init__(self) -> None:
        check_whole(self, ("interviews", "hidden", "steps", "batch", "seed"), "policy head")
        check_numbers(self, ("rate", "temperature", "listwise"), "policy head")
        if not 0 <= self.seed < SEEDS:
            raise ConfigError(f"seed {self.seed} of the policy head: allowed are 0 to below {SEEDS}")
        for name in ("interviews", "hidden", "steps", "batch", "rate", "temperature"):
            if not getattr(self, name) > 0:
                raise ConfigError(f"{name} {getattr(self, name)} of the policy head: allowed is above 0")
        if self.interviews < 5:
            raise ConfigError(f"{self.interviews} interviews for the policy head: at least 5 are needed")


@dataclass(frozen=True)
class Subject:
    """A bank with its fitted model and the survey whose raters were planned, to learn from."""

    survey: Survey
    fitted: FittedBank


@dataclass(frozen=True)
class Lessons:
    """S states: features (S, N, F) of N questions, gains (S, N) in nats, open (S, N) which may be asked."""

    described: Singles
    gains: Singles
    open: NDArray[np.bool_]


def train_head(
    transcripts: Sequence[Transcript],
    subjects: Sequence[Subject],
    settings: Settings,
    told: Told | None = None,
) -> PolicyHead:
    """The head; a fifth of the interviews only judge it, and `about` tells how well it does on them.

    Raises:
        DataError: no interview of a rater of a subject.
    """
    tell: Told = told or (lambda stage, done, total: None)
    learned, judged = list[Lessons](), dict[str, list[Lessons]]()
    for subject in subjects:
        mine = [one for one in transcripts if one.dataset == subject.survey.name]
        lessons = _lessons(mine, subject, settings, tell)
        held = max(1, round(HELD * len(lessons)))
        judged[subject.survey.name] = lessons[:held]
        learned += lessons[held:]
    head = _fitted(learned, settings, tell)
    report = {name: _judged(head, lessons) for name, lessons in judged.items()}
    about = {"settings": asdict(settings), "interviews": len(learned), "gain_share": report}
    return PolicyHead(head.layers, head.middle, head.scale, about)


def _lessons(
    transcripts: Sequence[Transcript], subject: Subject, settings: Settings, tell: Told
) -> list[Lessons]:
    """One interview's states each, in random order."""
    survey, fitted = subject.survey, subject.fitted
    rows = {rater: row for row, rater in enumerate(survey.raters)}
    places = dict(fitted.bank.rows)
    mine = [
        one
        for one in transcripts
        if one.rater_id in rows and any(turn.question_id in places for turn in one.turns)
    ]
    if len(mine) < 5:
        raise DataError(
            f"{len(mine)} interviews of raters of {survey.name!r} about its questions: the policy head needs "
            "at least 5, plan some of this survey"
        )
    rng = np.random.default_rng(settings.seed)
    chosen = [mine[place] for place in rng.permutation(len(mine))[: settings.interviews]]
    model = fitted.alone()
    vectors = fitted.source(model.space).all()
    who = np.array([rows[one.rater_id] for one in chosen])
    tastes = tastes_of(survey, fitted, tell)
    crowd, moments = Crowd.of(tastes, vectors, np.arange(len(survey.raters))), Moments(tastes)
    answers = np.concatenate([answers_of(survey, slice(row, row + 1)) for row in who.tolist()])
    asked = _varied(sequences(chosen, places)[0], answers, rng)
    weighing = Weighing(crowd, len(who), leave_out=who)
    unknown = np.flatnonzero(np.arange(len(who)) // KINDS % KINDS == 0)
    known = np.full_like(answers, MISSING)
    shown, gains, free = list[Singles](), list[Singles](), list[NDArray[np.bool_]]()
    for k in range(asked.shape[1]):
        columns = np.sort(rng.permutation(len(vectors))[:WIDEST])
        states, told = moments.states(weighing, (known >= 0).sum(1)), weighing.gains()[:, columns]
        for row, belief in zip(unknown, beliefs_of(model, vectors, known[unknown]), strict=True):
            states[row] = State.of(belief, model.space.cov)
            told[row] = eig(belief, vectors[columns], DRAWS)
        shown.append(described(states, vectors[columns]))
        gains.append(told.astype(np.float32))
        free.append((answers[:, columns] >= 0) & (known[:, columns] < 0))
        said = np.where(asked[:, k] >= 0, answers[np.arange(len(who)), asked[:, k]], MISSING)
        weighing.hear(asked[:, k], said)
        known[np.arange(len(who)), asked[:, k]] = np.where(
            asked[:, k] >= 0, said, known[np.arange(len(who)), asked[:, k]]
        )
        tell(f"{STAGE}: states of {survey.name}", k + 1, asked.shape[1])
    real = (asked >= 0).T
    stacks = [np.stack(one) for one in (shown, gains, free)]
    return [Lessons(*(one[real[:, row], row] for one in stacks)) for row in range(len(who))]


def described(states: Sequence[State], vectors: QuestionVectors) -> Singles:
    """(R, N, F) features of N questions in R states."""
    return np.stack([features(one, vectors) for one in states])


def beliefs_of(model: ChoiceModel, vectors: QuestionVectors, answers: Rows) -> list[Belief]:
    """Beliefs about R raters whose answers (R, Q) are known, -1 where not."""
    heard = np.flatnonzero((answers >= 0).any(0))
    heard = heard if len(heard) else np.arange(1)
    found = infer_many(model.space, vectors[heard], answers[:, heard], around=model.lapse)
    parts = zip(found.mean, found.cov, found.lapse, found.answers, strict=True)
    return [Belief(mean, cov, float(lapse), int(count)) for mean, cov, lapse, count in parts]


def _varied(asked: Rows, answers: Rows, rng: np.random.Generator) -> Rows:
    """Sequences (R, T): a third as planned, a third with other questions in between, a third at random."""
    found = asked.copy()
    for row, own in enumerate(found):
        length = int((own >= 0).sum())
        others = rng.permutation(np.setdiff1d(np.flatnonzero(answers[row] >= 0), own))
        swapped = rng.random(length) < (0.0, 0.3, 1.0)[row % KINDS]
        places = np.flatnonzero(swapped)[: len(others)]
        own[places] = others[: len(places)]
    return found


def _fitted(lessons: Sequence[Lessons], settings: Settings, tell: Told) -> PolicyHead:
    """The network after all steps; the same seed gives the same weights on the same machine."""
    import torch

    shown = np.concatenate([one.described for one in _alike(lessons)])
    gains = torch.from_numpy(np.concatenate([one.gains for one in _alike(lessons)]))
    free = torch.from_numpy(np.concatenate([one.open for one in _alike(lessons)]))
    flat = shown.reshape(-1, len(FEATURES))
    middle, scale = flat.mean(0), flat.std(0) + np.float32(1e-3)
    states = torch.from_numpy((shown - middle) / scale)
    draw = torch.Generator().manual_seed(settings.seed)
    network = _network(settings.hidden, draw)
    optimizer = torch.optim.AdamW(network.parameters(), lr=settings.rate)
    for step in range(settings.steps):
        optimizer.param_groups[0]["lr"] = settings.rate * (1 - step / settings.steps)
        rows = torch.randint(len(states), (settings.batch,), generator=draw)
        value = torch.nn.functional.softplus(network(states[rows])[..., 0])
        loss = _loss(value, gains[rows], free[rows], settings)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        tell(STAGE, step + 1, settings.steps)
    weights = [one.detach().numpy() for one in network.parameters()]
    layers = tuple(
        (np.ascontiguousarray(weights[place].T), weights[place + 1]) for place in range(0, len(weights), 2)
    )
    return PolicyHead(layers, middle, scale, {})


def _network(hidden: int, draw: Any) -> Any:
    """Two hidden layers over the features, with weights from a generator."""
    import torch

    sizes = (len(FEATURES), hidden, hidden, 1)
    steps: list[Any] = []
    for start, end in pairwise(sizes):
        linear = torch.nn.Linear(start, end)
        with torch.no_grad():
            linear.weight.normal_(0.0, (2 / start) ** 0.5, generator=draw)
            linear.bias.zero_()
        steps += [linear, torch.nn.ReLU()]
    return torch.nn.Sequential(*steps[:-1])


def _loss(value: Any, gains: Any, free: Any, settings: Settings) -> Any:
    """Squared error of the gains (B, N) of open questions, and how differently both share out the choice."""
    error = torch_mean((value - gains).square(), free)
    wanted = (gains / settings.temperature).masked_fill(~free, -1e9).softmax(1)
    shares = (value / settings.temperature).masked_fill(~free, -1e9).log_softmax(1)
    apart = -(wanted * shares.masked_fill(~free, 0.0)).sum(1).mean()
    return ERROR_WEIGHT * error + settings.listwise * apart


def torch_mean(values: Any, where: Any) -> Any:
    """The mean of the values of a tensor where another is true; 0 where none is."""
    return (values * where).sum() / where.sum().clamp(min=1)


def _alike(lessons: Sequence[Lessons]) -> Iterator[Lessons]:
    """The lessons with as many questions each: the widest bank's, others padded with closed ones."""
    widest = max(one.gains.shape[1] for one in lessons)
    for one in lessons:
        more = widest - one.gains.shape[1]
        yield Lessons(
            np.pad(one.described, ((0, 0), (0, more), (0, 0)), mode="edge"),
            np.pad(one.gains, ((0, 0), (0, more))),
            np.pad(one.open, ((0, 0), (0, more))),
        )


def _judged(head: PolicyHead, lessons: Sequence[Lessons]) -> float:
    """Gain of the questions that the head would ask, as a share of the planner's in the same states."""
    own, best = 0.0, 0.0
    for one in lessons:
        found: Floats = np.where(one.open, head.of_features(one.described), -np.inf)
        some = one.open.any(1)
        rows = np.arange(len(found))[some]
        own += float(one.gains[rows, found[some].argmax(1)].sum())
        best += float(np.where(one.open, one.gains, 0).max(1)[some].sum())
    return own / best if best else 0.0
