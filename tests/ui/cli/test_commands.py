"""The commands as a person uses them, in this process: what they print, write and return."""

from __future__ import annotations

import csv
import html.parser
import json
from pathlib import Path

import pytest
import tiny
from commanding import Run, answered

TIMES = 6


@pytest.fixture(autouse=True)
def _encoder(monkeypatch: pytest.MonkeyPatch) -> None:
    tiny.use(monkeypatch)


class Pictures(html.parser.HTMLParser):
    """The places and alternative texts of a page of pictures."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.sources: list[str] = []
        self.tags: list[str] = []
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        if tag == "img":
            self.sources.append(str(dict(attrs)["src"]))


def test_a_folder_is_ranked_as_a_table_and_as_a_page(run: Run, tmp_path: Path) -> None:
    folder = tiny.gallery(tmp_path / "my <art>", 12)
    answered(run, folder, TIMES)
    found = run("rank", folder, "--out", tmp_path / "order.csv", "--json")
    assert found.json == {"pictures": 12, "answers": TIMES, "unread": 0, "out": str(tmp_path / "order.csv")}
    rows = list(csv.DictReader((tmp_path / "order.csv").read_text().splitlines()))
    assert [row["rank"] for row in rows] == [str(place) for place in range(1, 13)]
    assert sorted(row["picture"] for row in rows) == [f"picture-{number:02d}.png" for number in range(12)]
    utilities = [float(row["utility"]) for row in rows]
    assert utilities == sorted(utilities, reverse=True)
    assert run("rank", folder, "--out", tmp_path / "order.html").out.startswith("12 pictures in order in ")
    page = (tmp_path / "order.html").read_text()
    assert "my &lt;art&gt;, in your order" in page
    found_in = Pictures(page)
    assert len(found_in.sources) == 12
    assert all(source.startswith("data:image/jpeg;base64,") for source in found_in.sources)
    assert "art" not in found_in.tags
    assert "script" not in found_in.tags


def test_answers_go_out_come_back_and_go_away(run: Run, tmp_path: Path) -> None:
    answered(run, tiny.gallery(tmp_path / "art"), TIMES)
    assert run("raters").out.split()[:3] == ["me", str(TIMES), "answers"]
    assert run("raters", "--json").json[0]["answers"] == TIMES
    out = tmp_path / "me.json"
    assert run("export", "--out", out, "--json").json["answers"] == TIMES
    assert json.loads(run("export").out) == json.loads(out.read_text())
    assert len(run("export", "--transcripts").out.splitlines()) == 1
    assert run("import", out).out == "new: 0 interviews, 0 questions, 0 entries\n"
    assert run("import", out, "--rater", "you", "--json").json["entries"] == TIMES
    assert run("erase", "--yes").out.startswith(f"erased: {TIMES} entries")
    assert [row["rater_id"] for row in run("raters", "--json").json] == ["you"]


def test_erasing_asks_for_the_name(run: Run, tmp_path: Path) -> None:
    answered(run, tiny.gallery(tmp_path / "art"), TIMES)
    refused = run("erase", input="nobody\n")
    assert refused.code == 2
    assert "nothing was erased" in refused.err
    assert run("erase", input="").code == 2
    assert run("raters", "--json").json[0]["answers"] == TIMES
    assert run("erase", input="me\n").code == 0
    assert run("raters").out == "nobody has answered yet: start with `kallisti serve`\n"


def test_an_index_is_made_once(run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    encoder = tiny.use(monkeypatch)
    folder, out = tiny.gallery(tmp_path / "art"), tmp_path / "index"
    (folder / "bad.jpg").write_bytes(b"no picture")
    wanted = {"pictures": 8, "encoder": "colors", "skipped": {"not JPEG, PNG or WebP": 1}, "index": str(out)}
    assert run("index", folder, "--out", out, "--json").json == wanted
    assert "1 of 9 files skipped" in run("index", folder, "--out", out).out
    assert encoder.seen == 8


def test_the_doctor_says_what_is_prepared_and_what_is_wrong(run: Run, tmp_path: Path, data: Path) -> None:
    answered(run, tiny.gallery(tmp_path / "art"), TIMES)
    found = run("doctor", "--json")
    assert found.code == 0
    assert found.json["wrong"] == []
    assert list(found.json["galleries"].values()) == ["8 pictures by colors"]
    assert found.json["database"]["durable"] is True
    assert "everything is in order" in run("doctor").out
    (manifest,) = data.glob("galleries/*/index-*/*/manifest.json")
    manifest.write_text("{}")
    broken = run("doctor")
    assert broken.code == 1
    assert "WRONG: " in broken.out


def test_help_of_every_command_has_an_example(run: Run) -> None:
    for name in ("serve", "interview", "index", "rank", "raters", "export", "import", "erase", "doctor"):
        found = run(name, "--help")
        assert found.code == 0
        assert f"Example: kallisti {name}" in found.out
        assert "--json" in found.out
