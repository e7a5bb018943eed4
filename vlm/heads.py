"""What is read from the states of a passage: taste, appeal, threshold shapes and the side of a label.

Taste is linear in the states, or a sum of themes with signs: for m = 1..M, with x the standardised states,

    v = concatenation of  amount_m tanh(sign_m(x)) theme_m(x) / |theme_m(x)| .

What a question is about (the theme) and for or against what it speaks (the sign) are read apart, because
language models put "I worry" and "I never worry" side by side: a sign is one number, which few questions
suffice to learn. For the same reason the labels of a scale are read apart: each has a side, and a scale
points from the side of its first label to that of its last. Imports torch at once.
"""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor, nn

from vlm.config import BENDS, PreferenceConfig

LENGTH = 4.0  # of the pooled state of a linear map, whatever the backbone's scale
TASTE_SD = 0.9  # of a taste coordinate's weights times the square root of the states' size, at the start
AMOUNT = 0.6  # of a theme at the start
SIDE_SD = 1e-3  # of the weights that read a side, at the start
SMALLEST = 1e-3  # standard deviation of a state


class Read(NamedTuple):
    """What was read of N passages: taste (N, d), appeal (N,), bends (N, 3) and side (N,), float32."""

    taste: Tensor
    appeal: Tensor
    bends: Tensor
    side: Tensor


class Heads(nn.Module):
    """Reads the pooled states (N, S) of passages. size: S."""

    middle: Tensor
    spread: Tensor

    def __init__(self, config: PreferenceConfig, size: int) -> None:
        super().__init__()
        self.signs, self.dim = config.signs, config.dim
        self.taste, self.appeal, self.bends = (nn.Linear(size, count) for count in (config.dim, 1, BENDS))
        for head in (self.taste, self.appeal, self.bends):
            nn.init.zeros_(head.bias)
            nn.init.zeros_(head.weight)
        nn.init.normal_(self.taste.weight, std=TASTE_SD / size**0.5)
        self.dropout = nn.Dropout(config.dropout)
        self.register_buffer("middle", torch.zeros(size))
        self.register_buffer("spread", torch.ones(size))
        self.side: nn.Linear | None = None
        if config.signs:
            self.side = nn.Linear(size, 1, bias=False)
            nn.init.normal_(self.side.weight, std=SIDE_SD)
            steps = (nn.Linear(size, config.inner), nn.GELU(), nn.Dropout(config.dropout / 2))
            self.sign = nn.Sequential(*steps, nn.Linear(config.inner, config.signs))
            self.amount = nn.Parameter(torch.full((config.signs,), AMOUNT))

    def start(self, states: Tensor) -> None:
        """Takes the mean and spread of states (N, S) for the standard, and their main axes for the themes.

        Where there are fewer axes than a theme has coordinates, the others stay as they are.
        """
        self.middle.copy_(states.mean(0))
        self.spread.copy_(states.std(0).clamp(min=SMALLEST))
        if self.signs:
            white = (states - self.middle) / self.spread / states.shape[1] ** 0.5
            axes = torch.linalg.svd(white, full_matrices=False)[2][: self.dim // self.signs]
            with torch.no_grad():
                self.taste.weight.view(self.signs, -1, states.shape[1])[:, : len(axes)] = axes

    def forward(self, states: Tensor) -> Read:
        """What is read of N passages."""
        if self.side is None:
            seen = nn.functional.normalize(states, dim=-1) * LENGTH
            nothing = states.new_zeros(len(states))
            return Read(self.taste(seen), self.appeal(seen)[:, 0], self.bends(seen), nothing)
        white = (states - self.middle) / self.spread / states.shape[1] ** 0.5
        seen = self.dropout(white)
        themes = self.taste(seen).view(len(states), self.signs, -1)
        strength = self.amount * torch.tanh(self.sign(seen * states.shape[1] ** 0.5))
        taste = nn.functional.normalize(themes, dim=-1) * strength[..., None]
        side = self.side(white * states.shape[1] ** 0.5)[:, 0]
        return Read(taste.flatten(1), self.appeal(seen)[:, 0], self.bends(seen), side)
