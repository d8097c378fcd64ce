"""The parts of the world in the order they are made, and where each keeps its run."""

import logging
from dataclasses import dataclass
from pathlib import Path

from pipelines.generate.autoencoder import SpectralAutoencoder
from pipelines.generate.folders import load_folder
from pipelines.recipes.world import autoencoder, clap, decoder, flow, listeners, reading
from pipelines.recipes.world.corpus import Corpus, build_corpus
from pipelines.recipes.world.training import trained_weights

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class CorpusPlan:
    """How many scenes of which world; no two plans share a seed."""

    count: int
    first_seed: int
    foreign: bool = False


CORPORA = {
    "autoencoder": CorpusPlan(6000, 5_000_000),  # also trains the evaluation CLAP
    "listener": CorpusPlan(5000, 7_000_000),  # the annotator alone
    "judge": CorpusPlan(5000, 8_000_000, foreign=True),  # the test judge alone
    "flow": CorpusPlan(24000, 1_000_000),  # base, clean, reward CLAP
}
PARTS = (
    "corpus",
    "autoencoder",
    "decoder",
    "latents",
    "reading",
    "draft",
    "words",
    "order",
    "base",
    "clean",
    "clap-reward",
    "clap-evaluation",
    "annotator",
    "test-judge",
)


@dataclass(frozen=True)
class Workshop:
    """Everything under one root folder: corpora and runs."""

    root: Path
    workers: int = 1
    device: str = "cpu"
    begin_with: Path | None = None  # a published pipeline to go on from, where the runs are gone

    def corpus(self, name: str) -> Corpus:
        """A corpus, made if it is not there."""
        plan = CORPORA[name]
        return build_corpus(
            self.root / f"corpus-{name}",
            plan.count,
            split="train",
            first_seed=plan.first_seed,
            foreign=plan.foreign,
            workers=self.workers,
        )

    def autoencoder(self) -> SpectralAutoencoder:
        """The trained autoencoder with its latent scale."""
        if self.begin_with is not None:
            return load_folder(self.begin_with).vae.float().eval()
        if (self.root / "decoder" / "state.pt").exists():
            model = decoder.finished_coder(self.root / "decoder")
        else:
            model = trained_weights(self.root / "autoencoder", SpectralAutoencoder())
        return flow.scale_latents(model, self.corpus("autoencoder"))

    def latents(self):
        """The latents of the flow corpus, made if they are not there."""
        path = self.root / "latents.npy"
        return flow.cached_latents(self.autoencoder(), self.corpus("flow"), path)

    def make(self, part: str) -> None:
        """Make one part, or what is left of it."""
        if part == "corpus":
            for name in CORPORA:
                self.corpus(name)
        elif part == "autoencoder":
            autoencoder.train_autoencoder(
                self.corpus("autoencoder"), self.root / "autoencoder", device=self.device
            )
        elif part == "decoder":
            decoder.finish_decoder(
                self.corpus("autoencoder"),
                self.root / "autoencoder",
                self.root / "decoder",
                device=self.device,
            )
        elif part == "latents":
            self.latents()
        elif part == "reading":
            captions = [scene.noisy_caption for scene in self.corpus("flow").scenes]
            reading.train_reader(captions, self.root / "reading")
        elif part in flow.PLANS:
            before = flow.BEFORE.get(part)
            start = self.root / before if before else None
            is_first = part == "draft"
            if part == "order" and self.begin_with is not None:
                start, is_first = self.begin_with, True
            flow.train_flow(
                part,
                self.corpus("flow"),
                self.latents(),
                self.root / part,
                start_from=start,
                reader=self.root / "reading" if is_first else None,
                device=self.device,
            )
        elif part.startswith("clap-"):
            kind = part.removeprefix("clap-")
            corpus = self.corpus("flow" if kind == "reward" else "autoencoder")
            clap.train_clap(kind, corpus, self.root / part, device=self.device)
        else:
            name = {"annotator": "listener", "test-judge": "judge"}[part]
            corpus = self.corpus(name)
            copies = self.root / f"autoencoded-{name}.npy"
            autoencoded = listeners.autoencode_corpus(corpus, self.autoencoder(), copies)
            listeners.train_listener(
                part, corpus, autoencoded, self.root / part, device=self.device
            )
