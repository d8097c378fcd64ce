"""Train the simulated listeners: strong labels, half of the sound real, half autoencoded."""

import logging
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from pipelines.generate.autoencoder import SpectralAutoencoder
from pipelines.recipes.world.corpus import SAMPLES, Corpus
from pipelines.recipes.world.training import Plan, train
from pipelines.seeds import numpy_generator
from pipelines.soundworld.events import LABELS
from pipelines.soundworld.hearing import FRAME_RATE, AnnotatorEar, TestJudgeEar
from pipelines.soundworld.scenes import Scene
from pipelines.soundworld.synthesis import SAMPLE_RATE

PLANS = {
    "annotator": Plan(steps=1300, learning_rate=2e-3, warmup=60, average=0.995, seed=11),
    "test-judge": Plan(steps=900, learning_rate=3e-3, warmup=60, average=0.995, seed=12),
}
EARS = {"annotator": AnnotatorEar, "test-judge": TestJudgeEar}
BATCH = 32
FRAMES = int(SAMPLES / SAMPLE_RATE * FRAME_RATE)  # 128
log = logging.getLogger(__name__)


def strong_targets(scene: Scene) -> np.ndarray:
    """Who sounds in each frame: float32 [128, events], 1 where the frame's middle is inside."""
    middles = (np.arange(FRAMES) + 0.5) / FRAME_RATE
    out = np.zeros((FRAMES, len(LABELS)), np.float32)
    for event in scene.events:
        out[(middles >= event.onset) & (middles < event.offset), LABELS.index(event.label)] = 1
    return out


def autoencode_corpus(corpus: Corpus, autoencoder: SpectralAutoencoder, path: Path) -> np.ndarray:
    """Every scene through the autoencoder once, int16 [scenes, samples]; made once, then opened."""
    if path.exists():
        return np.load(path, mmap_mode="r")
    part = path.with_suffix(".part.npy")
    out = np.lib.format.open_memmap(part, mode="w+", dtype=np.int16, shape=corpus.audio.shape)
    for start in range(0, len(out), 16):
        sounds = np.stack([corpus.sound(i) for i in range(start, min(start + 16, len(out)))])
        with torch.inference_mode(), torch.autocast("cpu", torch.bfloat16):
            made = autoencoder.decode(autoencoder.encode(torch.from_numpy(sounds)).mean)
        out[start : start + 16] = (made[:, 0].clamp(-1, 1).float() * 32767).round().numpy()
        if start % 800 == 0:
            log.info("autoencoded %d of %d", start, len(out))
    out.flush()
    part.rename(path)
    return np.load(path, mmap_mode="r")


def train_listener(
    name: str,
    corpus: Corpus,
    autoencoded: np.ndarray,
    folder: Path,
    *,
    plan: Plan | None = None,
    device: str = "cpu",
):
    """Train one listener's ear on a corpus and its autoencoded copy.

    Args:
        name: "annotator" or "test-judge".
        corpus: strong-labelled scenes that no other part trains on.
        autoencoded: int16, the same scenes through the autoencoder.
        folder: of the run.
        plan: PLANS[name] by default.
        device: cpu or cuda.
    """
    plan = plan or PLANS[name]
    torch.manual_seed(plan.seed)
    ear = EARS[name]().to(device).train()
    targets = np.stack([strong_targets(scene) for scene in corpus.scenes])

    def loss_of(step: int) -> dict[str, Tensor]:
        rng = numpy_generator(plan.seed, "batch", step)
        index = rng.integers(len(corpus.scenes), size=BATCH)
        sounds = [(corpus.audio if rng.uniform() < 0.5 else autoencoded)[i] for i in index]
        audio = np.stack(sounds).astype(np.float32) / 32767
        audio *= 10 ** (rng.uniform(-6, 6, (BATCH, 1)) / 20)  # loudness must not matter
        audio += rng.standard_normal(audio.shape, np.float32) * 10 ** rng.uniform(
            -4, -2.7, (BATCH, 1)
        )
        with torch.autocast(device, torch.bfloat16, enabled=name == "annotator"):
            logits = ear(torch.from_numpy(audio.astype(np.float32)).to(device))
        truth = torch.from_numpy(targets[index]).to(device)
        loss = torch.nn.functional.binary_cross_entropy_with_logits(logits.float(), truth)
        hits = ((logits > 0) & (truth > 0)).sum() * 2.0
        return {"loss": loss, "f1": hits / ((logits > 0).sum() + truth.sum()).clamp_min(1)}

    return train(ear, loss_of, plan, folder)
