"""The page in a real Chromium: keys, swipes, undo, edit, resume, a network that fails, hostile text."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from fakes import NASTY, FakeWorkspace

from benchmarks.browser import CHROMIUM, serving, started
from prefs.store import Store

pytestmark = pytest.mark.browser

if CHROMIUM is None:
    pytest.skip("no Chromium: apt-get install chromium", allow_module_level=True)


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, FakeWorkspace]]:
    folder = tmp_path_factory.mktemp("browser")
    with Store.open(folder / "answers.sqlite") as store:
        workspace = FakeWorkspace(folder, store)
        workspace.alts = {f"item{row:03d}": NASTY for row in range(0, 60, 7)}
        with serving(workspace) as address:
            yield address, workspace


@pytest.fixture(scope="module")
def chromium() -> Iterator[Any]:
    with started() as found:
        yield found


@pytest.fixture
def visit(
    chromium: Any, world: tuple[str, FakeWorkspace], request: pytest.FixtureRequest
) -> Iterator[Callable]:
    """Opens the page as a profile of the test's own, on a desktop or a phone."""
    contexts = []

    def open_page(topics: str = "taste", **options: Any) -> Any:
        context = chromium.new_context(
            base_url=world[0], **{"viewport": {"width": 1200, "height": 800}, **options}
        )
        contexts.append(context)
        own = {"origin": world[0], "sec-fetch-site": "same-origin"}
        name = re.sub(r"\W+", "-", request.node.name)
        assert context.request.post("/api/profile", data={"name": name}, headers=own).ok
        page = context.new_page()
        page.set_default_timeout(20_000)
        page.goto("/")
        page.wait_for_selector("form.k-start")
        for box in page.query_selector_all("[name=topic]"):
            if not box.get_attribute("value").startswith(topics):
                box.uncheck(force=True)
        page.get_by_role("button", name="Begin").click()
        ready(page)
        return page

    yield open_page
    for context in contexts:
        context.close()


def ready(page: Any) -> None:
    page.wait_for_function("document.querySelector('.k-unseen')?.textContent")


def token(page: Any) -> str:
    return str(page.text_content(".k-unseen"))


def press(page: Any, key: str) -> None:
    """Presses a key and waits for the question after it."""
    act(page, lambda: page.keyboard.press(key))


def act(page: Any, action: Callable[[], Any]) -> None:
    page.evaluate(
        "window.turned = 0; addEventListener('kallisti:painted', () => { window.turned = 1; }, {once: true})"
    )
    action()
    page.wait_for_function("window.turned")


def answers(world: tuple[str, FakeWorkspace], request: pytest.FixtureRequest) -> list[Any]:
    name = re.sub(r"\W+", "-", request.node.name)
    return [answer for _, answer in world[1].interview(name).answers]


def test_thirty_pairs_by_keyboard(visit: Any, world: Any, request: Any) -> None:
    page = visit()
    keys = ["ArrowLeft", "ArrowRight", "a", "b", "1", "2"]
    for turn in range(30):
        press(page, keys[turn % 6])
    assert answers(world, request) == [0, 1, 0, 1, 0, 1] * 5
    assert page.text_content(".k-status") == "Saved ✓"
    assert "30 answers" in page.text_content(".k-below")
    assert page.locator(".k-strip li").count() == 10


def test_tie_skip_undo_and_edit(visit: Any, world: Any, request: Any) -> None:
    page = visit()
    for key in ("ArrowDown", "s", "ArrowLeft"):
        press(page, key)
    assert answers(world, request) == [2, None, 0]
    press(page, "Backspace")
    assert answers(world, request) == [2, None]
    page.locator(".k-strip button").first.click()
    act(page, lambda: page.locator("dialog .k-hung").nth(1).click())
    assert "1 answer" in page.text_content(".k-below")
    assert page.locator("dialog").count() == 0
    press(page, "ArrowRight")
    assert answers(world, request) == [1, None, 1]


def test_a_double_press_is_one_answer(visit: Any, world: Any, request: Any) -> None:
    page = visit()
    act(
        page,
        lambda: page.evaluate("for (const _ of [1, 2, 3]) document.querySelector('.k-stage button').click()"),
    )
    assert answers(world, request) == [0]


