"""Finish the decoder: an adversarial and a feature-matching term, so that noise sounds like noise.

Spectral losses alone teach the decoder the mean of a noise, which rings.  Small discriminators on
spectrograms at three resolutions see the difference (as in Vocos, arXiv 2306.00814).  The encoder
stays as it is, so that latents made before stay valid.
"""

from pathlib import Path

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.func import functional_call

from pipelines.generate.autoencoder import SpectralAutoencoder
from pipelines.recipes.world.autoencoder import (
    RESOLUTIONS,
    draw_crops,
    magnitudes,
    spectral_distance,
)
from pipelines.recipes.world.corpus import Corpus
from pipelines.recipes.world.training import Plan, train, trained_weights

PLAN = Plan(
    steps=1400, learning_rate=4e-4, warmup=50, betas=(0.8, 0.95), clip=5.0, average=0.995, seed=41
)
BATCH = 8
ADVERSARIAL, MATCHING = 0.15, 0.6  # weights beside the spectral loss
JUDGED = (512, 1024, 2048)  # FFT sizes of the discriminators


class SpectrogramDiscriminator(nn.Module):
    """Real or made, patch by patch, from the log-magnitudes at one resolution."""

    def __init__(self, width: int = 16) -> None:
        super().__init__()
        self.layers = nn.ModuleList(
            [
                nn.Conv2d(1, width, (3, 9), stride=(1, 4), padding=(1, 4)),
                nn.Conv2d(width, 2 * width, (3, 5), stride=(2, 2), padding=(1, 2)),
                nn.Conv2d(2 * width, 2 * width, 3, stride=(1, 2), padding=1),
            ]
        )
        self.verdict = nn.Conv2d(2 * width, 1, 3, padding=1)

    def forward(self, spectrum: Tensor) -> list[Tensor]:
        """[batch, frames, bins] magnitudes to the features of each layer, the verdict last."""
        hidden = torch.log(spectrum[:, None] + 1e-3) / 3
        found = []
        for layer in self.layers:
            hidden = F.leaky_relu(layer(hidden), 0.1)
            found.append(hidden)
        return [*found, self.verdict(hidden)]


class Contest(nn.Module):
    """The autoencoder, its encoder frozen, against one discriminator per resolution."""

    def __init__(self, coder: SpectralAutoencoder) -> None:
        super().__init__()
        self.coder = coder
        self.coder.encoder.requires_grad_(False)
        self.judges = nn.ModuleList(SpectrogramDiscriminator() for _ in JUDGED)

    def frozen_judge(self, number: int, spectrum: Tensor) -> list[Tensor]:
        """A discriminator's features with no gradient to its weights: for the decoder's turn."""
        judge = self.judges[number]
        weights = {name: value.detach() for name, value in judge.named_parameters()}
        return functional_call(judge, weights, (spectrum,))


def hinge_terms(real: Tensor, made: Tensor) -> Tensor:
    """What a discriminator minimises: mean max(0, 1 - real) + mean max(0, 1 + made)."""
    return (1 - real).relu().mean() + (1 + made).relu().mean()


def matching_term(real: list[Tensor], made: list[Tensor]) -> Tensor:
    """Mean over layers of |real - made| relative to |real|."""
    terms = [
        (m - r).abs().mean() / (r.abs().mean() + 1e-3) for r, m in zip(real, made, strict=True)
    ]
    return torch.stack(terms).mean()


def finish_decoder(
    corpus: Corpus, start_from: Path, folder: Path, *, device: str = "cpu", plan: Plan = PLAN
) -> SpectralAutoencoder:
    """Go on training the decoder of a run; returns the autoencoder.

    Args:
        corpus: the autoencoder's.
        start_from: folder of the autoencoder's run.
        folder: of this run.
        device: cpu or cuda.
        plan: steps and rates.
    """
    torch.manual_seed(plan.seed)
    contest = Contest(trained_weights(start_from, SpectralAutoencoder())).to(device).train()

    def loss_of(step: int) -> dict[str, Tensor]:
        audio = draw_crops(corpus, plan.seed, step, batch=BATCH).to(device)
        with torch.no_grad(), torch.autocast(device, torch.bfloat16):
            latents = contest.coder.encode(audio).mean
        with torch.autocast(device, torch.bfloat16):
            made = contest.coder.decode(latents)[:, 0]
        spectral = torch.stack(
            [spectral_distance(made, audio[:, 0], n) for n in RESOLUTIONS]
        ).mean()
        contested, matched, judged = [], [], []
        for number, fft_size in enumerate(JUDGED):
            with torch.no_grad():
                real_picture = magnitudes(audio[:, 0], fft_size)
            made_picture = magnitudes(made, fft_size)
            with torch.autocast(device, torch.bfloat16):
                real = contest.judges[number](real_picture)
                seen = contest.judges[number](made_picture.detach())
                turned = contest.frozen_judge(number, made_picture)
            judged.append(hinge_terms(real[-1].float(), seen[-1].float()))
            contested.append(-turned[-1].float().mean())
            matched.append(matching_term([r.detach().float() for r in real[:-1]],
                                         [t.float() for t in turned[:-1]]))  # fmt: skip
        contest_loss, matching, judging = (
            torch.stack(x).mean() for x in (contested, matched, judged)
        )
        total = spectral + ADVERSARIAL * contest_loss + MATCHING * matching + judging
        return {
            "loss": total,
            "spectral": spectral.detach(),
            "matching": matching.detach(),
            "judging": judging.detach(),
        }

    return train(contest, loss_of, plan, folder).coder


def finished_coder(folder: Path) -> SpectralAutoencoder:
    """The autoencoder of a decoder run."""
    return trained_weights(folder, Contest(SpectralAutoencoder())).coder
