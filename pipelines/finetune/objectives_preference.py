"""Objectives over preferred sounds: pairs (L_CRPO, L_DPO-FM) and groups, against a frozen reference."""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from copy import deepcopy
from dataclasses import asdict
from typing import TYPE_CHECKING, Any, Generic

import torch
from torch import Tensor

from pipelines.crew import ALONE, Crew
from pipelines.errors import StudioError
from pipelines.finetune.adapters import disabled
from pipelines.finetune.latents import Cache, Said
from pipelines.finetune.objectives import Terms, errors_of
from pipelines.finetune.pairs import GroupRow, PairBatches, PairRow, PreferenceRow, check_pairs
from pipelines.finetune.preference_losses import (
    group_relative_loss,
    implicit_accuracy,
    margin,
    preference_loss,
)
from pipelines.finetune.preference_plans import PreferencePlan
from pipelines.seeds import torch_generator

if TYPE_CHECKING:
    from pipelines.generate.backend import Backend

PAIR_TERMS = (
    *("preference_loss", "winning_loss", "losing_loss"),
    *("reference_winning_loss", "reference_losing_loss", "margin", "accuracy"),
)
UNPROMPTED_TERM = "unprompted_loss"
GROUP_TERMS = ("winning_loss", "losing_loss", "reference_winning_loss", "reference_losing_loss")


class _Preferring(ABC, Generic[PreferenceRow]):
    """What both share: batches, shared noise and levels, the reference, sums over the crew.

    The sounds of a row share noise and level. The reference is the policy at the start: the denoiser
    with its adapter off, which needs no copy; a frozen copy where all weights are trained.

    Args:
        backend: whose denoiser is trained; not yet, where all its weights are.
        rows: all of one kind.
        cache: holds the latents of all sounds, and the captions.
        plan: loss, batch, beta, levels.
        crew: the processes that share each batch.

    Raises:
        StudioError: rows or shares that cannot train.
    """

    names: tuple[str, ...]

    def __init__(
        self,
        backend: "Backend",
        rows: Sequence[PreferenceRow],
        cache: Cache,
        plan: PreferencePlan,
        *,
        crew: Crew = ALONE,
    ) -> None:
        self.backend, self.cache, self.plan, self.crew = backend, cache, plan, crew
        summary = check_pairs(rows)
        self.digest, self.counts = summary.digest, {"pairs": asdict(summary)}
        self.batches = PairBatches(rows, plan.pairs, seed=plan.seed, shares=plan.shares)
        self.steps_per_epoch = self.batches.steps_per_epoch
        if plan.shows_unprompted:
            self.names = (*self.names, UNPROMPTED_TERM)
        self.frozen: Backend | None = None
        if plan.adapter is None:
            copied = deepcopy(backend.denoiser).requires_grad_(False)
            self.frozen = backend.with_denoiser(copied, name="reference", adapter="")

    def gradients(self, step: int) -> Terms:
        """The means over the step's rows: the loss, then its terms by name."""
        batch = self.batches.at(step)
        rng = torch_generator(self.plan.seed, "noise", step)
        noise = torch.randn(len(batch), *self.cache.latent_shape, generator=rng)
        sigma = self.plan.levels.draw(len(batch), rng)
        sums = torch.zeros(1 + len(self.names))
        alone = self.alone(step, len(batch))
        paired = (~alone).sum().item()
        mine = torch.arange(len(batch))[self.crew.rank :: self.crew.size]
        for part in mine[~alone[mine]].split(self.plan.micro_batch):
            if not len(part):
                continue
            rows = [batch[i] for i in part.tolist()]
            own, reference = self.errors(rows, noise[part], sigma[part])
            loss, terms = self.judged(rows, own, reference)
            share = len(part) / len(batch)  # parts add up to the gradient of the batch
            (loss * share).backward()
            sums[0] += share * loss.detach().cpu()
            sums[1 : 1 + len(terms)] += len(part) / paired * torch.stack(terms).cpu()
        if alone.any():
            told = self.unprompted(step, batch, noise, mine[alone[mine]])
            sums[0] += told / len(batch)
            sums[-1] += told / self.plan.anchor / alone.sum().item()
        self.crew.add_up([sums])
        return dict(zip(("loss", *self.names), sums.tolist(), strict=True))

    def alone(self, step: int, count: int) -> Tensor:
        """Which rows of a step show their winner alone and without its prompt, bool [rows]."""
        wanted = round(self.plan.unprompted * count) if self.plan.shows_unprompted else 0
        rng = torch_generator(self.plan.seed, "unprompted", step)
        return torch.randperm(count, generator=rng) < min(wanted, count - 1)

    def unprompted(
        self, step: int, batch: Sequence[PreferenceRow], noise: Tensor, places: Tensor
    ) -> float:
        """Add the gradients of winners without their prompts; the sum of their weighed errors.

        Args:
            step: names the levels.
            batch: the rows of the step.
            noise: of the step, [rows, T, C].
            places: which rows.
        """
        plan, device, told = self.plan, self.cache.device, 0.0
        rng = torch_generator(plan.seed, "unprompted levels", step)
        sigma = plan.unprompted_levels.draw(len(batch), rng)
        for part in places.split(plan.micro_batch):
            if not len(part):
                continue
            rows = [batch[i] for i in part.tolist()]
            latents = self.cache.latents([self.keys(row)[0] for row in rows])
            text = self.cache.text_states([("", row.seconds) for row in rows])
            errors = errors_of(
                self.backend, latents, text, noise[part].to(device), sigma[part].to(device)
            )
            weighed = plan.anchor * errors.sum()
            (weighed / len(batch)).backward()
            told += float(weighed.detach())
        return told

    def errors(
        self, rows: Sequence[PreferenceRow], noise: Tensor, sigma: Tensor
    ) -> tuple[Tensor, Tensor]:
        """Errors of the denoiser and of its reference, [sounds, rows]; the first differentiable."""
        device, sounds = self.cache.device, len(self.keys(rows[0]))
        keys = [self.keys(row)[n] for n in range(sounds) for row in rows]
        said = [(row.prompt, row.seconds) for row in rows] * sounds
        latents, text = self.cache.latents(keys), self.cache.text_states(said)
        shared = noise.to(device).repeat(sounds, 1, 1)
        levels = sigma.to(device).repeat(sounds)
        with torch.no_grad():
            if self.frozen is not None:
                reference = errors_of(self.frozen, latents, text, shared, levels)
            else:
                with disabled(self.backend.denoiser):
                    reference = errors_of(self.backend, latents, text, shared, levels)
        own = errors_of(self.backend, latents, text, shared, levels)
        return own.reshape(sounds, len(rows)), reference.reshape(sounds, len(rows))

    @abstractmethod
    def keys(self, row: PreferenceRow) -> tuple[str, ...]:
        """Of a row's sounds."""

    @abstractmethod
    def judged(
        self, rows: Sequence[PreferenceRow], own: Tensor, reference: Tensor
    ) -> tuple[Tensor, list[Tensor]]:
        """The loss of some rows, and its terms, each a mean over them."""