def test_reload_resumes_at_the_same_question(visit: Any) -> None:
    page = visit()
    press(page, "ArrowLeft")
    before = token(page), page.get_attribute(".k-stage img", "src")
    page.reload()
    ready(page)
    assert (token(page), page.get_attribute(".k-stage img", "src")) == before


def test_an_answer_outlives_a_failing_network_and_a_reload(visit: Any, world: Any, request: Any) -> None:
    page = visit()
    page.route("**/api/answer", lambda route: route.abort())
    page.keyboard.press("ArrowRight")
    page.wait_for_selector(".k-status[data-state=unsaved]")
    assert "retrying" in page.text_content(".k-status")
    assert answers(world, request) == []
    page.unroute("**/api/answer")
    page.wait_for_selector(".k-status[data-state=saved]")
    assert answers(world, request) == [1]
    page.route("**/api/answer", lambda route: route.abort())
    page.keyboard.press("ArrowLeft")
    page.wait_for_selector(".k-status[data-state=unsaved]")
    page.unroute("**/api/answer")
    page.reload()
    ready(page)
    assert answers(world, request) == [1, 0]


def test_a_phone_stacks_and_swipes(visit: Any, world: Any, request: Any) -> None:
    page = visit(viewport={"width": 390, "height": 844}, has_touch=True, is_mobile=True)
    upper, lower = (box.bounding_box() for box in page.query_selector_all(".k-stage img"))
    assert upper["y"] + upper["height"] <= lower["y"]
    assert page.evaluate("document.documentElement.scrollHeight <= innerHeight")
    act(page, lambda: page.tap(".k-stage button"))
    for dx, dy in ((-120, 10), (120, 10), (0, 110)):
        act(page, lambda dx=dx, dy=dy: swipe(page, dx, dy))
    assert answers(world, request) == [0, 0, 1, 1]
    tapped = ".k-actions button, .k-stage button, nav a, .k-theme"
    small = page.evaluate(
        "(all) => [...document.querySelectorAll(all)].map((one) => one.getBoundingClientRect())"
        ".filter((r) => r.width && Math.min(r.height, r.width) < 44).length",
        tapped,
    )
    assert small == 0, "everything to tap is at least 44 px"


def swipe(page: Any, dx: int, dy: int) -> None:
    box = page.query_selector(".k-stage img").bounding_box()
    x, y = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
    session = page.context.new_cdp_session(page)
    for kind, point in (("touchStart", (x, y)), ("touchMove", (x + dx, y + dy))):
        session.send(
            "Input.dispatchTouchEvent", {"type": kind, "touchPoints": [{"x": point[0], "y": point[1]}]}
        )
    session.send("Input.dispatchTouchEvent", {"type": "touchEnd", "touchPoints": []})


def test_hostile_text_stays_text(visit: Any, world: Any) -> None:
    world[1].kinds = ("pair", "bank")
    try:
        page = visit(topics="mood")
        seen = []
        for _ in range(6):
            seen.append(page.text_content(".k-page[data-name=ask]"))
            press(page, "1") if page.locator(".k-stage button").count() and len(seen) < 6 else None
        assert any(NASTY in text for text in seen)
        for name in ("taste", "history", "data"):
            page.click(f"nav a[data-page={name}]")
            page.wait_for_selector(f".k-page[data-name={name}] h1")
        assert page.evaluate("window.hacked") is None
        assert page.locator("img[src=x]").count() == 0
    finally:
        world[1].kinds = ("pair",)


def test_pages_theme_help_and_zoom(visit: Any) -> None:
    page = visit()
    problems: list[str] = []
    page.on("pageerror", lambda error: problems.append(str(error)))
    page.on("request", lambda sent: problems.append(sent.url) if "127.0.0.1" not in sent.url else None)
    page.keyboard.press("?")
    assert "take the last answer back" in page.text_content("dialog")
    page.keyboard.press("Escape")
    page.keyboard.press("z")
    assert page.locator(".k-zoomed").count() == 1
    page.keyboard.press("z")
    for _ in range(4):
        press(page, "ArrowLeft")
    page.click(".k-theme")
    assert page.get_attribute("html", "data-theme") == "dark"
    page.click("nav a[data-page=taste]")
    page.wait_for_selector(".k-map img")
    page.keyboard.press("ArrowLeft")
    page.click("nav a[data-page=history]")
    page.wait_for_selector("[data-name=history] .k-rows li")
    assert page.locator("[data-name=history] .k-rows li").count() == 4, (
        "keys answer on the page of questions only"
    )
    page.go_back()
    assert page.url.endswith("#taste")
    assert problems == []


