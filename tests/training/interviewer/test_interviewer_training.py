from __future__ import annotations

import json
from dataclasses import replace
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pytest
from asking import Asked, people

from prefs.acquisition import eig
from prefs.bank import ItemBank
from prefs.belief import prior
from prefs.errors import ConfigError, DataError, ModelError, QuestionError
from prefs.transcripts import Transcript, read_transcripts, write_transcripts
from training.hypotheses import Crowd
from training.interviewer import head as heads
from training.interviewer import lm
from training.interviewer.examples import Examples, read_interviews
from training.interviewer.head import Subject, train_head
from training.interviewer.lm import train_language_model
from training.interviewer.run import train_interviewer
from training.interviewer.strangers import Settings, write_strangers
from training.policies import Cohort, adaptive, by_head
from training.splits import raters_in
from vlm.asking_head import PolicyHead
from vlm.interviewer import Interviewer
from vlm.interviewer_files import load_causal

torch = pytest.importorskip("torch")
for package in ("trl", "peft"):
    if find_spec(package) is None:
        pytest.skip(f"{package} is not installed: run pip install 'kallisti[text]'", allow_module_level=True)

QUICK = lm.Settings("tiny", tune="full", rate=1e-2, steps=60, batch=8)
SHORT = replace(QUICK, steps=6)
HEAD = heads.Settings(interviews=60, steps=300, hidden=16)


@pytest.fixture(autouse=True)
def _one_thread() -> None:
    torch.set_num_threads(1)


@pytest.fixture(scope="module")
def made() -> Asked:
    return people(80, 12)


