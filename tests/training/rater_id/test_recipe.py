from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from prefs.errors import ConfigError
from training.rater_id.recipe import Recipe


def test_a_recipe_survives_json() -> None:
    recipe = Recipe(steps=7, context=(0.2, 0.9), size=12, keep="gain")
    assert Recipe.from_json(json.loads(json.dumps(recipe.as_json()))) == recipe


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"step": 3}, "'step' is no setting: allowed are seed, steps"),
        ({"steps": 0}, "steps 0: allowed are whole numbers from 1"),
        ({"steps": 1.5}, "steps 1.5: allowed are whole numbers"),
        ({"steps": True}, "steps True"),
        ({"rate": "fast"}, "rate 'fast': allowed are numbers from 0 to 1"),
        ({"rate": float("nan")}, "rate nan"),
        ({"context": [0.7, 0.3]}, "two rising shares"),
        ({"context": 0.5}, "context 0.5"),
        ({"context": ["a", "b"]}, "give the smallest and the largest share"),
        ({"keep": "first"}, "keep 'first': allowed are loss, correlation, gain, last"),
        ({"precision": "fp8"}, "precision 'fp8': allowed are auto, bf16, float32"),
        ({"tune": 3}, "tune 3: allowed are full, lora, heads"),
        ({"answers": 0, "identity": 0, "moments": 0}, "nothing would be learned"),
    ],
)
def test_a_wrong_setting_is_refused_in_one_line(values: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        Recipe.from_json(values)


def test_a_file_that_holds_no_recipe_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "recipe.json"
    path.write_text("[1]")
    with pytest.raises(ConfigError, match="holds no JSON object"):
        Recipe.read(path)
    path.write_text("{")
    with pytest.raises(ConfigError, match="cannot be read"):
        Recipe.read(path)
    path.write_text('{"steps": 9}')
    assert Recipe.read(path) == Recipe(steps=9)
