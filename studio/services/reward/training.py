"""The training of a reward model as a job: sounds embedded once, a head trained, and measured."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pipelines.errors import Cancelled
from studio.jobs import Desk, Work
from studio.services.engines import Engines
from studio.services.reward import files
from studio.services.reward.encoders import audio_encoder, layout_of, text_encoder
from studio.services.reward.request import Settings, settings_from_plain
from studio.store.jobs import Job
from studio.store.store import Store

if TYPE_CHECKING:
    from pipelines.reward.labels import Material
    from pipelines.reward.saved import Ground
    from pipelines.reward.training import Vectors

REWARD = "reward"  # the kind of job
PACKAGES = ("numpy", "torch", "safetensors")  # that move a figure
EMBEDDED, TRAINED = 0.6, 0.9  # where the progress bar stands after these phases


@dataclass(frozen=True)
class RewardTraining:
    """Does the job: its id names a folder, which holds what is learned from before it begins.

    Args:
        store: where sounds and jobs are.
        engines: CLAP, and the model whose T5 reads prompts.
        data: the data folder.
    """

    store: Store
    engines: Engines
    data: Path

    @property
    def work(self) -> Work:
        """The phases, for the worker: all but the first go behind sounds that others wait for."""
        return Work(kind=REWARD, phases=(self.prepare, self.embed, self.train, self.measure))

    def folder(self, job: str) -> Path:
        """Where the files of a reward model lie."""
        return self.data / "rewards" / job

    def prepare(self, job: Job, desk: Desk) -> bool:
        """Phase one: the encoders loaded, and their names and versions written down."""
        settings = settings_from_plain(job.request["settings"])
        with self._timed(job, "load"):
            desk.tell(0.0, "loading CLAP")
            text = text_encoder(self.engines, settings)
            revision = audio_encoder(self.engines, settings.hears).revision
        versions = {package: version(package) for package in PACKAGES}
        self._find(job, versions={**versions, "clap": revision, "text": text.name})
        return True

    def embed(self, job: Job, desk: Desk) -> bool:
        """Phase two: every sound and prompt that is not known yet becomes a vector."""
        from pipelines.reward.embeddings import embed_clips, embed_texts, text_of

        settings = settings_from_plain(job.request["settings"])
        material = files.read_gathered(self.folder(job.id)).material
        clap, wanted = audio_encoder(self.engines, settings.hears), clips_of(material)
        with self._timed(job, "embed"):
            plain = text_of(self.engines.clap())  # its own cosine is the reference reward
            for encoder in (plain, text_encoder(self.engines, settings)):
                embed_texts(self._kept("text", encoder.name), prompts_of(material), encoder)

            def tell(done: int, of: int) -> None:
                desk.tell(EMBEDDED * done / of, f"listening to {done} of {of} new sounds")

            try:
                embed_clips(
                    self._kept("audio", f"clap {clap.revision}"),
                    {clip: lambda clip=clip: self.store.clips.read(clip) for clip in wanted},
                    clap,
                    on_progress=tell,
                    should_stop=lambda: desk.should_stop() or desk.should_give_way(),
                )
            except Cancelled:
                if desk.should_stop():
                    raise
                return False
        desk.tell(EMBEDDED, "training")
        return True

    def train(self, job: Job, desk: Desk) -> bool:
        """Phase three: the head, and what it foretells of prompts that it never met."""
        from studio.services.reward.lesson import Lesson

        settings = settings_from_plain(job.request["settings"])
        lesson = Lesson(
            folder=self.folder(job.id),
            vectors=self.vectors(settings),
            settings=settings,
            layout=layout_of(self.engines, settings.hears),
            tell=lambda share, note: desk.tell(EMBEDDED + (TRAINED - EMBEDDED) * share, note),
            should_stop=lambda: desk.should_stop() or desk.should_give_way(),
        )
        with self._timed(job, "train"):
            try:
                told = lesson.learn(files.read_gathered(lesson.folder).material, self._ground(job))
            except Cancelled:
                if desk.should_stop():
                    raise
                return False
        self._find(job, kept=told["kept"])
        return True

    def measure(self, job: Job, desk: Desk) -> bool:
        """Phase four: the figures, with CLAP's own beside them; they become part of the card."""
        from pipelines.reward.embeddings import text_of
        from pipelines.reward.saved import load_head, save_head
        from studio.services.reward.measures import measured

        folder = self.folder(job.id)
        desk.tell(TRAINED, "measuring on prompts that it has not met")
        with self._timed(job, "measure"):
            settings = settings_from_plain(job.request["settings"])
            texts = self._kept("text", text_of(self.engines.clap()).name)
            vectors, seed = replace(self.vectors(settings), texts=texts), settings.seed
            material, rewards = files.read_heldout(folder)
            found = measured(material, rewards, vectors, seed=seed)
            files.write_figures(folder, {**files.read_figures(folder), **found})
            head, ground = load_head(folder)
            save_head(head, replace(ground, figures=found["figures"]), folder)
            for state in folder.glob("*.pt"):
                state.unlink()
        self._find(job, auc=found["figures"]["reward"].get("auc"))
        return True

    def _ground(self, job: Job) -> "Ground":
        """What the head will stand on, before it is measured."""
        from pipelines.reward.saved import Ground

        asked, versions = job.request, job.findings["versions"]
        told = {name: asked[name] for name in ("campaigns", "settings", "data")}
        return Ground(
            audio=f"clap {versions['clap']}",
            text=versions["text"],
            task=asked["task"],
            simulated=asked["simulated"],
            trained_on={**told, "versions": versions},
        )

    def vectors(self, settings: Settings) -> "Vectors":
        """Embeddings of prompts and of sounds, as these settings read and hear."""
        from pipelines.reward.training import Vectors

        encoder = text_encoder(self.engines, settings)
        clap = audio_encoder(self.engines, settings.hears)
        return Vectors(
            texts=self._kept("text", encoder.name),
            clips=self._kept("audio", f"clap {clap.revision}"),
        )

    def _kept(self, side: str, encoder: str) -> Any:
        from pipelines.reward.embeddings import kept_in

        return kept_in(self.data / "embeddings" / "reward", side, encoder)

    def _find(self, job: Job, **found: Any) -> None:
        """Remember with the job what was found out."""
        job.findings.update(found)
        self.store.jobs.change(job.id, findings=job.findings)

    @contextmanager
    def _timed(self, job: Job, phase: str) -> Iterator[None]:
        """Add the seconds of a phase to those that it has taken before."""
        started = time.perf_counter()
        try:
            yield
        finally:
            took = dict(job.findings.get("took", {}))
            took[phase] = round(took.get(phase, 0.0) + time.perf_counter() - started, 3)
            self._find(job, took=took)


def clips_of(material: "Material") -> list[str]:
    """Every sound of the material once, in one order for all runs."""
    found = {one.clip for one in material.examples}
    found |= {clip for pair in material.pairs for clip in (pair.chosen, pair.rejected)}
    return sorted(found)


def prompts_of(material: "Material") -> list[str]:
    """Every prompt of the material once, in one order for all runs."""
    return sorted({one.prompt for one in (*material.examples, *material.pairs)})
