"""A scripted person with a fixed taste answers thirty pairs by the arrow keys in a real browser.

Per gallery: `kallisti serve` runs as a process of its own, Chromium opens the page, the person looks at
the ids in the addresses of the two pictures, and presses the arrow towards the one that he really likes
more. Then the store is read, and the belief that it gives foretells pairs of pictures that were never
shown. As a control, five people answer by tossing a coin.

    python -m benchmarks.scripted_person --out docs --photographs ../shared/data/images/prettier-pairs
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from prefs.files import write_bytes
from prefs.space import Floats

ANSWERS, HELD_OUT, COINS, SEED = 30, 2000, 5, 5
PAINTED = "document.querySelector('.k-unseen')?.textContent.startsWith('Question {}.')"
SHOWN = "[...document.querySelectorAll('.k-wall img')].map((image) => image.src.split('/').at(-2))"


def standard(values: Floats) -> Floats:
    """Values with mean 0 and standard deviation 1."""
    return np.asarray((values - values.mean()) / values.std())


def tastes_drawn(workspace: Any) -> dict[str, dict[str, float]]:
    """Utilities by item id on the attributes under which the drawn gallery's pictures were drawn."""
    (one,) = workspace.galleries.values()
    about = json.loads((one.gallery.root / "gallery.json").read_text(encoding="utf-8"))["pictures"]
    column = {name: np.array([row[name] for row in about]) for name in about[0]}
    full = np.array([("sparse", "balanced", "dense").index(name) for name in column["complexity"]])
    warm, dark = standard(column["warmth"]), -standard(column["lightness"])
    cool_calm = -warm - standard(column["chroma"]) + standard((column["edges"] == "soft").astype(float))
    items = [one.gallery.by_key(name) for name in column["file"]]
    return {
        "warm, dark and full": dict(zip(items, warm + dark + standard(full.astype(float)), strict=True)),
        "cool, muted and soft": dict(zip(items, cool_calm, strict=True)),
    }


def tastes_of_photographs(workspace: Any) -> dict[str, dict[str, float]]:
    """Utilities by item id on the category and on the mean color of the pictures' pixels."""
    from PIL import Image

    (one,) = workspace.galleries.values()
    items = one.gallery.items()
    small = [one.gallery.picture(item, 64).resize((32, 32), Image.Resampling.BOX) for item in items]
    pixels = np.stack([np.asarray(picture, dtype=float) / 255 for picture in small]).reshape(
        len(items), -1, 3
    )
    warm, light = standard((pixels[..., 0] - pixels[..., 2]).mean(1)), standard(pixels.mean((1, 2)))
    vivid = standard(np.ptp(pixels, axis=2).mean(1))
    topics = np.array([workspace.topics[item] for item in items])
    house, painting = (standard((topics == name).astype(float)) for name in ("house", "painting"))
    return {
        "paintings, warm and dark": dict(zip(items, painting + warm - light, strict=True)),
        "houses, vivid and light": dict(zip(items, house + vivid + light, strict=True)),
    }


@contextmanager
def served(data_dir: Path, arguments: Sequence[str]) -> Iterator[str]:
    """The address of a `kallisti serve` process of its own on a free port, ended afterwards."""
    from benchmarks.browser import free_port

    kallisti = str(Path(sys.executable).with_name("kallisti"))
    command = [
        kallisti,
        "serve",
        "--json",
        "--port",
        str(free_port()),
        "--data-dir",
        str(data_dir),
        *arguments,
    ]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    try:
        assert process.stdout is not None
        yield json.loads(process.stdout.readline())["url"]
    finally:
        process.terminate()
        process.wait()


def liked(likes: Mapping[str, float], left: str, right: str) -> bool:
    """Whether the left one is liked more."""
    return likes[left] > likes[right]


def tossed(coin: np.random.Generator, left: str, right: str) -> bool:
    """Left or right by a coin."""
    return bool(coin.integers(2))


def sit(chromium: Any, address: str, rater: str, prefers: Callable[[str, str], bool]) -> None:
    """One person, as a profile of its own, answers by the arrow keys: left where it is preferred."""
    context = chromium.new_context(base_url=address, viewport={"width": 1440, "height": 900})
    page = context.new_page()
    own = {"origin": address.rstrip("/"), "sec-fetch-site": "same-origin"}
    context.request.post("/api/profile", data={"name": rater}, headers=own)
    page.goto("/")
    page.get_by_role("button", name="Begin").click()
    for number in range(1, ANSWERS + 1):
        page.wait_for_function(PAINTED.format(number))
        left, right = page.evaluate(SHOWN)
        page.keyboard.press("ArrowLeft" if prefers(left, right) else "ArrowRight")
    page.wait_for_function(PAINTED.format(ANSWERS + 1))
    context.close()