def test_what_is_known_beforehand_is_told_shown_as_text_and_removed(
    visit: Any, world: Any, request: Any
) -> None:
    world[1].kinds = ("pair", "bank")
    try:
        page = visit()
        page.click("nav a[data-page=taste]")
        page.fill(".k-finder input", "i like")
        page.locator(".k-offers summary").click()
        page.fill(".k-noted textarea", f"By the sea. {NASTY}")
        page.locator(".k-offers .k-label").nth(3).click()
        page.wait_for_selector(".k-known-rows li")
        assert NASTY in page.locator(".k-known-rows li").inner_text()
        assert page.locator(".k-known-rows strong").inner_text() == "True"
        page.get_by_role("button", name="Save the note").click()
        page.wait_for_function("document.querySelector('.k-noted [role=status]').textContent === 'Saved.'")
        page.reload()
        page.wait_for_selector(".k-known-rows li")
        assert page.input_value(".k-noted textarea") == f"By the sea. {NASTY}"
        name = re.sub(r"\W+", "-", request.node.name)
        told = [(question.question_id, answer) for question, answer in world[1].interview(name).known]
        assert told == [("mood1", 3)]
        page.click("nav a[data-page=history]")
        page.wait_for_selector("[data-name=history] section .k-rows li")
        page.click("nav a[data-page=taste]")
        page.get_by_role("button", name="Remove").click()
        page.wait_for_function("!document.querySelector('.k-known-rows li')")
        assert world[1].interview(name).known == ()
        assert page.evaluate("window.hacked") is None
        assert page.locator("img[src=x]").count() == 0
    finally:
        world[1].kinds = ("pair",)


@pytest.fixture
def foretelling(visit: Any, world: Any) -> Iterator[Callable[..., Any]]:
    """Opens the page of predictions after a few answers about pictures; sentences are open too."""
    world[1].kinds = ("pair", "bank")

    def open_page(**options: Any) -> Any:
        page = visit(topics="", **options)
        for _ in range(3):
            act(page, lambda: page.locator(".k-stage button").first.click())
        page.click("nav a[data-page=predictions]")
        page.wait_for_selector(".k-guess")
        page.get_by_label("About", exact=True).select_option("mood")
        return page

    yield open_page
    world[1].kinds = ("pair",)


def outcome(page: Any, number: int) -> str:
    """The state of a card once it is answered or taken back."""
    found = page.locator(".k-guess").nth(number)
    page.wait_for_function("(card) => card.dataset.state !== 'open'", arg=found.element_handle())
    return str(found.get_attribute("data-state"))


def test_a_prediction_unfolds_only_after_the_answer(foretelling: Any, world: Any, request: Any) -> None:
    page = foretelling()
    card = page.locator(".k-guess").first
    assert "sure what you will say" in card.inner_text()
    assert card.locator(".k-figure-of").all_inner_texts() == [""] * card.locator("[data-answer]").count()
    before = [one.bounding_box() for one in page.locator(".k-guess").all()]
    card.locator("[data-answer]").nth(1).click()
    state = outcome(page, 0)
    verdict = card.locator(".k-verdict").inner_text()
    assert verdict.startswith("Right." if state == "right" else "Wrong: I expected")
    assert page.evaluate("document.activeElement.className") == "k-verdict", "a reader hears the verdict"
    shares = [int(text.rstrip("%")) for text in card.locator(".k-figure-of").all_inner_texts()]
    assert 97 <= sum(shares) <= 103
    expected = card.locator(".k-expected").get_attribute("data-answer")
    assert (expected == "1") == (state == "right")
    assert card.locator("[aria-pressed=true]").get_attribute("data-answer") == "1"
    assert [one.bounding_box() for one in page.locator(".k-guess").all()] == before, "nothing jumps"
    score = page.locator(".k-score dd").first.inner_text()
    assert score.startswith(f"{int(state == 'right')} of 1")
    assert answers(world, request)[-1] == 1
    last = world[1].interview(re.sub(r"\W+", "-", request.node.name)).answers[-1][0]
    assert last.planner == "person"


