from __future__ import annotations

import re

from ui.rankpage import Cell, page

NASTY = "\"><script>alert('x')</script>"


def cell(place: int = 1, better: float = 0.7, top: float = 0.2) -> Cell:
    return Cell(place, b"bytes", "image/jpeg", NASTY, NASTY, better, top)


def test_nothing_of_a_folder_becomes_markup() -> None:
    text = page(NASTY, [cell()], 1, 12)
    assert "<script" not in text
    assert "&lt;script&gt;" in text


def test_the_page_needs_nothing_else() -> None:
    text = page("art", [cell(1), cell(2)], 2, 12)
    assert not re.search(r"(?:src|href)=\"(?!data:)", text)
    assert "url(" not in text
    assert text.count('src="data:image/jpeg;base64,Ynl0ZXM="') == 2


def test_it_says_how_many_of_how_many_and_how_sure() -> None:
    text = page("art", [cell(1, 0.934, 0.6), cell(2, 0.5, 0.1)], 1234, 12)
    assert "The first 2 of 1,234 pictures" in text
    assert "12 answers" in text
    assert text.count('class="best"') == 1
    assert 'style="width:93%"' in text
    assert "2 pictures, the prettiest first" in page("art", [cell(1), cell(2)], 2, 12)
