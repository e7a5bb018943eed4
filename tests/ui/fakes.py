"""A small world for the web app: a drawn gallery and two banks in memory, over a real store."""

from __future__ import annotations

import io
import zlib
from collections.abc import Callable, Collection
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image, ImageDraw
from starlette.testclient import TestClient

from prefs.bank import ItemBank
from prefs.beforehand import together
from prefs.errors import ConfigError, GalleryError
from prefs.gallerypools import GridPool, PairPool, RatingPool, ThumbsPool
from prefs.interview import Interview
from prefs.model import BankSource, ChoiceModel, GallerySource, scores
from prefs.planner import Planner
from prefs.pools import BankPool, Pool
from prefs.questions import Answer, Option, Question
from prefs.space import Floats, TasteSpace, independent
from prefs.store import Store

Visit = Callable[[], TestClient]
TOPICS = ("dawn", "tilings", "fields")
COUNT, TASTE = 60, 4
AGREE = ("Very untrue of me", "Untrue", "In between", "True", "Very true of me")
NASTY = "<img src=x onerror=window.hacked=1>\"'`${window.hacked=1}{{constructor}}"


@dataclass
class FakeBank:
    """A bank as the workspace keeps it: the questions, and the named directions of its people."""

    bank: ItemBank

    def directions(self, space: TasteSpace) -> dict[str, Floats]:
        return {"Openness": np.eye(space.size)[space.columns(self.bank.name)[0]]}


@dataclass
class FakeWorkspace:
    """The shape of training.workspace.Workspace that the web app relies on."""

    data_dir: Path
    store: Store
    kinds: tuple[str, ...] = ("pair",)
    alts: dict[str, str] = field(default_factory=dict)
    planner: Planner = field(default_factory=lambda: Planner(limit_s=1.0))
    encoder_note: str = "Pictures are read by a drawn encoder."
    notes: tuple[str, ...] = ("Drawn: 1 of 61 files skipped.",)
    known: tuple[tuple[Question, Answer], ...] = ()
    note: str = ""

    def __post_init__(self) -> None:
        rng = np.random.default_rng(7)
        items = tuple(f"item{row:03d}" for row in range(COUNT))
        self.topics = {item: TOPICS[row % 3] for row, item in enumerate(items)}
        space = independent([("pictures", np.zeros(TASTE), np.eye(TASTE)), ("mood", np.zeros(1), np.eye(1))])
        taste = rng.standard_normal((COUNT, TASTE))
        gallery = GallerySource(
            "pictures", items, taste, np.zeros(COUNT), space.columns("pictures"), space.size
        )
        texts = ("I enjoy rain.", f"I like {NASTY}", "I collect maps.", "I sing aloud.", "I rise early.")
        likert = tuple(
            Question(f"mood{n}", "rating", text, tuple(map(Option, AGREE)), "mood", "mood")
            for n, text in enumerate(texts)
        )
        either = Question(
            "mood9", "choice", "Sea or hills?", (Option("The sea"), Option(f"Hills {NASTY}")), "mood", "mood"
        )
        phi, g = np.zeros((6, 5, 1)), np.zeros((6, 5))
        phi[:5, :, 0] = 1.5 * scores(5)[0]
        phi[5, :2, 0], g[5, 2:] = (1.0, -1.0), -np.inf
        questions = (*likert, either)
        mood = BankSource(
            "mood", tuple(q.question_id for q in questions), phi, g, space.columns("mood"), space.size
        )
        self.banks = {"mood": FakeBank(ItemBank("mood", questions, "Moods"))}
        self.galleries: dict[str, Any] = {"drawn": None}
        self.model = ChoiceModel(space, {"pictures": gallery, "mood": mood}, "fake")

    def contents(self) -> list[str]:
        return [*(f"taste/{topic}" for topic in sorted(TOPICS)), "mood"]

    def pools(self, chosen: Collection[str] | None) -> list[Pool]:
        source: Any = self.model.sources["pictures"]
        mood: Any = self.model.sources["mood"]

        def propose(taste: Any, appeal: Any, mean: Any, cov: Any, count: int, rng: Any) -> Any:
            return np.array([(a, b) for a in range(len(taste)) for b in range(a)])[:count]

        common: dict[str, Any] = {"topics": self.topics, "chosen": chosen, "alt": self.alt}
        made: list[Pool] = []
        if "pair" in self.kinds:
            made.append(PairPool(source, propose, **common))
        if "grid" in self.kinds:
            made.append(GridPool(source, propose, **common))
        if "thumbs" in self.kinds:
            made.append(ThumbsPool(source, **common))
        if "rating" in self.kinds:
            made.append(RatingPool(source, **common))
        if "bank" in self.kinds:
            made.append(BankPool(self.banks["mood"].bank, mood, chosen))
        return [pool for pool in made if pool.contents]

    def interview(
        self, rater_id: str, *, chosen: Collection[str] | None = None, known: bool = True
    ) -> Interview:
        pools = self.pools(chosen)
        if not pools:
            raise ConfigError(f"nothing to ask about {chosen}")
        asked, entries = self.store.log_of_rater(rater_id)
        seed = zlib.crc32(rater_id.encode())
        before = together(self.known if known else (), self.store.told(rater_id))
        return Interview(self.model, pools, self.planner, None, asked, entries, seed=seed, known=before)

    def image(self, item: str, side: int) -> tuple[bytes, str]:
        if item not in self.topics:
            raise GalleryError(f"no picture {item!r}")
        return drawn(item, side), "image/webp"

    def alt(self, item: str) -> str:
        return self.alts.get(item, f"picture {int(item[4:]) + 1}")


@lru_cache(maxsize=400)
def drawn(item: str, side: int) -> bytes:
    """A few soft shapes, landscape, upright or square."""
    number = int(item[4:])
    rng = np.random.default_rng(number)
    width, height = ((side, side), (side, side * 2 // 3), (side * 3 // 4, side))[number % 3]
    paint = [tuple(int(v) for v in rng.integers(40, 230, 3)) for _ in range(6)]
    image = Image.new("RGB", (width, height), paint[0])
    draw = ImageDraw.Draw(image)
    for color in paint[1:]:
        x, y, size = rng.random() * width, rng.random() * height, (0.15 + 0.35 * rng.random()) * side
        (draw.ellipse if rng.random() < 0.6 else draw.rectangle)(
            (x - size, y - size, x + size, y + size), fill=color
        )
    out = io.BytesIO()
    image.save(out, "WEBP", quality=85)
    return out.getvalue()