class PairPreference(_Preferring[PairRow]):
    """L_CRPO or L_DPO-FM over pairs."""

    names = PAIR_TERMS

    def keys(self, row: PairRow) -> tuple[str, ...]:
        """The winner's, the loser's."""
        return (row.chosen, row.rejected)

    def judged(
        self, rows: Sequence[PairRow], own: Tensor, reference: Tensor
    ) -> tuple[Tensor, list[Tensor]]:
        """Eq. 3, or Eq. 2 alone; winners come first."""
        plan = self.plan
        margins = margin(own[0], own[1], reference[0], reference[1])
        preference, winning = preference_loss(margins, beta=plan.beta), own[0].mean()
        loss = preference + plan.anchor * winning if plan.loss == "crpo" else preference
        means = [winning, own[1].mean(), reference[0].mean(), reference[1].mean(), margins.mean()]
        terms = [preference, *means, implicit_accuracy(margins)]
        return loss, [each.detach().float() for each in terms]


class GroupRelative(_Preferring[GroupRow]):
    """The group-relative loss over groups of sounds with rewards."""

    names = GROUP_TERMS

    def keys(self, row: GroupRow) -> tuple[str, ...]:
        """As they stand."""
        return row.keys

    def judged(
        self, rows: Sequence[GroupRow], own: Tensor, reference: Tensor
    ) -> tuple[Tensor, list[Tensor]]:
        """Of [sounds, groups]; winner and loser of a group are its highest and lowest reward."""
        rewards = torch.tensor([row.rewards for row in rows], device=own.device)
        mine, theirs = own.T, reference.T  # [groups, sounds]
        loss = group_relative_loss(
            mine, theirs, rewards, beta=self.plan.beta, clip=self.plan.ratio_clip
        )
        at = torch.stack([rewards.argmax(1), rewards.argmin(1)], 1)  # [groups, 2]
        terms = [*mine.gather(1, at).mean(0), *theirs.gather(1, at).mean(0)]
        return loss, [each.detach().float() for each in terms]


def said_in(rows: Sequence[PairRow] | Sequence[GroupRow], plan: PreferencePlan) -> list[Said]:
    """Each caption and length that a training on rows asks of its cache."""
    said = [(row.prompt, row.seconds) for row in rows]
    bare = [("", row.seconds) for row in rows] if plan.shows_unprompted else []
    return list(dict.fromkeys([*said, *bare]))


def preference_objective(
    backend: "Backend",
    rows: Sequence[Any],
    cache: Cache,
    plan: PreferencePlan,
    *,
    crew: Crew = ALONE,
) -> PairPreference | GroupRelative:
    """The objective that a plan's loss names; arguments as for the objectives.

    Raises:
        StudioError: groups for a loss of pairs, or the other way round.
    """
    wanted, kind = (GroupRow, GroupRelative) if plan.loss == "group" else (PairRow, PairPreference)
    if not all(isinstance(row, wanted) for row in rows):
        what = "groups of sounds with rewards" if wanted is GroupRow else "pairs"
        raise StudioError(f"The loss {plan.loss} learns from {what}; give those.")
    return kind(backend, rows, cache, plan, crew=crew)
