"""Train the two small CLAPs: one on the base's noisy captions, one on disjoint clean scenes."""

from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from pipelines.clap import Clap, build
from pipelines.contrastive import contrastive_loss
from pipelines.recipes.world.corpus import Corpus
from pipelines.recipes.world.training import Plan, train
from pipelines.recipes.world.words import world_tokenizer
from pipelines.seeds import numpy_generator

PLANS = {
    "reward": Plan(
        steps=1250, learning_rate=1e-3, warmup=80, average=0.995, weight_decay=0.05, seed=21
    ),
    "evaluation": Plan(
        steps=1000, learning_rate=1e-3, warmup=80, average=0.995, weight_decay=0.05, seed=22
    ),
}
BATCH = 64


def train_clap(
    kind: str, corpus: Corpus, folder: Path, *, plan: Plan | None = None, device: str = "cpu"
) -> Clap:
    """Train one CLAP on a corpus.

    Args:
        kind: "reward" (reads `noisy_caption`) or "evaluation" (reads `caption`).
        corpus: its scenes; the two kinds share none.
        folder: of the run.
        plan: PLANS[kind] by default.
        device: cpu or cuda.
    """
    plan = plan or PLANS[kind]
    clap = build(kind, world_tokenizer(), seed=plan.seed).to(device).train()
    captions = [
        scene.noisy_caption if kind == "reward" else scene.caption for scene in corpus.scenes
    ]

    def loss_of(step: int) -> dict[str, Tensor]:
        rng = numpy_generator(plan.seed, "batch", step)
        index = rng.choice(len(captions), BATCH, replace=False)
        texts = [captions[i] for i in index]
        audio = torch.from_numpy(corpus.audio[np.sort(index)][np.argsort(np.argsort(index))])
        audio = (
            audio.float()
            / 32767
            * 10 ** torch.from_numpy(rng.uniform(-6, 6, (BATCH, 1)) / 20).float()
        )
        with torch.no_grad():
            mels = clap.mels(audio.to(device))
        with torch.autocast(device, torch.bfloat16):
            heard, read, scale = clap(mels, *(t.to(device) for t in clap.tokenize(texts)))
        groups = torch.tensor([texts.index(text) for text in texts], device=device)
        loss = contrastive_loss(
            heard.float(), read.float(), scale.float().clamp(max=100), groups=groups
        )
        right = (heard.float() @ read.float().T).argmax(1) == torch.arange(BATCH, device=device)
        return {"loss": loss, "top1": right.float().mean()}

    return train(clap, loss_of, plan, folder)
