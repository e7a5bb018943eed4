"""The model that reads: a language model, pictures as tokens of it, and heads. Imports torch at once.

Import this module where it is used. A passage (see `vlm.passages`) goes through the backbone; its token
states are averaged, or the last one is taken, and linear heads read a taste vector, an appeal and the
shape of thresholds from them. `vlm.assemble` makes the vectors of questions out of these.
"""

from __future__ import annotations

import inspect
from typing import Any

import torch
from torch import Tensor, nn

from prefs.errors import ModelError
from prefs.questions import KINDS
from vlm.config import PreferenceConfig  # before transformers, which it lets be imported
from vlm.heads import Heads, Read

from transformers import PreTrainedModel  # isort: skip

LOG_NU = -1.0  # popularity of a tie at the start


class Projector(nn.Module):
    """Turns vectors of pictures (P, width) into tokens of the backbone (P, tokens, size)."""

    def __init__(self, config: PreferenceConfig, size: int, scale: float) -> None:
        super().__init__()
        self.tokens, self.size = config.picture_tokens, size
        inner = size if config.picture_layers == 2 else config.width
        self.inner = nn.Linear(config.width, inner) if config.picture_layers == 2 else None
        self.outer = nn.Linear(inner, config.picture_tokens * size)
        self.norm = nn.LayerNorm(size)
        nn.init.constant_(self.norm.weight, scale)

    def forward(self, pictures: Tensor) -> Tensor:
        """Tokens (P, tokens, size), as large as those of words."""
        if self.inner is not None:
            pictures = nn.functional.gelu(self.inner(pictures))
        found = self.outer(pictures).view(-1, self.tokens, self.size)
        return self.norm(found)  # type: ignore[no-any-return]