@pytest.fixture(scope="module")
def plans(made: Asked, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("plans") / "plans.jsonl"
    write_strangers(made.survey, made.fitted, Settings(6), path)
    return path


@pytest.fixture(scope="module")
def interviews(plans: Path) -> list[Transcript]:
    return list(read_transcripts(plans))


def test_reads_interviews_without_test_raters(plans: Path) -> None:
    everybody, skips = read_interviews([plans], "all")
    assert (len(everybody), skips) == (80, {})
    rest, skips = read_interviews([plans], "eval")
    assert not raters_in((one.rater_id for one in rest), "test").any()
    assert skips == {"interviews of test raters": 80 - len(rest)}


def test_plans_in_hindsight_and_files_without_interviews_are_refused(
    interviews: list[Transcript], tmp_path: Path
) -> None:
    path = tmp_path / "p.jsonl"
    write_transcripts(path, [replace(interviews[0], planner="hindsight against all")])
    with pytest.raises(ConfigError, match="planned in hindsight"):
        read_interviews([path], "all")
    long = replace(interviews[0].turns[0], markdown="x" * 100_000)
    write_transcripts(path, [replace(interviews[0], turns=(long, long))])
    with pytest.raises(QuestionError, match="100,000 characters"):
        read_interviews([path], "all")
    long = replace(interviews[0].turns[0], options=("x" * 100_000, *interviews[0].turns[0].options[1:]))
    write_transcripts(path, [replace(interviews[0], turns=(long, long))])
    with pytest.raises(QuestionError, match="100,000 characters in an option"):
        read_interviews([path], "all")
    write_transcripts(path, [replace(interviews[0], turns=interviews[0].turns[:1])])
    with pytest.raises(DataError, match="no interview to learn from"):
        read_interviews([path], "all")


def test_only_the_assistants_tokens_are_learned(interviews: list[Transcript]) -> None:
    _, tokenizer = load_causal("tiny", [one.markdown for one in interviews[0].turns])
    examples = Examples(interviews, tokenizer, known=0.0)
    columns = examples.columns(range(2))
    for ids, labels in zip(columns["input_ids"], columns["labels"], strict=True):
        learned = tokenizer.decode([one for one in labels if one >= 0])
        assert learned.count("Do you like thing") == 6
        assert learned.count("Maybe") == 1  # the options, not the answers
        assert all(label in (-100, token) for token, label in zip(ids, labels, strict=True))


def test_examples_depend_on_their_number_alone(interviews: list[Transcript]) -> None:
    _, tokenizer = load_causal("tiny", [one.markdown for one in interviews[0].turns])
    examples = Examples(interviews, tokenizer, known=0.5, seed=3)
    first = [examples.example(number) for number in range(100)]
    assert [examples.example(number) for number in (99, 5)] == [first[99], first[5]]
    told = [tokenizer.decode(one.ids).split("<end>")[0] for one in first]
    assert 25 < sum(map(bool, told)) < 75
    assert len({one.ids for one in first[:80]}) > 60  # everybody once before anybody twice
    cut = Examples(interviews, tokenizer, longest=40).example(0)
    assert len(cut.ids) == len(cut.asked) == 40


def test_long_interviews_are_counted_and_what_is_known_leaves_room_for_questions(
    interviews: list[Transcript],
) -> None:
    _, tokenizer = load_causal("tiny", [one.markdown for one in interviews[0].turns])
    wordy = replace(
        interviews[0],
        turns=tuple(replace(one, markdown=30 * one.markdown) for one in interviews[0].turns),
    )
    longest = max(len(Examples([one], tokenizer).example(0).ids) for one in interviews[1:])
    examples = Examples([*interviews[1:], wordy], tokenizer, known=0.99, longest=longest + 1)
    assert examples.shortened(range(len(interviews))) == 1
    assert all(any(examples.example(number).asked) for number in range(2 * len(interviews)))


def test_learns_to_ask_what_was_planned(interviews: list[Transcript], made: Asked, tmp_path: Path) -> None:
    trained = train_language_model(interviews, QUICK, tmp_path / "state")
    assert trained.losses[-1] < 0.35 * trained.losses[0]
    asker = Interviewer(trained.model, trained.tokenizer)
    first = asker.next_question([], made.fitted.bank)
    assert first is not None
    assert first.question_id == interviews[0].turns[0].question_id


@pytest.mark.parametrize("tune", ["full", "lora"])
def test_a_training_that_was_cut_off_goes_on_to_the_same_weights(
    interviews: list[Transcript], tune: str, tmp_path: Path
) -> None:
    settings = replace(SHORT, tune=tune)  # type: ignore[arg-type]
    whole = train_language_model(interviews, settings, tmp_path / "whole")
    train_language_model(interviews, settings, tmp_path / "cut", until=2)
    told: list[int] = []
    again = train_language_model(
        interviews, settings, tmp_path / "cut", lambda stage, done, total: told.append(done)
    )
    assert told == [3, 4, 5, 6]
    assert again.losses == whole.losses
    for name, one in whole.model.state_dict().items():
        assert torch.equal(one, again.model.state_dict()[name]), name
    with pytest.raises(ModelError, match="other settings"):
        train_language_model(interviews, replace(settings, rate=0.5), tmp_path / "cut")
    (tmp_path / "cut").write_bytes(b"rubbish")
    with pytest.raises(ModelError, match="cannot be read"):
        train_language_model(interviews, settings, tmp_path / "cut")


def test_upper_layers_alone_are_tuned(interviews: list[Transcript], tmp_path: Path) -> None:
    before, _ = load_causal("tiny", (text for one in interviews for text in lm._texts(one)))
    for tune in ("full", "lora"):
        settings = replace(SHORT, upper=1, tune=tune)  # type: ignore[arg-type]
        found = train_language_model(interviews, settings, tmp_path / tune)
        state = found.model.state_dict()
        changed = {
            name.split(".")[2]
            for name, one in before.state_dict().items()
            if ".layers." in name and not torch.equal(one, state[name])
        }
        assert changed == {"1"}
    with pytest.raises(ConfigError, match="3 upper layers"):
        train_language_model(interviews, replace(SHORT, upper=3), tmp_path / "three")


def test_a_loss_that_is_not_finite_is_an_error(
    interviews: list[Transcript], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(name: str, texts: object = (), layers: int | None = None) -> object:
        model, tokenizer = load_causal(name, texts, layers)  # type: ignore[arg-type]
        with torch.no_grad():
            model.model.norm.weight.fill_(np.nan)
        return model, tokenizer

    monkeypatch.setattr(lm, "load_causal", broken)
    with pytest.raises(ModelError, match="loss of step"):
        train_language_model(interviews, SHORT, tmp_path / "state")


def test_the_head_finds_what_tells_much(made: Asked, interviews: list[Transcript]) -> None:
    found = train_head(interviews, [Subject(made.survey, made.fitted)], HEAD)
    share = found.about["gain_share"]["made"]
    untrained = PolicyHead(
        tuple((np.zeros_like(weight), bias) for weight, bias in found.layers), found.middle, found.scale, {}
    )
    lessons = heads._lessons(
        interviews, Subject(made.survey, made.fitted), HEAD, lambda stage, done, total: None
    )
    assert share > 0.9
    assert share > heads._judged(untrained, lessons) + 0.1
    again = train_head(interviews, [Subject(made.survey, made.fitted)], HEAD)
    assert all(
        np.array_equal(one[0], other[0]) for one, other in zip(found.layers, again.layers, strict=True)
    )


def test_the_head_works_on_another_bank(made: Asked, interviews: list[Transcript]) -> None:
    head = train_head(interviews, [Subject(made.survey, made.fitted)], HEAD)
    other = people(60, 20, seed=9)
    model = other.fitted.alone()
    vectors = other.fitted.source(model.space).all()
    gains = head.gains(prior(model), vectors, model.space.cov)
    assert np.corrcoef(gains, eig(prior(model), vectors))[0, 1] > 0.8


def test_the_head_interviews_a_cohort(made: Asked, interviews: list[Transcript]) -> None:
    head = train_head(interviews, [Subject(made.survey, made.fitted)], HEAD)
    model = made.fitted.alone()
    vectors = made.fitted.source(model.space).all()
    table = made.survey.table().astype(np.intp)
    crowd = Crowd.of(np.zeros((1, model.space.size)), vectors, np.arange(1))
    cohort = Cohort(model, vectors, vectors, table, table, crowd)
    asked = adaptive(cohort, by_head(cohort, head), 3, lambda done: None)
    first = head.gains(prior(model), vectors, model.space.cov)
    assert (asked[:, 0] == first.argmax()).all()
    assert all(len(set(row)) == 3 for row in asked.tolist())


def test_both_in_one_folder_and_resumable(made: Asked, plans: Path, tmp_path: Path) -> None:
    subject = Subject(made.survey, made.fitted)
    out, cut = tmp_path / "asker", tmp_path / "cut"
    report = train_interviewer([plans], out, SHORT, HEAD, [subject], "eval")
    assert not (tmp_path / "asker.parts").exists()
    asker = Interviewer.open(out)
    assert asker.head is not None
    assert asker.next_question([], made.fitted.bank) is not None
    assert json.loads((out / "interviewer.json").read_text()) == report
    assert len(report["language"]["losses"]) == SHORT.steps
    assert report["interviews"] + report["skips"]["interviews of test raters"] == 80

    def stop(stage: str, done: int, total: int) -> None:
        if stage == lm.STAGE and done == 3:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        train_interviewer([plans], cut, SHORT, HEAD, [subject], "eval", told=stop)
    assert not cut.exists()
    assert (tmp_path / "cut.parts" / "head" / "manifest.json").is_file()
    with pytest.raises(ConfigError, match="add --resume"):
        train_interviewer([plans], cut, SHORT, HEAD, [subject], "eval")
    assert train_interviewer([plans], cut, SHORT, HEAD, [subject], "eval", resume=True) == report
    assert (cut / "model.safetensors").read_bytes() == (out / "model.safetensors").read_bytes()
    assert (cut / "head" / "head.safetensors").read_bytes() == (
        out / "head" / "head.safetensors"
    ).read_bytes()


def test_what_cannot_be_trained_is_told_before_anything_is_written(
    made: Asked, plans: Path, tmp_path: Path
) -> None:
    subject = Subject(made.survey, made.fitted)
    seen = Subject(made.survey, replace(made.fitted, report={"split": "all"}))
    with pytest.raises(ConfigError, match="name a backbone"):
        train_interviewer([plans], tmp_path / "out")
    with pytest.raises(ConfigError, match="name --bank and --model"):
        train_interviewer([plans], tmp_path / "out", None, HEAD)
    with pytest.raises(ConfigError, match="has seen the test raters"):
        train_interviewer([plans], tmp_path / "out", None, HEAD, [seen], "eval")
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "text").write_text("x")
    with pytest.raises(ConfigError, match="something else"):
        train_interviewer([plans], tmp_path / "mine", None, HEAD, [subject])
    other = people(10, 4, seed=2)
    stranger = Subject(replace(other.survey, name="another"), other.fitted)
    with pytest.raises(DataError, match="0 interviews of raters of 'another'"):
        train_interviewer([plans], tmp_path / "out", None, HEAD, [stranger])
    bank = ItemBank(
        "made", tuple(replace(one, question_id=f"new {one.question_id}") for one in made.survey.questions)
    )
    renamed = Subject(replace(made.survey, questions=bank.questions), replace(made.fitted, bank=bank))
    with pytest.raises(DataError, match="0 interviews of raters of 'made' about its questions"):
        train_interviewer([plans], tmp_path / "out", None, HEAD, [renamed])
    with pytest.raises(ModelError, match="holds no language model"):
        train_interviewer([plans], tmp_path / "out", replace(SHORT, backbone=str(tmp_path / "mine")))
    assert not list(tmp_path.glob("out*"))


def test_the_folder_to_write_to_may_be_the_current_one(
    made: Asked, plans: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "here").mkdir()
    monkeypatch.chdir(tmp_path / "here")
    few = replace(HEAD, interviews=5, steps=1)
    train_interviewer([plans], Path(), None, few, [Subject(made.survey, made.fitted)])
    assert PolicyHead.load(tmp_path / "here" / "head").about["interviews"] == 4


@pytest.mark.parametrize(
    ("values", "said"),
    [
        ({"tune": "some"}, "tune"),
        ({"rank": 0}, "rank"),
        ({"upper": 0}, "upper layers"),
        ({"rate": 0.0}, "learning rate"),
        ({"steps": 0}, "0 steps"),
        ({"batch": 0}, "batch"),
        ({"known": 1.0}, "share known"),
        ({"longest": 4}, "4 tokens"),
        ({"steps": 2.5}, "steps 2.5 of the language model: allowed are whole numbers"),
        ({"layers": "two"}, "layers 'two'"),
        ({"batch": True}, "batch True"),
        ({"rate": "fast"}, "rate 'fast'"),
        ({"seed": -1}, "seed -1"),
        ({"backbone": 5}, "backbone 5"),
    ],
)
def test_settings_of_the_language_model_that_are_not_allowed(values: dict[str, object], said: str) -> None:
    with pytest.raises(ConfigError, match=said):
        lm.Settings(**values)  # type: ignore[arg-type]


NOT_OF_A_HEAD = [
    *(("steps", 0), ("rate", -1.0), ("interviews", 4)),
    *(("steps", 2.5), ("listwise", "x"), ("temperature", float("inf")), ("seed", -1)),
]


@pytest.mark.parametrize(("name", "value"), NOT_OF_A_HEAD)
def test_settings_of_the_head_that_are_not_allowed(name: str, value: object) -> None:
    with pytest.raises(ConfigError, match=str(value)):
        heads.Settings(**{name: value})  # type: ignore[arg-type]
