"""Train the autoencoder: spectral losses at four resolutions and a light pull to the prior."""

from pathlib import Path

import torch
from torch import Tensor

from pipelines.generate.autoencoder import Posterior, SpectralAutoencoder
from pipelines.recipes.world.corpus import Corpus
from pipelines.recipes.world.training import Plan, train
from pipelines.seeds import numpy_generator

PLAN = Plan(steps=7000, learning_rate=1.2e-3, warmup=200, average=0.998)
BATCH, CROP = 12, 40_960  # clips a step, samples a clip (2.56 s, 16 latent frames)
KL_WEIGHT = 3e-3  # per latent value
RESOLUTIONS = (256, 512, 1024, 2048)  # FFT sizes; hop is a quarter


def spectral_distance(made: Tensor, real: Tensor, fft_size: int) -> Tensor:
    """Spectral convergence plus mean log-magnitude error at one resolution (arXiv 1910.11480).

    Args:
        made: [batch, samples].
        real: the same shape.
        fft_size: samples of the Hann window; the hop is a quarter of it.
    """
    a = magnitudes(made, fft_size)
    with torch.no_grad():
        b = magnitudes(real, fft_size)
    convergence = (a - b).square().sum((1, 2)).sqrt() / (b.square().sum((1, 2)).sqrt() + 0.5)
    return convergence.mean() + (torch.log(a + 1e-3) - torch.log(b + 1e-3)).abs().mean()


def magnitudes(sound: Tensor, fft_size: int) -> Tensor:
    """[batch, samples] to [batch, frames, bins]; unfold and rfft cost a quarter of torch.stft and its backward here."""
    window = torch.hann_window(fft_size, device=sound.device)
    frames = sound.unfold(1, fft_size, fft_size // 4) * (window / window.square().sum().sqrt())
    spectrum = torch.fft.rfft(frames)
    return (spectrum.real.square() + spectrum.imag.square() + 1e-9).sqrt()


def kl_to_standard_normal(posterior: Posterior) -> Tensor:
    """Mean over latent values of KL(posterior || N(0, 1)), in nats."""
    mean, std = posterior.mean, posterior.std
    return 0.5 * (mean.square() + std.square() - 1 - 2 * std.log()).mean()


def train_autoencoder(corpus: Corpus, folder: Path, *, device: str = "cpu", plan: Plan = PLAN):
    """Train on random crops of the corpus; returns the model with its latent scale set."""
    torch.manual_seed(plan.seed)
    model = SpectralAutoencoder().to(device).train()

    def loss_of(step: int) -> dict[str, Tensor]:
        audio = draw_crops(corpus, plan.seed, step).to(device)
        with torch.autocast(device, torch.bfloat16):
            posterior = model.encode(audio)
            made = model.decode(posterior.sample())
        sizes = [spectral_distance(made[:, 0], audio[:, 0], n) for n in RESOLUTIONS]
        kl = kl_to_standard_normal(posterior)
        spectral = torch.stack(sizes).mean()
        return {"loss": spectral + KL_WEIGHT * kl, "spectral": spectral.detach(), "kl": kl.detach()}

    return train(model, loss_of, plan, folder)


def draw_crops(corpus: Corpus, seed: int, step: int, *, batch: int = BATCH) -> Tensor:
    """Random crops with a random gain of up to 4 dB either way, [batch, 1, samples]."""
    rng = numpy_generator(seed, "crops", step)
    crops = []
    for _ in range(batch):
        index = int(rng.integers(len(corpus.scenes)))
        last = max(1, int(corpus.scenes[index].seconds * 16_000) - CROP // 2)
        start = int(rng.integers(0, min(last, corpus.audio.shape[1] - CROP)))
        sound = torch.from_numpy(corpus.sound(index)[:, start : start + CROP].copy())
        crops.append(sound * 10 ** (rng.uniform(-4, 4) / 20))
    return torch.stack(crops).clamp(-1, 1)