class PreferenceVLM(PreTrainedModel):
    """Reads passages. backbone: the language model with its weights; made anew from `config.body` without.

    Scalars that all questions share: `log_scale` (kinds,) discrimination of each kind of question,
    `strength` (2,) of agreeing and of using the ends of a scale in ratings, `log_nu` of a tie.

    Raises:
        ConfigError: settings out of range; ModelError: of another version, or an unknown backbone.
    """

    config_class = PreferenceConfig
    base_model_prefix = ""
    main_input_name = "input_ids"
    supports_gradient_checkpointing = True

    def __init__(self, config: PreferenceConfig, backbone: nn.Module | None = None) -> None:
        super().__init__(config)
        config.check()
        network: Any = body(config.body or {}) if backbone is None else backbone
        self.backbone = network
        words = network.get_input_embeddings().weight
        size = int(words.shape[1])
        self.heads = Heads(config, size * max(1, len(config.pooled or ())))
        self.log_scale = nn.Parameter(torch.zeros(len(KINDS)))
        self.strength = nn.Parameter(torch.ones(2))
        self.log_nu = nn.Parameter(torch.tensor(LOG_NU))
        self.projector: Projector | None = None
        if config.width:
            scale = 1.0 if words.is_meta else float(words.detach().float().std())
            self.projector = Projector(config, size, scale)
        if config.tune == "lora":
            with_lora(network, config.rank)
        self.freeze()
        self.post_init()

    def init_weights(self) -> None:
        """Everything has its weights from the start."""
        self.tie_weights(recompute_mapping=False)

    def forward(
        self,
        input_ids: Tensor,
        attention_mask: Tensor,
        pictures: Tensor | None = None,
        slots: Tensor | None = None,
    ) -> Read:
        """Reads N passages of at most T tokens.

        input_ids, attention_mask: (N, T), padded on the right. pictures: (P, width) vectors, and
        slots: (P, 2) passage and first token of each; its tokens follow one another.
        """
        states = self.states(input_ids, attention_mask, pictures, slots)
        with torch.autocast(states.device.type, enabled=False):
            found: Read = self.heads(states)
        return found

    def states(
        self,
        input_ids: Tensor,
        attention_mask: Tensor,
        pictures: Tensor | None = None,
        slots: Tensor | None = None,
    ) -> Tensor:
        """(N, S) float32 what the heads see of N passages, given as to `forward`."""
        network: Any = self.backbone
        embedded = network.get_input_embeddings()(input_ids)
        if pictures is not None and slots is not None and len(slots):
            embedded = self._placed(embedded, pictures, slots)
        chosen = [(how, int(layer)) for how, layer in map(str.split, self.config.pooled or ())]
        out = network(
            inputs_embeds=embedded, attention_mask=attention_mask, output_hidden_states=bool(chosen)
        )
        if not chosen:
            how = "last" if self.config.reads == "causal" else "mean"
            return self._pooled(out.last_hidden_state.float(), attention_mask, how)
        if max(layer for _, layer in chosen) >= len(out.hidden_states):
            raise ModelError(
                f"pooled {self.config.pooled}: the backbone has {len(out.hidden_states) - 1} layers"
            )
        pools = [self._pooled(out.hidden_states[layer].float(), attention_mask, how) for how, layer in chosen]
        return torch.cat(pools, dim=-1)

    def freeze(self) -> None:
        """Lets training change what the settings say, and nothing else of the backbone."""
        network: Any = self.backbone
        for name, parameter in network.named_parameters():
            parameter.requires_grad_(
                self.config.tune == "full" or (self.config.tune == "lora" and "lora_" in name)
            )
        if not self.config.words:
            network.get_input_embeddings().weight.requires_grad_(False)

    def tuned_names(self) -> list[str]:
        """Names of the tensors that training changes or sets, sorted."""
        tuned = [name for name, value in self.named_parameters() if value.requires_grad]
        return sorted([*tuned, *(f"heads.{name}" for name, _ in self.heads.named_buffers())])

    def _placed(self, embedded: Tensor, pictures: Tensor, slots: Tensor) -> Tensor:
        if self.projector is None:
            raise ModelError("the reading model was made without pictures: train one with an image set")
        tokens = self.projector(pictures.to(self.projector.outer.weight.dtype)).to(embedded.dtype)
        span = torch.arange(tokens.shape[1], device=slots.device)
        rows = slots[:, :1].expand(-1, len(span))
        return embedded.index_put((rows, slots[:, 1:] + span), tokens)

    def _pooled(self, states: Tensor, mask: Tensor, how: str) -> Tensor:
        """(N, size) mean of the states of the tokens that are there, or the last one.

        The first token of a causal model, whose state is the same whatever follows, is not in the mean.
        """
        if how == "last":
            last = mask.sum(1) - 1
            return states[torch.arange(len(states), device=states.device), last]
        weight = mask[..., None].to(states.dtype)
        if self.config.reads == "causal" and states.shape[1] > 1:
            weight = torch.cat([torch.zeros_like(weight[:, :1]), weight[:, 1:]], dim=1)
        return (states * weight).sum(1) / weight.sum(1).clamp(min=1)


def body(described: dict[str, Any]) -> nn.Module:
    """A language model of a configuration, without a pooler, its weights random.

    Raises:
        ModelError: a configuration that transformers does not know.
    """
    from transformers import AutoConfig, AutoModel

    try:
        config = AutoConfig.for_model(**described)
        kind: Any = AutoModel._model_mapping[type(config)]
        takes = inspect.signature(kind).parameters
        options = {"add_pooling_layer": False} if "add_pooling_layer" in takes else {}
        made: nn.Module = AutoModel.from_config(config, **options)
    except (ValueError, KeyError, TypeError) as problem:
        name = str(described.get("model_type"))
        raise ModelError(f"a backbone of type {name!r} cannot be made ({_line(problem)})") from problem
    return made


def with_lora(backbone: nn.Module, rank: int) -> None:
    """Puts LoRA (Hu et al. 2021) of the given rank into every linear layer of a backbone, in place.

    Raises:
        MissingPartError: peft is not installed.
    """
    from vlm.parts import part

    peft = part("peft")
    settings = peft.LoraConfig(r=rank, lora_alpha=2 * rank, target_modules="all-linear")
    peft.inject_adapter_in_model(settings, backbone)


def _line(problem: Exception) -> str:
    """The first line of an error."""
    return str(problem).strip().partition("\n")[0][:200]
