"""The plots of benchmarks.simulated_tastes and benchmarks.real_tastes."""

from __future__ import annotations

import io
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

GOLD, GRAY, INK = "#B8860B", "#8A8A86", "#2B2B28"
BLUE = "#3E6E8E"
Look = Mapping[str, tuple[str, str, str]]  # color, dash and label of each curve
LOOK = {
    "eig": (GOLD, "-", "planned (eig)"),
    "random": (GRAY, "--", "random"),
}
REAL = {
    "zero, eig": (GOLD, "-", "planned (eig)"),
    "zero, random": (GRAY, "--", "random"),
    "generic, eig": (BLUE, "-", "planned, from\nothers' taste"),
    "zero, wrong person": (INK, ":", "wrong person"),
}


def plot(figures: Mapping[str, Any]) -> bytes:
    """PNG of accuracy of simulated people against number of answers, with 95 % bands."""
    title = (
        f"Pairs of unseen pictures predicted rightly\n{figures['people']} simulated people, "
        f"{figures['pictures']} drawn pictures, bands of 95 %"
    )
    curves = {policy: figures[policy]["accuracy"] for policy in LOOK}
    return _drawn(title, figures["answers"], curves, LOOK, [0, 5, 10, 15, 20, 30, 40], None)


def plot_real(figures: Mapping[str, Any]) -> bytes:
    """PNG of accuracy of real people against number of answers, with 95 % bands."""
    title = (
        f"Real people, fine taste: pairs of unseen pictures of one kind predicted rightly\n"
        f"{figures['people']} people, flowers, houses and paintings, bands of 95 % over people"
    )
    curves = {name: figures[name]["accuracy"] for name in REAL}
    return _drawn(title, figures["answers"], curves, REAL, [0, 20, 50, 100, 200], figures["majority"])


def _drawn(
    title: str,
    x: Sequence[int],
    curves: Mapping[str, Any],
    look: Look,
    ticks: list[int],
    majority: float | None,
) -> bytes:
    """PNG of curves with mean, low and high at x; majority: height of a line to compare with."""
    import matplotlib as mpl

    mpl.use("Agg")
    import matplotlib.pyplot as plt

    figure, axes = plt.subplots(figsize=(7.2, 4.4), dpi=180, facecolor="white")
    lines = [("coin", 0.5)] + ([("majority\nof others", majority)] if majority else [])
    ends = []
    for name, (color, dash, label) in look.items():
        curve = curves[name]
        axes.fill_between(x, curve["low"], curve["high"], color=color, alpha=0.14, linewidth=0)
        axes.plot(x, curve["mean"], dash, color=color, linewidth=2.2, solid_capstyle="round")
        ends.append((curve["mean"][-1], label, color))
    for label, height in lines:
        axes.axhline(height, color=INK, linewidth=0.6, alpha=0.5)
        ends.append((height, label, INK))
    _labeled(axes, x[-1], ends)
    axes.set_xlim(0, x[-1])
    axes.set_xticks(ticks)
    axes.yaxis.set_major_formatter(mpl.ticker.PercentFormatter(1.0, decimals=0))
    axes.set_xlabel("answers given", color=INK)
    axes.set_title(title, loc="left", fontsize=10.5, color=INK)
    axes.grid(axis="y", color=INK, alpha=0.08)
    axes.tick_params(colors=INK, length=0)
    axes.spines[:].set_visible(False)
    figure.subplots_adjust(left=0.09, right=0.81, top=0.86, bottom=0.13)
    data = io.BytesIO()
    figure.savefig(data, format="png")
    plt.close(figure)
    return data.getvalue()


def _labeled(axes: Any, x: float, ends: list[tuple[float, str, str]]) -> None:
    """Names the curves at their right ends, moved apart where they would touch."""
    low, high = axes.get_ylim()
    apart, below = 0.065 * (high - low), -np.inf
    for height, label, color in sorted(ends):
        below = max(height, below + apart * (1.7 if "\n" in label else 1.0))
        axes.annotate(
            label,
            (x, below),
            (8, 0),
            textcoords="offset points",
            color=color,
            va="center",
            annotation_clip=False,
        )
