"""Makes what docs/ shows anew: `python scripts/docs.py [--only pictures|pages]` (make docs).

pictures: of the app, in Chromium, after twenty answers about the drawn gallery.
pages: what simulated and scripted people show, which takes some minutes.
"""

from __future__ import annotations

import argparse
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any
from urllib.request import urlopen

ROOT = Path(__file__).resolve().parent.parent
DOCS = ROOT / "docs"
SHOTS = {"#ask": "app.png", "#taste": "app-taste.png", "#predictions": "app-predictions.png"}
ANSWERS = 20
KEYS = ("ArrowLeft", "ArrowRight", "ArrowRight")
SETTLED_MS = 900


def pages() -> None:
    """The pages of simulated and scripted people."""
    with tempfile.TemporaryDirectory() as folder:
        for name in ("simulated_tastes", "scripted_person"):
            command = [sys.executable, "-m", f"benchmarks.{name}", "--data-dir", folder, "--out", str(DOCS)]
            subprocess.run(command, check=True, cwd=ROOT)


def pictures() -> None:
    """Pictures of the app's pages."""
    browser = shutil.which("chromium") or shutil.which("google-chrome")
    if browser is None:
        sys.exit("pictures of the app need Chromium: install it, or give --only pages")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = str(free.getsockname()[1])
    with tempfile.TemporaryDirectory() as folder:
        kallisti = str(Path(sys.executable).with_name("kallisti"))
        app = subprocess.Popen([kallisti, "serve", "--data-dir", folder, "--port", port], cwd=ROOT)
        try:
            take(f"http://127.0.0.1:{port}/", browser)
        finally:
            app.terminate()
            app.wait()


def take(address: str, browser: str) -> None:
    """Answers as somebody would, and takes the pictures."""
    from playwright.sync_api import sync_playwright

    wait_for(address)
    with sync_playwright() as play:
        options: dict[str, Any] = {"executable_path": browser, "args": ["--no-sandbox", "--disable-gpu"]}
        chromium = play.chromium.launch(**options)
        page = chromium.new_page(viewport={"width": 1280, "height": 900})
        page.goto(address)
        page.get_by_role("button", name="Begin").click()
        page.wait_for_timeout(4 * SETTLED_MS)
        for number in range(ANSWERS):
            page.keyboard.press(KEYS[number * number % len(KEYS)])
            page.wait_for_timeout(SETTLED_MS)
        for place, name in SHOTS.items():
            page.goto(address + place)
            page.wait_for_timeout(4 * SETTLED_MS)
            page.screenshot(path=str(DOCS / name), full_page=place == "#taste")
        chromium.close()


def wait_for(address: str) -> None:
    """Returns when the app answers; exits after five minutes."""
    for _ in range(300):
        try:
            with urlopen(address, timeout=2):
                return
        except OSError:
            time.sleep(1)
    sys.exit(f"the app at {address} did not start within five minutes: see what it says above")


def main() -> None:
    """Makes what was asked for."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--only", choices=("pictures", "pages"))
    wanted = parser.parse_args().only
    if wanted != "pages":
        pictures()
    if wanted != "pictures":
        pages()


if __name__ == "__main__":
    main()