def foretold(workspace: Any, rater: str, likes: Mapping[str, float]) -> tuple[float, float, float]:
    """Share of held-out pairs foretold, with a 95 % interval by a bootstrap over pictures.

    Over pictures, since pairs share them.
    """
    from prefs.taste import utility

    live, source = workspace.interview(rater), workspace.pictures
    said = sum(answer is not None for _, answer in live.answers)
    if said != ANSWERS:
        raise RuntimeError(f"{said} answers of {rater!r} are in the store, {ANSWERS} were given")
    seen = {item for asked in live.asked.values() for item in asked.question.items}
    unseen = np.array([source.row(item) for item in source.items if item not in seen], dtype=np.intp)
    believed = utility(live.belief, source, unseen)[0]
    true = np.array([likes[source.items[row]] for row in unseen])
    rng = np.random.default_rng(SEED)
    found = share(believed, true, rng)
    draws = []
    for _ in range(400):
        again = rng.integers(len(unseen), size=len(unseen))
        draws.append(share(believed[again], true[again], rng))
    low, high = np.quantile(draws, (0.025, 0.975))
    return found, float(low), float(high)


def share(believed: Floats, true: Floats, rng: np.random.Generator) -> float:
    """Share of random pairs in which the picture believed to be liked more is; equal ones left out."""
    a, b = rng.integers(len(true), size=(2, HELD_OUT))
    told = true[a] != true[b]
    right = (believed[a] > believed[b]) == (true[a] > true[b])
    return float(right[told].mean())


def visit(title: str, data_dir: Path, gallery: Path | None, tastes: Callable[[Any], Any]) -> list[str]:
    """Rows of the table for one gallery: each taste, and what tossed coins say of it."""
    from benchmarks.browser import started
    from training.workspace import Workspace

    galleries = [gallery] if gallery else []
    workspace = Workspace.open(data_dir, galleries)
    people = tastes(workspace)
    workspace.close()
    arguments = [part for one in galleries for part in ("--gallery", str(one))]
    coins = [f"coin {number}" for number in range(COINS)]
    with tempfile.TemporaryDirectory() as folder:
        database = f"sqlite:///{Path(folder) / 'answers.sqlite'}"
        with served(data_dir, [*arguments, "--database-url", database]) as address, started() as chromium:
            for name, likes in people.items():
                sit(chromium, address, rater_of(name), partial(liked, likes))
            for number, name in enumerate(coins):
                sit(chromium, address, name, partial(tossed, np.random.default_rng([SEED, number])))
        workspace = Workspace.open(data_dir, galleries, database_url=database)
        rows = []
        for name, likes in people.items():
            found, low, high = foretold(workspace, rater_of(name), likes)
            by_coin = [foretold(workspace, coin, likes)[0] for coin in coins]
            control = f"{np.mean(by_coin):.2f} ({min(by_coin):.2f} to {max(by_coin):.2f})"
            rows.append(f"| {title} | {name} | {found:.2f} ({low:.2f} to {high:.2f}) | {control} |")
        workspace.close()
    return rows


def rater_of(name: str) -> str:
    """The profile of the person with this taste."""
    return name.replace(",", "")


def main() -> None:
    """Writes docs/scripted_person.md."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--data-dir", type=Path, help="prepared data folder, to be used again")
    parser.add_argument("--photographs", type=Path, help="shards whose topics are flower, house and painting")
    parser.add_argument("--out", type=Path, default=Path("docs"))
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        data_dir = options.data_dir or Path(folder)
        rows = visit("drawn by Kallisti", data_dir, None, tastes_drawn)
        if options.photographs:
            rows += visit("photographs and paintings", data_dir, options.photographs, tastes_of_photographs)
    write_bytes(options.out / "scripted_person.md", page_of(rows).encode())


def page_of(rows: Sequence[str]) -> str:
    """The page of the results."""
    usage = (__doc__ or "").replace("    python", "```\npython").rstrip() + "\n```\n"
    head = "| gallery | taste | foretold (95 % interval) | by five coins: mean (least to most) |\n"
    head += "|---|---|---|---|\n"
    return f"# A scripted person in a real browser\n\n{usage}\n{head}" + "\n".join(rows) + f"\n\n{MEANING}\n"


MEANING = """The share is of pairs of pictures that the person was never shown, after thirty answers; the
interval is by a bootstrap over those pictures, so it holds for this one person and these questions, not for
people in general. Whoever answers by a coin has no taste to be learned: what is then "learned" agrees with
the named taste by accident only, near .50 on average and a tenth or two off, or more, in a single run.

The scripted person never errs and judges by three properties that can be seen in the pixels, which is
kinder than any real person: this shows that the way from the key to the prediction is whole, not how well
people are foretold. For that see [real_tastes.md](real_tastes.md), and for many simulated people who do
err, [simulated_tastes.md](simulated_tastes.md)."""


if __name__ == "__main__":
    main()
