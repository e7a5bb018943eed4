"""Choices between two pictures: read and checked, and interviews with one person left out at a time."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from pyarrow import parquet

from prefs.errors import ConfigError, DataError
from training import few_interviews, pairs_interviews
from training.few_eval import FewMeasures
from training.pairs import Content, Pairs, majority, read_pairs
from training.pairs_eval import evaluate_content
from training.pairs_interviews import PairInterviews
from training.splits import are_targets

RESPONSES: dict[str, list[Any]] = {
    "rater_id": ["ann"] * 4 + ["bob"] * 2 + ["cem"] * 2,
    "left_image_id": ["c1", "t1", "c1", "t1", "c2", "t2", "c1", "t1"],
    "right_image_id": ["c2", "t2", "t1", "t2", "c1", "t1", "c2", "t2"],
    "choice": [0, 1, 0, 0, 1, 0, None, 1],
}


def named(target: bool, number: int) -> str:
    """The name of a picture that the hash puts on the wanted side."""
    names = (f"p{one}" for one in range(10_000))
    return [name for name, held in ((name, are_targets([name])[0]) for name in names) if held == target][
        number
    ]


NAMES = {"c1": named(False, 0), "c2": named(False, 1), "t1": named(True, 0), "t2": named(True, 1)}


def write(folder: Path, raters: Any = None, **changed: list[Any]) -> Path:
    folder.mkdir()
    columns = RESPONSES | changed
    for side in ("left_image_id", "right_image_id"):
        columns[side] = [NAMES.get(image, image) for image in columns[side]]
    parquet.write_table(pa.table({"image_id": list(NAMES.values())}), folder / "images.parquet")
    parquet.write_table(pa.table(columns), folder / "responses.parquet")
    if raters:
        parquet.write_table(pa.table(raters), folder / "raters.parquet")
    return folder


def test_reads_pairs_turned_repeated_and_tied(tmp_path: Path) -> None:
    pairs = read_pairs(write(tmp_path / "mine"))
    assert (pairs.name, pairs.raters) == ("mine", ("ann", "bob", "cem"))
    shown = [[pairs.images[row] for row in pair] for pair in pairs.pairs]
    c1, c2, t1, t2 = NAMES.values()
    assert shown == [[c1, c2], [t1, t2], [c1, t1], [t1, t2]]  # the last is ann's repeat
    assert pairs.answers.tolist() == [[0, 1, 0, 0], [0, 1, -1, -1], [-1, 1, -1, -1]]
    assert pairs.targets.tolist() == [1, 3]
    assert pairs.candidates.tolist() == [0]
    assert (pairs.repeats, pairs.alike) == (1, 0.0)
    assert pairs.skips == {"tie (left out)": 1, "pair of a target and a candidate picture (left out)": 1}


def test_raters_of_low_effort_are_left_out_and_counted(tmp_path: Path) -> None:
    more = {name: values + values[-1:] for name, values in RESPONSES.items()}
    more["rater_id"][-1] = "dan"
    raters = {"rater_id": ["ann", "bob", "cem", "dan"], "low_effort": [False, False, False, True]}
    pairs = read_pairs(write(tmp_path / "mine", raters, **more))
    assert pairs.raters == ("ann", "bob", "cem")
    assert pairs.skips["rater of low effort (left out)"] == 1


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"choice": [0, 1, 2, 0, 1, 0, None, 1]}, "row 2: choice 2: allowed are 0, 1 and null"),
        ({"left_image_id": ["zz", *RESPONSES["left_image_id"][1:]]}, "row 0: image 'zz' is not in images"),
        ({"left_image_id": ["c2", *RESPONSES["left_image_id"][1:]]}, "stands against itself"),
        ({"rater_id": ["ann"] * 8}, "has 1 raters: at least 3 are needed"),
        ({"left_image_id": ["t1"] * 8, "right_image_id": ["t2"] * 8}, "0 pairs of others: both are needed"),
    ],
)
def test_names_what_is_wrong(tmp_path: Path, changed: dict[str, Any], message: str) -> None:
    with pytest.raises(DataError) as caught:
        read_pairs(write(tmp_path / "x", **changed))
    assert message in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("name", "raters", "pairs", "alike"),
    [("prettier-pairs", 13, 1211, None), ("color-sets", 7, 100, 229 / 350)],
)
def test_real_sets(real_data: Path, name: str, raters: int, pairs: int, alike: float | None) -> None:
    found = read_pairs(real_data / "images" / name)
    assert found.answers.shape == (raters, pairs)
    assert alike is None or found.alike == pytest.approx(alike)
    sides = [set(found.pairs[rows].ravel()) for rows in (found.targets, found.candidates)]
    assert not sides[0] & sides[1]


def made(raters: int = 5, seed: int = 0) -> Content:
    """People with strong tastes for four qualities of 60 pictures, half of which they share."""
    rng = np.random.default_rng(seed)
    images = tuple(f"m{number}" for number in range(60))
    held = are_targets(images)
    taste = rng.normal(size=(60, 4)) * 1.2
    pairs = [pair for pair in rng.integers(0, 60, (500, 2)) if pair[0] != pair[1] and held[pair].sum() != 1]
    unique = np.unique(np.sort(pairs, axis=1), axis=0)
    wishes = rng.normal(size=(raters, 4)) * 1.2 + [1.0, -1.0, 0, 0]
    lean = (taste[unique[:, 1]] - taste[unique[:, 0]]) @ wishes.T
    answers = (rng.random(lean.T.shape) < 1 / (1 + np.exp(-lean.T))).astype(np.intp)
    both = held[unique].sum(1)
    targets, candidates = np.flatnonzero(both == 2), np.flatnonzero(both == 0)
    names = tuple(f"r{row}" for row in range(raters))
    return Content(Pairs("made", names, images, unique, answers, targets, candidates), taste)


CONTENT = made()


@pytest.fixture(scope="module", autouse=True)
def quick() -> Iterator[None]:
    """Few tastes for the fixed order, few random orders."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(pairs_interviews, "HYPOTHESES", 100)
        patch.setattr(few_interviews, "ORDERS", 2)
        yield


