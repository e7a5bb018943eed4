"""The plot of benchmarks.simulated_tastes."""

from __future__ import annotations

import io
from collections.abc import Mapping
from typing import Any

GOLD, GRAY, INK = "#B8860B", "#8A8A86", "#2B2B28"
LOOK = {
    "eig": (GOLD, "-", "planned (eig)"),
    "random": (GRAY, "--", "random"),
}


def plot(figures: Mapping[str, Any]) -> bytes:
    """PNG of accuracy against number of answers, with 95 % bands."""
    import matplotlib as mpl

    mpl.use("Agg")
    import matplotlib.pyplot as plt

    figure, axes = plt.subplots(figsize=(7.2, 4.4), dpi=180, facecolor="white")
    x = figures["answers"]
    for policy, (color, dash, label) in LOOK.items():
        curve = figures[policy]
        axes.fill_between(x, curve["low"], curve["high"], color=color, alpha=0.16, linewidth=0)
        axes.plot(x, curve["accuracy"], dash, color=color, linewidth=2.2, solid_capstyle="round")
        axes.annotate(
            label,
            (x[-1], curve["accuracy"][-1]),
            (8, 0),
            textcoords="offset points",
            color=color,
            va="center",
        )
    axes.axhline(0.5, color=INK, linewidth=0.6, alpha=0.5)
    axes.annotate("coin", (x[-1], 0.5), (8, 0), textcoords="offset points", color=INK, va="center", alpha=0.6)
    axes.set_xlim(0, x[-1])
    axes.set_xticks([0, 5, 10, 15, 20, 30, 40])
    axes.yaxis.set_major_formatter(mpl.ticker.PercentFormatter(1.0, decimals=0))
    axes.set_xlabel("answers given", color=INK)
    axes.set_title(
        f"Pairs of unseen pictures predicted rightly\n{figures['people']} simulated people, "
        f"{figures['pictures']} drawn pictures, bands of 95 %",
        loc="left",
        fontsize=11,
        color=INK,
    )
    axes.grid(axis="y", color=INK, alpha=0.08)
    axes.tick_params(colors=INK, length=0)
    axes.spines[:].set_visible(False)
    figure.subplots_adjust(left=0.09, right=0.82, top=0.86, bottom=0.13)
    data = io.BytesIO()
    figure.savefig(data, format="png")
    plt.close(figure)
    return data.getvalue()
