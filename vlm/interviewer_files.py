"""Causal language models that can become an interviewer, and interviewers on disk.

config.json, model.safetensors, generation_config.json    the language model, float16 or float32
tokenizer/                                                 its tokenizer, with the chat template
interviewer.json                                           how it was trained
head/                                                      the policy head, where there is one
manifest.json                                              checksums, written last
"""

from __future__ import annotations

import json
import os
import shutil
import tempfile
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from prefs.errors import ConfigError, KallistiError, ModelError
from prefs.files import MANIFEST, read_manifest, write_bytes, write_json, write_manifest
from vlm.asking_head import PolicyHead
from vlm.backbones import SMOLLM2, TINY, check_weights, quiet
from vlm.interviewer_text import TEMPLATE

FORMAT = "kallisti.interviewer/1"
WEIGHTS, REPORT, TOKENIZER, HEAD = "model.safetensors", "interviewer.json", "tokenizer", "head"
TINY_VOCABULARY = 600


def load_causal(name: str, texts: Iterable[str] = (), layers: int | None = None) -> tuple[Any, Any]:
    """A causal language model in float32 and its tokenizer, by the name of a backbone or its folder.

    texts: what the tokenizer of "tiny" is made of. layers: keeps the first ones only.

    Raises:
        ModelError: no such model, no safetensors, or no causal model. ConfigError: layers that it has not.
            MissingPartError: a package that is not installed.
    """
    from indexing.torchcpu import allow_cpu_torch

    allow_cpu_torch()
    if name == TINY:
        model, tokenizer = _tiny(list(texts))
    else:
        model, tokenizer = _open(_source(name), name)
    if tokenizer.eos_token_id is None:
        raise ModelError(f"backbone {name!r} has no token that ends a text: name another")
    if tokenizer.pad_token_id is None:
        tokenizer.pad_token = tokenizer.eos_token
    tokenizer.chat_template = TEMPLATE
    if layers is not None:
        _cut(model, layers, name)
    return model, tokenizer


def save_interviewer(
    folder: Path,
    report: Mapping[str, Any],
    language: tuple[Any, Any] | None = None,
    head: PolicyHead | None = None,
) -> None:
    """Writes an interviewer in place of what is in the folder, whole or not at all.

    language: the language model and its tokenizer. report: how it was trained, as JSON values.

    Raises:
        ModelError: weights that are not finite.
    """
    part, old = (folder.with_name(f".{folder.name}.{suffix}") for suffix in ("part", "old"))
    for left in (part, old):
        shutil.rmtree(left, ignore_errors=True)
    if language is not None:
        _write_language(part, *language)
    if head is not None:
        head.save(part / HEAD)
    write_json(part / REPORT, dict(report))
    write_manifest(part, {"format": FORMAT})
    if folder.exists():
        os.replace(folder, old)
    os.replace(part, folder)
    shutil.rmtree(old, ignore_errors=True)


def _write_language(folder: Path, model: Any, tokenizer: Any) -> None:
    import torch
    from safetensors.torch import save

    tied = set(getattr(model, "all_tied_weights_keys", None) or ())
    tensors = {
        key: one.detach().cpu().contiguous() for key, one in model.state_dict().items() if key not in tied
    }
    wrong = next((key for key, one in tensors.items() if not torch.isfinite(one).all()), None)
    if wrong:
        raise ModelError(f"the interviewer has weights that are not finite ({wrong}): train at a lower rate")
    with tempfile.TemporaryDirectory() as beside:
        model.config.save_pretrained(beside)
        tokenizer.save_pretrained(Path(beside) / TOKENIZER)
        for path in sorted(Path(beside).rglob("*")):
            if path.is_file():
                write_bytes(folder / path.relative_to(beside), path.read_bytes())
    write_bytes(folder / WEIGHTS, save(tensors, {"format": "pt"}))


def check_place(folder: Path) -> None:
    """Raises ConfigError where something else than an interviewer stands in the folder to write to."""
    if not folder.exists() or (folder.is_dir() and not any(folder.iterdir())):
        return
    try:
        known = json.loads((folder / MANIFEST).read_text(encoding="utf-8")).get("format") == FORMAT
    except (OSError, ValueError, AttributeError):
        known = False
    if not known:
        raise ConfigError(f"--out {folder} holds something else than an interviewer: name another folder")