POLICIES = ("random", "static", "eig", "epig", "eig_alone", "choix")


@pytest.fixture(scope="module")
def result() -> dict[str, Any]:
    pytest.importorskip("choix", reason="choix is not installed: pip install 'kallisti[compare]'")
    return json.loads(json.dumps(evaluate_content(CONTENT, POLICIES, 8), allow_nan=False))


def test_follows_the_contract(result: dict[str, Any]) -> None:
    keys = "dataset n_test_raters k policies controls rare chosen paired full_information settings"
    assert set(keys.split()) == set(result)
    assert result["k"][:7] == [0, 1, 2, 3, 5, 8, 10]
    for name, lines in result["policies"].items():
        for measure in ("accuracy", "log_loss", "residual_skill", "ece"):
            assert len(lines[measure]) == len(lines[f"{measure}_ci"]) == len(result["k"])
            assert None not in lines[measure][:6]
            assert lines[measure][6:] == [None] * 5
        assert ("share_identified" in lines) == ("log_p_id_unseen" in lines) == (name != "choix")
    assert set(result["paired"]) == {f"{name}-static" for name in POLICIES if name != "static"}
    assert result["n_test_raters"] == result["settings"]["raters"] == 5
    assert set(result["settings"]["seconds_per_question"]) == {"eig", "epig", "eig_alone"}


def test_planned_questions_predict_the_person_asked(result: dict[str, Any]) -> None:
    at = result["k"].index(8)
    loss = {name: lines["log_loss"][at] for name, lines in result["policies"].items()}
    assert min(loss["eig"], loss["epig"]) < result["controls"]["generic"]["log_loss"][at] - 0.05
    assert min(loss["eig"], loss["epig"]) < result["controls"]["wrong_person"]["log_loss"][at] - 0.1
    assert result["full_information"]["log_loss"] < loss["random"]
    assert loss["choix"] == result["policies"]["choix"]["log_loss"][0]
    assert result["policies"]["static"]["residual_skill"][at] > 0


def test_nothing_of_a_person_is_used_for_him() -> None:
    """Other answers of the first person to targets change neither what he is asked nor any prediction."""
    turned = CONTENT.pairs.answers.copy()
    turned[0, CONTENT.pairs.targets] = 1 - turned[0, CONTENT.pairs.targets]
    other = Content(replace(CONTENT.pairs, answers=turned), CONTENT.taste)
    courses, temperatures = [], []
    for content in (CONTENT, other):
        own = PairInterviews(content, [0, 5])
        courses.append([own.run(policy) for policy in ("static", "epig")])
        temperatures.append(FewMeasures(own).warmth(courses[-1][1:], [5])[5][0])
    for before, after in zip(*courses, strict=True):
        np.testing.assert_array_equal(before.asked[0], after.asked[0])
        np.testing.assert_array_equal(before.p[5][0], after.p[5][0])
    assert temperatures[0] == temperatures[1]


def test_the_fixed_order_is_that_of_the_others() -> None:
    own = PairInterviews(CONTENT, [0, 4])
    changed = CONTENT.pairs.answers.copy()
    changed[0] = 1 - changed[0]
    other = PairInterviews(Content(replace(CONTENT.pairs, answers=changed), CONTENT.taste), [0, 4])
    assert own.orders[0] == other.orders[0]
    assert own.orders[1] != other.orders[1]
    assert sorted(own.orders[0]) == list(range(len(CONTENT.pairs.candidates)))


def test_majority_of_the_others() -> None:
    answers = np.array([[0, 1], [0, 0], [1, -1]])
    pairs = Pairs(
        "x", ("a", "b", "c"), ("p", "q"), np.array([[0, 1]] * 2), answers, np.arange(2), np.arange(2)
    )
    # first pair: b and c draw for a, a and c for b, a and b wrong for c; second: each other one is wrong
    assert majority(pairs) == pytest.approx((0.5 + 0.5 + 0 + 0 + 0) / 5)


def test_unknown_policies_are_refused(tmp_path: Path) -> None:
    from training.pairs_eval import evaluate_pairs

    with pytest.raises(ConfigError, match="policy 'best' is unknown here: allowed are random, static"):
        evaluate_pairs(tmp_path, tmp_path, ("best",))
    folder = write(tmp_path / "few")
    with pytest.raises(DataError, match="0 raters answered 5 pairs of held out pictures"):
        evaluate_pairs(folder, tmp_path)
