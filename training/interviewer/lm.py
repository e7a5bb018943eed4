"""Fine-tunes a causal language model to ask as planned interviews ask.

The loss is the log loss of the assistant's tokens, by trl's SFTTrainer; large backbones are tuned by
low-rank adapters (Hu et al. 2022). A step is a pure function of (weights, moments of AdamW, step), so a
training that was cut off goes on to the same weights: the state is one safetensors file beside the output.
"""

from __future__ import annotations

import json
import tempfile
import time
import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal, get_args

from indexing.torchcpu import allow_cpu_torch
from prefs.errors import ConfigError, ModelError
from prefs.files import write_bytes
from prefs.transcripts import Transcript
from training.interviewer.checks import SEEDS, check_numbers, check_whole
from training.interviewer.examples import Examples
from training.rater_id.hardware import hardware
from vlm.interviewer_files import load_causal
from vlm.parts import part

Tune = Literal["lora", "full"]
Told = Callable[[str, int, int], None]
STAGE = "learning to ask"
MODEL = "language model"
SAVE_S = 60.0  # seconds of work that a cut may cost


@dataclass(frozen=True)
class Settings:
    """How the language model is trained.

    backbone: name or folder. layers: keeps the first ones only, None for all. tune: low-rank adapters of
    rank `rank` in every linear layer, or all weights but the word embeddings (also these where the
    backbone is made in code). upper: tunes the last layers only, None for all; what lies below them costs no
    gradients. rate: peak learning rate, reached after a tenth of the steps, then falling
    to 0. known: share of examples that tell their first turns as known beforehand.

    Raises:
        ConfigError: a value that is not allowed.
    """

    backbone: str = "smollm2"
    layers: int | None = None
    tune: Tune = "lora"
    rank: int = 16
    upper: int | None = None
    rate: float = 1e-3
    steps: int = 150
    batch: int = 4
    known: float = 0.2
    longest: int = 1024
    seed: int = 0

    def __post_init__(self) -> None:
        optional = [name for name in ("layers", "upper") if getattr(self, name) is not None]
        check_whole(self, ("rank", "steps", "batch", "longest", "seed", *optional), MODEL)
        check_numbers(self, ("rate", "known"), MODEL)
        rules = (
            (isinstance(self.backbone, str), f"backbone {self.backbone!r}: give a name or a folder"),
            (0 <= self.seed < SEEDS, f"seed {self.seed}: allowed are 0 to below {SEEDS}"),
            (self.tune in get_args(Tune), f"tune {self.tune!r}: allowed are lora, full"),
            (self.rank >= 1, f"rank {self.rank}: at least 1 is needed"),
            (self.upper is None or self.upper >= 1, f"{self.upper} upper layers: at least 1 is needed"),
            (0.0 < self.rate < 1.0, f"learning rate {self.rate}: allowed is between 0 and 1"),
            (self.steps >= 1, f"{self.steps} steps: at least 1 is needed"),
            (self.batch >= 1, f"batch of {self.batch}: at least 1 is needed"),
            (0.0 <= self.known < 1.0, f"share known {self.known}: allowed are 0 to below 1"),
            (self.longest >= 32, f"longest example {self.longest} tokens: at least 32 are needed"),
        )
        for holds, problem in rules:
            if not holds:
                raise ConfigError(problem)

    def share(self, step: int) -> float:
        """The learning rate of a step (from 0) as a share of the peak."""
        rising = max(1, self.steps // 10)
        if step < rising:
            return (step + 1) / rising
        return max(0.0, (self.steps - step) / max(1, self.steps - rising))


@dataclass(frozen=True)
class Trained:
    """A trained language model with its tokenizer, and the mean loss of every step in nats per token.

    shortened: interviews of which the end was not learned from, because they are too long.
    """

    model: Any
    tokenizer: Any
    losses: tuple[float, ...]
    shortened: int


def train_language_model(
    transcripts: Sequence[Transcript],
    settings: Settings,
    state: Path,
    told: Told | None = None,
    until: int | None = None,
) -> Trained:
    """Trains from where `state` was cut off, or from the start where it does not exist.

    told(stage, done, total) hears of progress. until: stops after this step as if it were cut off.

    Raises:
        ModelError: as `load_causal`; a loss that is not finite; a state that cannot be read or is of
            another training. MissingPartError: trl or peft is not installed.
    """
    allow_cpu_torch()
    for package in ("trl", "peft"):
        part(package)
    with _quiet():
        model, tokenizer = load_causal(
            settings.backbone, (text for one in transcripts for text in _texts(one)), settings.layers
        )
        examples = Examples(
            transcripts, tokenizer, settings.known, longest=settings.longest, seed=settings.seed
        )
        tuned = _prepared(model, settings)
        work = _Work(tuned, settings, state)
        if work.done < settings.steps:
            _run(work, examples, tokenizer, told, min(until or settings.steps, settings.steps))
        whole = tuned.merge_and_unload() if settings.tune == "lora" else tuned
    used = range(min(len(transcripts), settings.steps * settings.batch))
    return Trained(whole.eval(), tokenizer, tuple(work.losses), examples.shortened(used))


def _texts(transcript: Transcript) -> Iterator[str]:
    for turn in transcript.turns:
        yield turn.markdown
        yield from turn.options


def _prepared(model: Any, settings: Settings) -> Any:
    """The model with what is tuned free, everything else fixed."""
    import torch

    below = _below(model, settings)
    if settings.tune == "lora":
        from peft import LoraConfig, get_peft_model

        torch.manual_seed(settings.seed)
        chosen: dict[str, Any] = {"target_modules": "all-linear"}
        if below:
            chosen = {
                "target_modules": _linears(model.base_model.layers),
                "layers_to_transform": list(range(below, model.config.num_hidden_layers)),
            }
        rank = settings.rank
        lora = LoraConfig(r=rank, lora_alpha=2 * rank, task_type="CAUSAL_LM", **chosen)
        return get_peft_model(model, lora)
    if settings.backbone != "tiny":
        model.get_input_embeddings().requires_grad_(False)
    if below:
        model.base_model.layers[:below].requires_grad_(False)
    return model


def _linears(layers: Any) -> list[str]:
    """Names of the linear layers in a stack."""
    import torch

    found = [name for name, one in layers.named_modules() if isinstance(one, torch.nn.Linear)]
    return sorted({name.rpartition(".")[2] for name in found})


def _below(model: Any, settings: Settings) -> int:
    """How many of the first layers are not tuned."""
    if settings.upper is None:
        return 0
    count = model.config.num_hidden_layers
    if settings.upper > count or not hasattr(model.base_model, "layers"):
        raise ConfigError(f"{settings.upper} upper layers: backbone {settings.backbone!r} has {count}")
    return int(count - settings.upper)


class _Work:
    """A training in the middle: what is tuned, the optimizer, steps done, and where the state is kept."""

    def __init__(self, model: Any, settings: Settings, path: Path) -> None:
        import torch

        self.model, self.settings, self.path = model, settings, path
        self.named = {name: one for name, one in model.named_parameters() if one.requires_grad}
        self.optimizer = torch.optim.AdamW(self.named.values(), lr=settings.rate, weight_decay=0.0)
        self.done, self.losses = 0, list[float]()
        if path.is_file():
            self._load()

    def save(self) -> None:
        """Writes the state, whole or not at all."""
        from safetensors.torch import save

        tensors = {}
        for name, one in self.named.items():
            tensors[f"weight {name}"] = one.detach().contiguous()
            for key, value in self.optimizer.state.get(one, {}).items():
                tensors[f"{key} {name}"] = value.detach().contiguous()
        about = {"done": self.done, "losses": self.losses, "settings": asdict(self.settings)}
        write_bytes(self.path, save(tensors, {"about": json.dumps(about, allow_nan=False)}))

    def _load(self) -> None:
        import torch
        from safetensors import SafetensorError, safe_open

        try:
            with safe_open(self.path, "pt") as stream:
                about = json.loads(stream.metadata()["about"])
                tensors = {name: stream.get_tensor(name) for name in stream.keys()}  # noqa: SIM118
        except (SafetensorError, OSError, ValueError, TypeError, KeyError) as problem:
            raise ModelError(f"{self.path} cannot be read ({problem}): remove it") from problem
        if about["settings"] != asdict(self.settings) or any(
            f"weight {name}" not in tensors for name in self.named
        ):
            raise ModelError(
                f"{self.path} is of a training with other settings: ask for the same, or remove it"
            )
        self.done, self.losses = about["done"], about["losses"]
        for name, one in self.named.items():
            with torch.no_grad():
                one.copy_(tensors.pop(f"weight {name}"))
        for name, one in self.named.items():
            keys = ("step", "exp_avg", "exp_avg_sq")
            if f"step {name}" in tensors:
                self.optimizer.state[one] = {key: tensors[f"{key} {name}"] for key in keys}


def _run(work: _Work, examples: Examples, tokenizer: Any, told: Told | None, until: int) -> None:
    """Steps from where the work is, by trl's trainer."""
    from datasets import Dataset
    from torch.optim.lr_scheduler import LambdaLR

    trl = part("trl")
    settings, start = work.settings, work.done
    numbers = range(start * settings.batch, until * settings.batch)
    data = Dataset.from_dict(examples.columns(numbers))
    scheduler = LambdaLR(work.optimizer, lambda step: settings.share(start + step))
    machine = hardware()
    gpu = machine.device.type == "cuda"
    with tempfile.TemporaryDirectory() as beside:
        arguments = trl.SFTConfig(
            output_dir=beside,
            max_steps=until - start,
            per_device_train_batch_size=settings.batch,
            train_sampling_strategy="sequential",
            learning_rate=settings.rate,
            max_grad_norm=1.0,
            dataset_kwargs={"skip_prepare_dataset": True},
            max_length=None,
            gradient_checkpointing=False,
            bf16=machine.bf16,
            use_cpu=not gpu,
            save_strategy="no",
            logging_strategy="steps",
            logging_steps=1,
            logging_nan_inf_filter=False,
            report_to="none",
            disable_tqdm=True,
            dataloader_pin_memory=gpu,
            seed=settings.seed,
        )
        trainer = trl.SFTTrainer(
            work.model,
            args=arguments,
            train_dataset=data,
            processing_class=tokenizer,
            optimizers=(work.optimizer, scheduler),
            callbacks=[_callback(work, told)],
        )
        trainer.remove_callback(_printer())
        trainer.train()
    work.save()


def _printer() -> Any:
    from transformers import PrinterCallback

    return PrinterCallback


def _callback(work: _Work, told: Told | None) -> Any:
    """Counts steps, keeps the state every few seconds and refuses a loss that is not finite."""
    from transformers import TrainerCallback

    class Steps(TrainerCallback):
        def __init__(self) -> None:
            self.saved = time.monotonic()

        def on_log(self, args: Any, state: Any, control: Any, logs: Any = None, **rest: Any) -> None:
            if not logs or "loss" not in logs:
                return
            loss = float(logs["loss"])
            if not loss < float("inf"):
                raise ModelError(f"the loss of step {work.done} is {loss}: train with a lower rate")
            work.losses.append(loss)

        def on_step_end(self, args: Any, state: Any, control: Any, **rest: Any) -> None:
            work.done += 1
            if told:
                told(STAGE, work.done, work.settings.steps)

        def on_step_begin(self, args: Any, state: Any, control: Any, **rest: Any) -> None:
            if time.monotonic() - self.saved > SAVE_S and len(work.losses) == work.done:
                work.save()
                self.saved = time.monotonic()

    return Steps()


@contextmanager
def _quiet() -> Iterator[None]:
    """Without the libraries' warnings about their own older names."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "`(is_)?gradient_checkpointing` is deprecated", FutureWarning)
        yield
