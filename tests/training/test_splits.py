from __future__ import annotations

from training.splits import are_targets, fold, raters_in


def test_fold_by_hand() -> None:
    # echo -n a | sha1sum: 86f7e437faa5a7fce15d1ddcb9eaeaea377667b8, whose last digits decide by hand
    assert fold("a", 16) == 0x8
    assert fold("a", 256) == 0xB8
    assert (fold("epi:V1", 10), fold("epi:V1", 3)) == (6, 0)


def test_parts_are_disjoint_and_whole() -> None:
    ids = [f"rater {number}" for number in range(500)]
    parts = [raters_in(ids, part) for part in ("test", "validation", "train")]
    assert (sum(part.astype(int) for part in parts) == 1).all()
    assert [round(float(part.mean()), 1) for part in parts] == [0.2, 0.1, 0.7]
    assert (raters_in(ids, "train", "validation") == ~parts[0]).all()


def test_a_third_of_the_questions_are_targets() -> None:
    ids = [f"q{number}" for number in range(600)]
    found = are_targets(ids)
    assert 0.28 < found.mean() < 0.39
    assert [bool(x) for x in found] == [fold(name, 3) == 0 for name in ids]
