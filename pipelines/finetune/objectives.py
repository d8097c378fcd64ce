"""What a step of fine-tuning learns from: objectives, and the first of them, reward-weighted."""

from collections.abc import Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING, Any, Protocol

import torch
from torch import Tensor

from pipelines.crew import ALONE, Crew
from pipelines.devices import fastest_dtype
from pipelines.finetune.adapters import AdapterConfig
from pipelines.finetune.data import Batches, Drawn, Row, check_rows
from pipelines.finetune.latents import Cache
from pipelines.finetune.losses import row_weights, squared_error
from pipelines.finetune.plans import Plan
from pipelines.seeds import torch_generator

if TYPE_CHECKING:
    from pipelines.generate.backend import Backend

Terms = dict[str, float | None]  # by name, as the log has them; "loss" is what is minimised


class Schedule(Protocol):
    """What the loop reads of any plan."""

    learning_rate: float
    weight_decay: float
    betas: tuple[float, float]  # AdamW's
    warmup: int
    falls: bool
    is_straight: bool  # whether it falls by a line; else by a cosine
    clip: float
    adapter: AdapterConfig | None
    needs_float32: bool  # of the frozen weights under an adapter, which is float32 in any case
    micro_batch: int
    save_every: int
    seed: int

    def steps_in(self, steps_per_epoch: int) -> int:
        """How many steps the run takes."""

    @property
    def identity(self) -> dict[str, Any]:
        """The values that a run cannot change half-way."""


class Objective(Protocol):
    """What a step learns from: rows, their batches, and a loss."""

    steps_per_epoch: int
    digest: str  # names the rows
    counts: dict[str, Any]  # of the rows, for the record

    def gradients(self, step: int) -> Terms:
        """Add the gradients of a step's whole batch to the parameters, and tell its terms.

        Each process of a crew adds those of its share; the terms are of the whole batch.

        Args:
            step: from 0; it and the seed alone decide rows, noise and levels.
        """


class RewardWeighted:
    """BATON's Eq. 7 over rows of D_data and D_pretrain.

    Args:
        backend: whose denoiser is trained.
        rows: of both.
        cache: holds their latents and captions.
        plan: what a batch is made of, and beta.
        crew: the processes that share each batch.

    Raises:
        StudioError: rows that cannot train.
    """

    def __init__(
        self,
        backend: "Backend",
        rows: Sequence[Row],
        cache: Cache,
        plan: Plan,
        *,
        crew: Crew = ALONE,
    ) -> None:
        self.backend, self.cache, self.plan, self.crew = backend, cache, plan, crew
        summary = check_rows(rows)
        self.digest, self.counts = summary.digest, {"rows": asdict(summary)}
        self.batches = Batches(rows, plan.mix, seed=plan.seed, uses_pretrain=plan.beta > 0)
        self.steps_per_epoch = self.batches.steps_per_epoch

    def gradients(self, step: int) -> Terms:
        """Both terms of Eq. 7: the first, and the second without its beta, None where that is 0."""
        batch, beta = self.batches.at(step), self.plan.beta
        data, pretrain = self.weighed(step, batch)
        return {
            "loss": sum([data, pretrain]),
            "data_loss": data,
            "pretrain_loss": pretrain / beta if beta else None,
        }

    def weighed(self, step: int, batch: Sequence[Drawn]) -> list[float]:
        """Both terms, the second with its beta; their gradients are added up, part by part."""
        plan, device = self.plan, self.cache.device
        is_pretrain = torch.tensor([each.is_pretrain for each in batch])
        weights = row_weights(torch.tensor([each.weight for each in batch]), is_pretrain, plan.beta)
        rng = torch_generator(plan.seed, "noise", step)
        noise = torch.randn(len(batch), *self.cache.latent_shape, generator=rng)
        sigma = plan.levels.draw(len(batch), rng)
        if plan.data_levels is not None:
            sigma = torch.where(is_pretrain, sigma, plan.data_levels.draw(len(batch), rng))
        terms = torch.zeros(2)
        # A row of weight 0 adds nothing to Eq. 7, so its pass is not made; the mean still counts it.
        mine = weights.nonzero().flatten()[self.crew.rank :: self.crew.size]
        for part in mine.split(plan.micro_batch):
            if not len(part):
                break  # every row of this step has weight 0: nothing is learned from it
            picked = [batch[i].row for i in part.tolist()]
            errors = self.errors(picked, noise[part].to(device), sigma[part].to(device))
            weighted = weights[part].to(device) * errors
            weighted.sum().backward()
            terms.index_add_(0, is_pretrain[part].long(), weighted.detach().cpu())
        self.crew.add_up([terms])
        return terms.tolist()

    def errors(self, rows: Sequence[Row], noise: Tensor, sigma: Tensor) -> Tensor:
        """The squared error of each row at its noise level, [B]; differentiable."""
        latents = self.cache.latents([row.key for row in rows])
        text = self.cache.text_states([(row.caption, row.seconds) for row in rows])
        return errors_of(self.backend, latents, text, noise, sigma)


def errors_of(
    backend: "Backend", latents: Tensor, text: Any, noise: Tensor, sigma: Tensor
) -> Tensor:
    """The squared error of a denoiser's answer on each row, [B]; differentiable.

    Args:
        backend: its denoiser as it is now.
        latents: [B, T, C], on its device.
        text: text states of B rows.
        noise: [B, T, C].
        sigma: noise levels, [B].
    """
    device = latents.device
    is_faster = fastest_dtype(device) == torch.bfloat16
    with torch.autocast(device.type, torch.bfloat16, enabled=is_faster):
        made = backend.predict(backend.noised(latents, noise, sigma), sigma, text)
    return squared_error(made, backend.training_target(latents, noise, sigma))
