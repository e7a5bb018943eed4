"""A fitted bank: its questions as vectors, ready to stand in a taste space, and kept on disk."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from prefs.bank import ItemBank
from prefs.draws import normals
from prefs.errors import ModelError
from prefs.files import read_manifest, write_bytes, write_json, write_manifest
from prefs.model import AGREE, EXTREME, BankSource, ChoiceModel
from prefs.space import STYLE_SD, Floats, TasteSpace, independent

RECIPE = "4"  # names what fits make of the same data: raise it when that changes
FORMAT, SEVERAL = "kallisti.bank/2", "kallisti.banks/1"
BANKS = "banks"
TENSORS, ABOUT = "bank.safetensors", "bank.json"
POPULATION = 512  # draws that stand for the population


@dataclass(frozen=True)
class FittedBank:
    """Questions of a bank with fitted vectors.

    phi: (Q, K, 2 + d) by agree, extreme and the d coordinates of the bank's own block. g: (Q, K),
    -inf on padding. scales: (2 + d,) by name, the direction in which the expected score of the scale
    rises in the population. report: how the fit was chosen and how well it predicts. shared: name of
    the block of tastes, which banks that were fitted together have in common; the bank's own without.
    """

    bank: ItemBank
    phi: Floats
    g: Floats
    scales: Mapping[str, Floats]
    report: Mapping[str, Any]
    shared: str = ""

    @property
    def block(self) -> tuple[str, Floats, Floats]:
        """Name, population mean (d,) and covariance (d, d) of the bank's block of tastes."""
        size = self.phi.shape[2] - 2
        return self.shared or self.bank.name, np.zeros(size), np.eye(size)

    @cached_property
    def version(self) -> str:
        """Names the parameters."""
        content = hashlib.sha256("\n".join(self.bank.rows).encode())
        content.update(np.ascontiguousarray(self.phi).tobytes() + np.ascontiguousarray(self.g).tobytes())
        if self.block[0] != self.bank.name:
            content.update(self.shared.encode())
        return content.hexdigest()[:16]

    def source(self, space: TasteSpace) -> BankSource:
        """The bank as a source of questions in a space that holds its block."""
        ids = tuple(question.question_id for question in self.bank.questions)
        return BankSource(self.bank.name, ids, self.phi, self.g, self._columns(space), space.size)

    def directions(self, space: TasteSpace) -> dict[str, Floats]:
        """The scales as directions (size,) of the whole space, for percentiles of the population."""
        found = {}
        for name, direction in self.scales.items():
            found[name] = np.zeros(space.size)
            found[name][self._columns(space)] = direction
        return found

    def alone(self) -> ChoiceModel:
        """A choice model of this bank only."""
        space = independent([self.block])
        return ChoiceModel(space, {self.bank.name: self.source(space)}, self.version)

    def save(self, folder: Path) -> None:
        """Writes the bank into a folder, its manifest last."""
        from safetensors.numpy import save

        scales = {f"scale {name}": np.ascontiguousarray(value) for name, value in self.scales.items()}
        tensors = {"phi": np.ascontiguousarray(self.phi), "g": np.ascontiguousarray(self.g), **scales}
        write_bytes(folder / TENSORS, save(tensors))
        # Safetensors sorts names, so the order of the scales is kept beside them.
        about = {
            "questions": list(self.bank.rows),
            "scales": list(self.scales),
            "block": self.block[0],
            "report": dict(self.report),
        }
        write_json(folder / ABOUT, about)
        write_manifest(folder, {"format": FORMAT, "bank": self.bank.name})

    @classmethod
    def load(cls, folder: Path, bank: ItemBank) -> FittedBank:
        """Reads what `save` wrote for the same bank.

        Raises:
            ModelError: damaged, of another format, or fitted to other questions.
        """
        from safetensors.numpy import load_file

        manifest = read_manifest(folder, ModelError)
        if manifest.get("format") != FORMAT:
            raise ModelError(f"{folder} is {manifest.get('format')!r}, expected {FORMAT!r}: fit it again")
        about = json.loads((folder / ABOUT).read_text(encoding="utf-8"))
        if about["questions"] != list(bank.rows):
            raise ModelError(f"{folder} was fitted to other questions than bank {bank.name!r}: fit it again")
        tensors = load_file(folder / TENSORS)
        scales = {name: tensors[f"scale {name}"] for name in about["scales"]}
        block = about.get("block", bank.name)
        return cls(bank, tensors["phi"], tensors["g"], scales, about["report"], block)

    def _columns(self, space: TasteSpace) -> np.ndarray[Any, np.dtype[np.intp]]:
        return np.concatenate([[AGREE, EXTREME], space.columns(self.block[0])])


def save_fitted(banks: Mapping[str, FittedBank], folder: Path) -> None:
    """Writes one bank into a folder, or several below it, the folder's manifest last."""
    if len(banks) == 1:
        next(iter(banks.values())).save(folder)
        return
    for name, one in banks.items():
        one.save(folder / BANKS / name)
    blocks = {name: one.block[0] for name, one in banks.items()}
    write_manifest(folder, {"format": SEVERAL, "banks": blocks})


def load_fitted(folder: Path, bank: ItemBank) -> FittedBank:
    """Reads the bank out of what `save_fitted` wrote, of one bank or of several.

    Raises:
        ModelError: damaged, of another format, without this bank or fitted to other questions.
    """
    manifest = read_manifest(folder, ModelError)
    if manifest.get("format") != SEVERAL:
        return FittedBank.load(folder, bank)
    if bank.name not in manifest["banks"]:
        raise ModelError(
            f"{folder} holds no bank {bank.name!r}, only {', '.join(manifest['banks'])}: "
            "name one of these, or train a model of it"
        )
    return FittedBank.load(folder / BANKS / bank.name, bank)


def scale_directions(
    bank: ItemBank, phi: Floats, g: Floats, keys: Mapping[str, Mapping[str, int]]
) -> dict[str, Floats]:
    """Directions (2 + d,) in which the sum scores of scales rise; keys: question id -> +-1, by scale.

    The mean derivative of the expected score over the population is also the regression of the score
    on the taste (Stein 1981). phi (Q, K, 2 + d) and g (Q, K): the bank's.
    """
    draws = normals(phi.shape[2], POPULATION).copy()
    draws[:, :2] *= (STYLE_SD[AGREE], STYLE_SD[EXTREME])
    logits = np.einsum("qkd,sd->sqk", phi, draws, optimize=True) + g
    p = np.exp(logits - logits.max(-1, keepdims=True))
    p /= p.sum(-1, keepdims=True)
    position = np.arange(p.shape[2])
    spread = p * (position - (p @ position)[..., None])
    slopes = np.einsum("sqk,qkd->qd", spread, phi, optimize=True) / len(draws)
    return {
        name: np.asarray(sum(sign * slopes[bank.rows[question]] for question, sign in signs.items()))
        for name, signs in keys.items()
    }
