"""What the transformer is told: text states with a duration token, and one pooled vector."""

import math
from dataclasses import dataclass

import torch
from diffusers import ConfigMixin, ModelMixin
from diffusers.configuration_utils import register_to_config
from torch import Tensor, nn
from transformers import T5EncoderModel


@dataclass(frozen=True, kw_only=True)
class TextStates:
    """One text condition per row; B rows, L text tokens, width D."""

    hidden: Tensor  # [B, L + 1, D]; the duration token is the last
    pooled: Tensor  # [B, D]
    mask: Tensor  # bool [B, L + 1]; True where the transformer may attend

    def __len__(self) -> int:
        return self.hidden.shape[0]

    def rows(self, index: Tensor | slice) -> "TextStates":
        """Only these rows, in this order; an index may repeat rows."""
        return TextStates(
            hidden=self.hidden[index], pooled=self.pooled[index], mask=self.mask[index]
        )

    def detach(self) -> "TextStates":
        """The same values without their gradients."""
        return TextStates(hidden=self.hidden.detach(), pooled=self.pooled.detach(), mask=self.mask)

    def to(self, dtype: torch.dtype) -> "TextStates":
        """The same values in another precision."""
        return TextStates(
            hidden=self.hidden.to(dtype), pooled=self.pooled.to(dtype), mask=self.mask
        )

    @staticmethod
    def cat(parts: "list[TextStates]") -> "TextStates":
        """All rows below one another; the parts must be padded to one length."""
        return TextStates(
            hidden=torch.cat([part.hidden for part in parts]),
            pooled=torch.cat([part.pooled for part in parts]),
            mask=torch.cat([part.mask for part in parts]),
        )


class Conditioner(ModelMixin, ConfigMixin):
    """The few weights between the text encoder and the transformer.

    Duration: seconds / max_seconds, clamped to [0, 1], as x -> [x, sin 2πwx, cos 2πwx] -> Linear.
    Pooled: mean of the text states -> Linear -> ReLU, plus one learned vector per quality level.

    Args:
        width: D, of the text states and of the pooled vector.
        max_seconds: length that the duration token calls 1.
        frequencies: how many rates w; learned.
        quality_levels: CosyAudio's levels (5), or 0 for a model that knows none.
    """

    @register_to_config
    def __init__(
        self,
        width: int = 1024,
        max_seconds: float = 30.0,
        frequencies: int = 128,
        quality_levels: int = 0,
    ) -> None:
        super().__init__()
        self.rates = nn.Parameter(torch.randn(frequencies))
        self.duration = nn.Linear(2 * frequencies + 1, width)
        self.pool = nn.Linear(width, width)
        if quality_levels:  # row 0 means "not told": it stays zero and gets no gradient
            self.quality = nn.Embedding(quality_levels + 1, width, padding_idx=0)
            nn.init.zeros_(self.quality.weight)

    def duration_token(self, seconds: Tensor) -> Tensor:
        """The duration as one more text token: seconds [B] -> [B, 1, D]."""
        x = (seconds.float() / self.config.max_seconds).clamp(0, 1)[:, None]  # [B, 1]
        angles = 2 * math.pi * x * self.rates.float()  # [B, frequencies]
        features = torch.cat([x, angles.sin(), angles.cos()], dim=-1)
        return self.duration(features.to(self.duration.weight.dtype))[:, None]

    def pooled(self, states: Tensor, mask: Tensor, quality: Tensor | None = None) -> Tensor:
        """The mean over real tokens, projected: [B, L, D], bool [B, L] -> [B, D].

        Args:
            states: the text encoder's last states.
            mask: True on real tokens; at least one per row.
            quality: level of each row, 1 (poor) to 5 (good), 0 where it is not told; [B].
        """
        weight = mask[..., None].float()
        mean = (states.float() * weight).sum(1) / weight.sum(1)
        pooled = self.pool(mean.to(self.pool.weight.dtype)).relu()
        return pooled if quality is None else pooled + self.quality(quality)

    def forward(
        self,
        states: Tensor,
        mask: Tensor,
        seconds: Tensor,
        *,
        attend: Tensor | None = None,
        quality: Tensor | None = None,
    ) -> TextStates:
        """Text states with the duration token, and the pooled vector.

        Args:
            states: [B, L, D] from the text encoder.
            mask: bool [B, L]; True on the tokens that the pooled vector averages.
            seconds: [B].
            attend: bool [B, L]; what the transformer may attend to; the same as `mask` by default.
            quality: as in `pooled`.
        """
        token = self.duration_token(seconds)
        own = mask if attend is None else attend
        return TextStates(
            hidden=torch.cat([states, token.to(states.dtype)], dim=1),
            pooled=self.pooled(states, mask, quality),
            mask=torch.cat([own, own.new_ones(len(own), 1)], dim=1),
        )


def encode_text(
    text_encoder: T5EncoderModel,
    conditioner: Conditioner,
    input_ids: Tensor,
    attention_mask: Tensor,
    seconds: Tensor,
    *,
    attend: Tensor | None = None,
    quality: Tensor | None = None,
) -> TextStates:
    """Token ids to all that the transformer is told; differentiable.

    Args:
        input_ids: int64 [B, L], padded with 0.
        attention_mask: [B, L]; true on real tokens.
        seconds: asked length of each row, [B].
        attend: bool [B, L]; for rows made by `drop_text`, the mask of the prompt they replace.
        quality: level of each row, 1 to 5, 0 where it is not told; [B].
    """
    mask = attention_mask.bool()
    states = text_encoder(input_ids=input_ids, attention_mask=mask).last_hidden_state
    return conditioner(states, mask, seconds, attend=attend, quality=quality)


def drop_text(
    input_ids: Tensor, attention_mask: Tensor, dropped: Tensor | None = None
) -> tuple[Tensor, Tensor]:
    """The empty prompt in the place of some rows, padded to the length of the row it replaces.

    This is TangoFlux's unconditional row: T5 and the pooled vector see only the closing token,
    but the transformer attends to the states at the padding too. So pass the first mask on:
    `encode_text(text_encoder, conditioner, *drop_text(ids, mask, dropped), seconds, attend=mask)`.

    Args:
        input_ids: int64 [B, L].
        attention_mask: [B, L].
        dropped: bool [B]; all rows by default.

    Returns:
        input_ids and attention_mask with the dropped rows emptied.
    """
    empty_ids, empty_mask = torch.zeros_like(input_ids), torch.zeros_like(attention_mask)
    empty_ids[:, 0] = 1  # </s>
    empty_mask[:, 0] = 1
    if dropped is None:
        return empty_ids, empty_mask
    where = dropped[:, None]
    return torch.where(where, empty_ids, input_ids), torch.where(where, empty_mask, attention_mask)