def open_interviewer(folder: Path) -> tuple[Any, Any]:
    """The language model in evaluation mode, in float32, and the tokenizer that `save_interviewer` wrote.

    Raises:
        ModelError: missing, damaged or foreign files.
    """
    from indexing.torchcpu import allow_cpu_torch

    manifest = read_manifest(folder, ModelError)
    if manifest.get("format") != FORMAT:
        raise ModelError(
            f"{folder} holds {manifest.get('format')!r}, expected {FORMAT!r}: train an interviewer"
        )
    if WEIGHTS not in manifest["files"]:
        raise ModelError(f"{folder} holds a policy head alone: train an interviewer with a language model")
    if not (folder / TOKENIZER).is_dir():  # the library would look for one of that name on the hub
        raise ModelError(f"{folder} lacks its folder {TOKENIZER}: train the interviewer again")
    allow_cpu_torch()
    model, tokenizer = _open(folder, str(folder), folder / TOKENIZER)
    return model.eval(), tokenizer


def _source(name: str) -> str | Path:
    """Where a backbone's files are: a folder, or a name on the hub."""
    from vlm import backbones

    if name == SMOLLM2:
        return backbones.smollm2_folder()
    folder = Path(name).expanduser()
    return folder if folder.is_dir() else name


def _open(source: str | Path, name: str, words: Path | None = None) -> tuple[Any, Any]:
    from transformers import AutoModelForCausalLM, AutoTokenizer

    safe: dict[str, Any] = {"trust_remote_code": False, "local_files_only": isinstance(source, Path)}
    if isinstance(source, Path):
        check_weights(source)
    try:
        tokenizer = AutoTokenizer.from_pretrained(words or source, **safe)
        with quiet():
            loaded: Any = AutoModelForCausalLM.from_pretrained(
                source, use_safetensors=True, dtype="float32", output_loading_info=True, **safe
            )
    except KallistiError:
        raise
    except Exception as problem:  # whatever a foreign folder makes of the library
        line = str(problem).strip().partition("\n")[0][:200]
        raise ModelError(
            f"{name!r} is no causal language model that can be loaded ({line}): "
            f"name {TINY}, {SMOLLM2}, a folder with safetensors or a model of the hub"
        ) from problem
    model, told = loaded
    absent = sorted(told["missing_keys"])
    if absent:
        raise ModelError(
            f"{name!r} lacks {len(absent)} weights of a causal language model ({absent[0]}): name a whole one"
        )
    return model, tokenizer


def _cut(model: Any, layers: int, name: str) -> None:
    """Keeps the first layers of a model."""
    stack = getattr(model.base_model, "layers", None)
    if stack is None:
        raise ConfigError(f"layers {layers}: backbone {name!r} keeps its layers elsewhere, leave it out")
    if not 1 <= layers <= len(stack):
        raise ConfigError(f"layers {layers}: backbone {name!r} has {len(stack)}, of which 1 or more are kept")
    model.base_model.layers = stack[:layers]
    model.config.num_hidden_layers = layers
    kinds = getattr(model.config, "layer_types", None)
    if kinds:
        model.config.layer_types = list(kinds)[:layers]


def _tiny(texts: list[str]) -> tuple[Any, Any]:
    """A small causal model with random weights, and a tokenizer of byte pairs of the given texts."""
    import torch
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers
    from transformers import LlamaConfig, LlamaForCausalLM, PreTrainedTokenizerFast

    inner = Tokenizer(models.BPE())
    inner.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    inner.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=TINY_VOCABULARY,
        special_tokens=["<end>"],
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    inner.train_from_iterator(sorted(set(texts)), trainer)
    tokenizer = PreTrainedTokenizerFast(tokenizer_object=inner, eos_token="<end>", pad_token="<end>")
    tokenizer.chat_template = TEMPLATE
    config = LlamaConfig(
        vocab_size=len(tokenizer),
        hidden_size=64,
        intermediate_size=128,
        num_hidden_layers=2,
        num_attention_heads=4,
        num_key_value_heads=2,
        max_position_embeddings=2048,
        bos_token_id=0,
        eos_token_id=0,
        pad_token_id=0,
        tie_word_embeddings=True,
    )
    with torch.random.fork_rng():
        torch.manual_seed(0)
        return LlamaForCausalLM(config), tokenizer
