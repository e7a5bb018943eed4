"""The evaluation as a picture: accuracy and log loss against the number of questions, with bands."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from prefs.files import write_bytes

INK, QUIET, GRID = "#2b2a27", "#8a867d", "#ece8df"
# Okabe and Ito (2008): told apart by the color-blind, too
LOOKS: dict[str, tuple[str, str, str]] = {
    "random": ("random order", "#9a968c", "-"),
    "static": ("best fixed order", "#0072b2", "-"),
    "static_id": ("best fixed order for the ID", "#56b4e9", "--"),
    "eig": ("adaptive, eig", "#d55e00", "-"),
    "epig": ("adaptive, epig", "#009e73", "-"),
    "policy": ("adaptive near the fixed order", "#009e73", "-"),
    "eig_id": ("adaptive, eig of the ID", "#cc79a7", "-"),
    "root_id": ("adaptive, root of the ID", "#cc79a7", "-"),
    "catsim": ("catsim, one trait", "#e69f00", "--"),
    "hindsight": ("bound: answers seen beforehand", INK, ":"),
    "eig_alone": ("eig, others unknown", "#d55e00", ":"),
    "botorch": ("BoTorch, others unknown", "#e69f00", "-."),
    "choix": ("choix, others only", "#cc79a7", "-."),
}
PANELS = (
    ("accuracy", "Accuracy of unasked answers", "share predicted right"),
    ("log_loss", "Log loss of unasked answers", "nats per answer"),
    ("share_identified", "Who is it?", "share of raters with p(rater ID) above one half"),
)
NAMED = "share_identified"
ABREAST = 6  # names that fit beside each other
TICKS = (0, 5, 10, 15, 20, 30, 40)


def plot_evaluation(result: Mapping[str, Any], path: Path) -> None:
    """Draws the JSON of `evaluate` as PNG; lines end where too few people answered enough questions."""
    import io

    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure
    from matplotlib.layout_engine import ConstrainedLayoutEngine

    layout = ConstrainedLayoutEngine(w_pad=0.12, h_pad=0.08)
    figure = Figure(figsize=(13.5, 5.1), dpi=150, facecolor="white", layout=layout)
    FigureCanvasAgg(figure)
    for axes, (measure, title, unit) in zip(figure.subplots(1, 3), PANELS, strict=True):
        _panel(axes, result, measure)
        axes.set_title(title, loc="left", fontsize=12, color=INK, pad=22)
        axes.text(0, 1.02, unit, transform=axes.transAxes, fontsize=9, color=QUIET)
        axes.set_xlabel("questions asked", fontsize=9, color=QUIET)
    shown: dict[str, Any] = {}
    for axes in figure.axes:
        handles, labels = axes.get_legend_handles_labels()
        shown.update(zip(labels, handles, strict=True))
    figure.legend(
        shown.values(),
        shown.keys(),
        loc="outside lower center",
        ncols=-(-len(shown) // (1 if len(shown) <= ABREAST else 2)),
        frameon=False,
        fontsize=9.5,
        labelcolor=INK,
    )
    figure.suptitle(
        f"{result['dataset']}: {result['n_test_raters']} people the model has not seen, "
        "bands are 95 % intervals over people",
        x=0.01,
        ha="left",
        fontsize=10,
        color=QUIET,
    )
    stream = io.BytesIO()
    figure.savefig(stream, format="png", metadata={"Software": None})
    write_bytes(path, stream.getvalue())


def _shown(result: Mapping[str, Any], measure: str) -> set[str]:
    """The policies of a panel: of many, the rivals and the best for its purpose."""
    names = set(result["policies"])
    chosen = {result["chosen"]["identification" if measure == NAMED else "prediction"]}
    if measure == NAMED:
        left_out = {"static", "epig", "policy", "eig_id", "root_id"}
    else:
        left_out = {"static_id", "eig", "eig_id", "root_id", "hindsight"}
        left_out |= {"epig"} if "policy" in names else set()
    return names - (left_out - chosen) if names & {"policy", "root_id"} else names


def _panel(axes: Any, result: Mapping[str, Any], measure: str) -> None:
    lines = {
        LOOKS.get(name, (name, INK, ":")): values
        for name, values in result["policies"].items()
        if name in _shown(result, measure) and measure in values
    }
    bands = [edge for values in lines.values() for band in values[f"{measure}_ci"] if band for edge in band]
    low, high = min(bands), max(bands)
    wrong = result["controls"].get("wrong_person", {})
    if measure == "log_loss" and wrong:  # leaves the picture at the top
        lines["answers of another person", "#a0522d", ":"] = wrong
        axes.set_ylim(low - 0.05 * (high - low), high + 0.35 * (high - low))
    for (label, color, dash), values in lines.items():
        points = [
            (k, value, *band)
            for k, value, band in zip(result["k"], values[measure], values[f"{measure}_ci"], strict=True)
            if value is not None
        ]
        ks, means, lows, highs = zip(*points, strict=True)
        axes.fill_between(ks, lows, highs, color=color, alpha=0.08, linewidth=0)
        axes.plot(
            ks, means, color=color, linestyle=dash, linewidth=1.9, label=label, marker="o", markersize=3
        )
    full = result["full_information"].get(measure)
    if full is not None:
        label = "all other answers known"
        axes.axhline(full, color=INK, linewidth=0.9, linestyle=(0, (2, 3)), label=label)
    axes.set_xticks([k for k in TICKS if k <= max(ks)])
    axes.grid(axis="y", color=GRID, linewidth=0.9)
    axes.tick_params(length=0, labelsize=9, labelcolor=QUIET)
    axes.set_axisbelow(True)
    for side in axes.spines.values():
        side.set_visible(False)