def test_it_is_taken_back_and_not_asked_for(foretelling: Any, world: Any, request: Any) -> None:
    page = foretelling()
    card = page.locator(".k-guess").first
    card.locator("[data-answer]").first.click()
    outcome(page, 0)
    assert len(answers(world, request)) == 4
    card.get_by_role("button", name="Take back").click()
    page.wait_for_function("document.querySelector('.k-guess').dataset.state === 'open'")
    assert len(answers(world, request)) == 3
    page.wait_for_function("document.querySelector('.k-score dd').textContent.startsWith('–')")
    card.locator("[data-answer]").first.click()
    outcome(page, 0)
    assert "Not counted" in card.locator(".k-verdict").inner_text()
    page.click("nav a[data-page=ask]")
    page.wait_for_function("document.querySelectorAll('.k-strip li').length === 4")


def test_predictions_by_keyboard_and_reload(foretelling: Any) -> None:
    page = foretelling()
    page.locator(".k-guess").first.locator("[data-answer]").first.focus()
    page.keyboard.press("ArrowDown")
    assert page.evaluate("document.activeElement.dataset.answer") == "1"
    page.keyboard.press("ArrowUp")
    page.keyboard.press("Enter")
    first = outcome(page, 0)
    page.locator(".k-guess").nth(1).get_by_role("button", name="Can’t say").click()
    assert outcome(page, 1) == "skipped"
    page.reload()
    page.wait_for_selector(".k-outcomes li")
    marks = page.locator(".k-outcomes .k-number").all_inner_texts()
    assert marks == ["–", "✓" if first == "right" else "✗"]
    page.locator(".k-outcomes").get_by_role("button", name="Take back").first.click()
    page.wait_for_function("document.querySelectorAll('.k-outcomes li').length === 1")


def test_all_shown_at_once_is_a_choice_and_is_kept_out_of_the_score(foretelling: Any) -> None:
    page = foretelling()
    page.get_by_role("switch").check(force=True)
    page.wait_for_selector(".k-unfolded .k-expected")
    card = page.locator(".k-guess").first
    card.locator(".k-expected").click()
    assert outcome(page, 0) == "right"
    assert "Not counted, as it was in sight" in card.locator(".k-verdict").inner_text()
    assert page.locator(".k-score dd").first.inner_text().startswith("–")
    page.get_by_role("switch").uncheck(force=True)
    page.wait_for_function("document.querySelectorAll('.k-guess.k-unfolded').length === 1")


def test_a_prediction_that_cannot_be_saved_says_so_and_is_sent_again(
    foretelling: Any, world: Any, request: Any
) -> None:
    page = foretelling()
    page.route("**/api/tell", lambda route: route.abort())
    card = page.locator(".k-guess").first
    card.locator("[data-answer]").first.click()
    page.wait_for_function("document.querySelector('.k-verdict').textContent.startsWith('Not saved')")
    assert len(answers(world, request)) == 3
    page.unroute("**/api/tell")
    card.locator("[data-answer]").first.click()
    outcome(page, 0)
    assert len(answers(world, request)) == 4


def test_predictions_on_a_phone(foretelling: Any) -> None:
    page = foretelling(viewport={"width": 390, "height": 844}, has_touch=True, is_mobile=True)
    page.get_by_label("About", exact=True).select_option("pictures")
    page.locator(".k-guess .k-bet").first.tap()
    assert outcome(page, 0) in ("right", "wrong")
    assert page.evaluate("document.documentElement.scrollWidth") == 390
    small = page.evaluate(
        "(all) => [...document.querySelectorAll(all)].map((one) => one.getBoundingClientRect())"
        ".filter((r) => r.width && Math.min(r.height, r.width) < 44).length",
        ".k-guess button, nav a, .k-theme, .k-controls select, .k-switch",
    )
    assert small == 0, "everything to tap is at least 44 px"
