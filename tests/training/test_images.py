"""Rated pictures become surveys; what is wrong is told with its file and row."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from pyarrow import parquet

from prefs.errors import DataError
from training.banks import bank_of
from training.images import Scale, is_paired, is_rated, read_ratings
from training.openbanks import open_bank

RESPONSES: dict[str, list[Any]] = {
    "rater_id": ["ann", "ann", "bob"],
    "image_id": ["b", "a", "a"],
    "rating": [7.0, 1.0, 4.0],
    "scale_min": [1.0] * 3,
    "scale_max": [7.0] * 3,
}


def write(folder: Path, images: Any = None, name: str = "responses", **responses: Any) -> Path:
    folder.mkdir(exist_ok=True)
    parquet.write_table(pa.table(images or {"image_id": ["a", "b"]}), folder / "images.parquet")
    parquet.write_table(pa.table(RESPONSES | responses), folder / f"{name}.parquet")
    return folder


def refused(path: Path) -> str:
    with pytest.raises(DataError) as caught:
        bank_of(str(path))
    message = str(caught.value)
    assert "\n" not in message
    return message


def test_every_picture_is_a_question(tmp_path: Path) -> None:
    folder = write(tmp_path / "mine", {"image_id": ["a", "b"], "title": ["A [fox]", None]})
    bank, survey = bank_of(str(folder))
    assert bank.name == survey.name == "mine"
    assert [question.question_id for question in survey.questions] == ["a", "b"]
    assert [question.items for question in survey.questions] == [("a",), ("b",)]
    assert survey.questions[0].markdown == "How do you rate this picture? ![A (fox)](item:a)"
    assert {question.kind for question in survey.questions} == {"rating"}
    assert [option.markdown for option in survey.questions[0].options] == list("1234567")
    assert survey.table().tolist() == [[0, 6], [3, -1]]
    assert set(survey.skips) == {
        "question that everybody answers the same (kept)",
        "rater with one answer (kept)",
    }


def test_a_long_scale_is_cut_into_eleven_equal_parts() -> None:
    ratings = np.arange(101.0)
    scale = Scale.of(0, 100, ratings)
    assert len(scale.labels) == 11
    assert scale.labels[0] == "0 to 9.09"
    answers = scale.answers(ratings)
    assert np.bincount(answers).tolist() == [10, 9, 9, 9, 9, 9, 9, 9, 9, 9, 10]
    assert (np.diff(answers) >= 0).all()


def test_half_steps_are_cut_too_and_counted(tmp_path: Path) -> None:
    survey = read_ratings(write(tmp_path / "mine", rating=[6.5, 1.0, 7.0]))
    assert survey.skips["rating put into one of 11 equal parts of its scale (kept)"] == 3
    assert survey.table().tolist() == [[0, 10], [10, -1]]


@pytest.mark.parametrize(
    ("column", "times", "wanted"),
    [
        ("presentation", [2, 1, 1], [[3], [4]]),
        ("trial", [40, 7, 1], [[3], [4]]),
        ("other", [0, 0, 0], [[6], [4]]),
    ],
)
def test_repeats_are_occasions(tmp_path: Path, column: str, times: list[int], wanted: Any) -> None:
    said = {"image_id": ["a"] * 3, "rating": [7.0, 4.0, 5.0], column: times}
    survey = read_ratings(write(tmp_path / "x", {"image_id": ["a"]}, **said))
    assert survey.table().tolist() == wanted
    assert survey.occasions.tolist() == [0, 1, 0]


def test_the_same_presentation_twice_is_refused(tmp_path: Path) -> None:
    again = {"image_id": ["a", "a", "b"], "presentation": [1, 1, 1]}
    assert "row 1: rater 'ann' answers question 'a' a second time" in refused(write(tmp_path / "x", **again))


@pytest.mark.parametrize(
    ("responses", "message"),
    [
        ({"rating": [7.0, 8.0, 4.0]}, "row 1: rating 8 is not on the scale: allowed are 1 to 7"),
        ({"rating": [7.0, 1.0, float("nan")]}, "row 2: rating is missing or NaN"),
        ({"rating": [7.0, 1.0, None]}, "row 2: rating is missing or NaN"),
        ({"rating": [7.0, float("inf"), 2.0]}, "row 1: rating is inf: expected numbers"),
        ({"rating": ["7", "1", "2"]}, "rating holds string values: expected numbers"),
        ({"image_id": ["b", "c", "a"]}, "row 1: image 'c' is not in images.parquet"),
        ({"image_id": ["b", None, "a"]}, "row 1: image_id is missing"),
        ({"scale_max": [7.0, 7.0, 5.0]}, "row 2: a scale from 1 to 5, but row 0 has one from 1 to 7"),
        ({"scale_min": [7.0] * 3}, "row 0: a scale from 7 to 7: scale_max must be larger"),
    ],
)
def test_names_file_and_row(tmp_path: Path, responses: dict[str, Any], message: str) -> None:
    found = refused(write(tmp_path / "x", **responses))
    assert message in found
    assert "responses.parquet" in found


def test_pictures_have_ids_of_their_own(tmp_path: Path) -> None:
    assert "row 2: image 'a' stands at row 0 already" in refused(
        write(tmp_path / "x", {"image_id": ["a", "b", "a"]})
    )
    assert "row 1: image id 'b c'" in refused(write(tmp_path / "y", {"image_id": ["a", "b c"]}))


def test_other_ratings_of_a_folder_are_named_by_their_file(tmp_path: Path) -> None:
    folder = write(tmp_path / "mine")
    write(folder, name="responses_deep", question=["depth"] * 3)
    survey = read_ratings(folder / "responses_deep.parquet")
    assert survey.name == "mine-deep"
    assert survey.questions[0].markdown.startswith("How do you rate the depth of this picture?")


def test_pictures_without_a_file_are_asked_by_their_titles(tmp_path: Path) -> None:
    folder = write(tmp_path / "mine", name="responses_all")
    items = {"image_id": ["a", "b"], "title": ["Fox", "Sea"], "has_image": [True, False]}
    parquet.write_table(pa.table(items), folder / "items_all.parquet")
    survey = read_ratings(folder / "responses_all.parquet")
    assert survey.questions[0].items == ("a",)
    assert survey.questions[1].items == ()
    assert survey.questions[1].markdown == 'How do you rate this picture? "Sea"'


def test_other_formats_are_told_what_was_expected(tmp_path: Path) -> None:
    (tmp_path / "x").mkdir()
    message = refused(tmp_path / "x")
    assert "questions.parquet and responses.parquet" in message
    assert "images.parquet, and responses.parquet with rater_id, image_id, rating" in message
    (tmp_path / "x" / "notes.txt").write_text("")
    assert "found notes.txt" in refused(tmp_path / "x")
    parquet.write_table(pa.table({"image_id": ["a"]}), tmp_path / "x" / "images.parquet")
    (tmp_path / "x" / "responses.parquet").write_text("no table")
    assert "cannot be read as parquet" in refused(tmp_path / "x")


def test_pairs_are_no_bank(tmp_path: Path) -> None:
    folder = tmp_path / "pairs"
    folder.mkdir()
    parquet.write_table(pa.table({"image_id": ["a", "b"]}), folder / "images.parquet")
    pairs = {"rater_id": ["ann"], "left_image_id": ["a"], "right_image_id": ["b"], "choice": [0]}
    parquet.write_table(pa.table(pairs), folder / "responses.parquet")
    assert is_paired(folder)
    assert not is_rated(folder)
    assert "`kallisti evaluate` takes them" in refused(folder)


@pytest.mark.parametrize(
    ("path", "shape", "ratings"),
    [
        ("london-faces", (1759, 102), 179_418),
        ("oasis-beauty", (530, 95), 12_004),
        ("oasis-beauty/responses_all900.parquet", (530, 900), 119_250),
        ("pixel-patterns", (80, 216), 4_800),
    ],
)
def test_real_sets(real_data: Path, path: str, shape: tuple[int, int], ratings: int) -> None:
    survey = read_ratings(real_data / "images" / path)
    assert survey.table().shape == shape
    assert len(survey.answers) == ratings
    assert (survey.occasions > 0).sum() == (480 if path == "pixel-patterns" else 0)


def test_rated_pictures_are_no_bank_of_an_interview(tmp_path: Path) -> None:
    folder = write(tmp_path / "mine")
    with pytest.raises(DataError, match="asks about pictures: open the folder as a gallery"):
        open_bank(str(folder), tmp_path / "data", lambda stage, done, total: None)
