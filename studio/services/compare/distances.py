"""How far both sides of a comparison are from the real thing: renders of the prompts, or a folder."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from pipelines.compare import sides, verdict
from pipelines.compare.jackknife import LEAST
from pipelines.errors import Cancelled, StudioError
from pipelines.records import digest
from pipelines.seeds import fork
from studio.jobs import Desk
from studio.services.compare.embedding_store import EmbeddingStore, read_rows, write_rows
from studio.services.compare.request import SIDES, Wish
from studio.services.engines import Engines
from studio.services.sound_folders import Sound, sounds_in, told_captions

if TYPE_CHECKING:
    from pipelines.embedders import Embedder

WANTED = 100  # reference sounds in all; more move a distance less than the prompts do
MOST_TAKES = 4  # renders of one prompt
RENDERER = 1  # count up when the sound world renders the same scene otherwise
FAD = (
    "FAD is the same distance by VGGish, whose weights are not shipped: "
    "`python -m studio.cli evaluate --embedder vggish=WEIGHTS` measures it from folders."
)


class GaveWay(Exception):
    """Another job goes first; what was embedded is kept."""


@dataclass(frozen=True)
class Distances:
    """Embeds both sides and what they are measured against, by the evaluation CLAP."""

    engines: Engines
    kept: EmbeddingStore
    clip: Callable[[str], Path]  # where a clip lies

    def measure(
        self, wish: Wish, pairs: Sequence[tuple[int, dict[str, str]]], desk: Desk
    ) -> dict[str, Any]:
        """What a page may show of it.

        Args:
            wish: what was compared.
            pairs: the place of each whole pair, and the clip of each of its sides.
            desk: hears how far it is.

        Returns:
            `measures`, `left_out`, `said`, `reference` (what was measured against), `classes` (who
            told classes, and how), `pairs`, `seed`.

        Raises:
            GaveWay: another job goes first.
            Cancelled: a stop was asked for.
        """
        if len(pairs) < LEAST:
            return nothing(f"they need {LEAST} pairs, and there are {len(pairs)}.")
        from pipelines.embedders.clap import ClapEmbedder

        try:
            ears = ClapEmbedder("CLAP-evaluation", self.engines.clap("evaluation"))
        except StudioError as error:
            return nothing(f"they need the evaluation CLAP. {error}")
        renders = Renders(self, ears, desk, wish)
        reference, prompt_of, told = (
            renders.from_folder(pairs) if wish.reference else renders(pairs)
        )
        of_these = range(len(pairs)) if prompt_of is None else sorted(set(prompt_of.tolist()))
        if reference is not None and prompt_of is not None and len(of_these) < LEAST:
            why = f"only {len(of_these)} of the prompts can be rendered; {LEAST} are needed."
            reference = prompt_of = None
            told, of_these = why, range(len(pairs))
        both = {side: renders.sounds([pairs[i][1][side] for i in of_these]) for side in SIDES}
        if prompt_of is not None:
            prompt_of = np.searchsorted(list(of_these), prompt_of)
        captions = self.engines.event_captions()
        found, left_out = sides.evaluate(
            sides.Sides(
                a=both["a"], b=both["b"], reference=reference, prompt_of=prompt_of,
                labels=ears.clap.embed_text(captions), scale=ears.clap.scale, embedder=ears.name,
                seed=wish.seed,
            )
        )  # fmt: skip
        return {
            "measures": found,
            "left_out": [*left_out, {"metric": "FAD", "why": FAD}],
            "said": [verdict.sentence(measure) for measure in found],
            "reference": told,
            "classes": f"KL and IS: {ears.name} zero-shot, its softmax over the texts of "
            f"{len(captions)} events, by its own scale of {ears.clap.scale:.1f}.",
            "judge": {"name": ears.name, "revision": ears.revision},
            "pairs": len(of_these),
            "seed": wish.seed,
        }


def nothing(why: str) -> dict[str, Any]:
    """No distances, and why."""
    return {"measures": [], "left_out": [{"metric": "Distances", "why": why}], "said": []}


@dataclass(frozen=True)
class Renders:
    """The rows of what is measured, sound by sound, giving way in between."""

    distances: Distances
    ears: "Embedder"
    desk: Desk
    wish: Wish

    def __call__(
        self, pairs: Sequence[tuple[int, dict[str, str]]]
    ) -> tuple[np.ndarray | None, np.ndarray | None, str]:
        """Real renders of the prompts: their rows, whose they are, and what to say of them."""
        takes = max(1, min(MOST_TAKES, round(WANTED / len(pairs))))
        rows, owner, failed = [], [], []
        for number, (place, _) in enumerate(pairs):
            for take in range(takes):
                self._tell("rendering the real sounds", number, len(pairs))
                try:
                    rows.append(self._render(self.wish.prompts[place], take))
                except StudioError as error:
                    failed.append(str(error))
                    break
                owner.append(number)
        if not rows:
            return None, None, f"No prompt can be rendered for real: {failed[0]}"
        told = f"{len(rows)} real renders, {takes} of each prompt"
        if failed:
            told += (
                f"; {len(failed)} of {len(pairs)} prompts are left out of the distances, since the "
                f"sound world cannot render them (the first: {failed[0]})"
            )
        return np.concatenate(rows), np.array(owner), f"{told}."

    def from_folder(
        self, pairs: Sequence[tuple[int, dict[str, str]]]
    ) -> tuple[np.ndarray, np.ndarray | None, str]:
        """The sounds of the folder that was given; those with these prompts belong to them."""
        found = told_captions(sounds_in(Path(str(self.wish.reference))))
        rows = []
        for number, sound in enumerate(found):
            self._tell("hearing the reference", number, len(found))
            rows.append(self._rows([sound]))
        number_of = {self.wish.prompts[place]: i for i, (place, _) in enumerate(pairs)}
        owner = [number_of.get(" ".join((sound.caption or "").split())) for sound in found]
        is_paired = None not in owner and set(owner) == set(range(len(pairs)))
        told = f"{len(found)} sounds of {Path(str(self.wish.reference)).name}"
        return np.concatenate(rows), np.array(owner) if is_paired else None, f"{told}."

    def sounds(self, clips: Sequence[str]) -> np.ndarray:
        """The rows of clips, float32 [clips, dimensions]."""
        rows = []
        for number, clip in enumerate(clips):
            self._tell("hearing both sides as sets", number, len(clips))
            rows.append(self._rows([Sound(path=self.distances.clip(clip), name=clip)]))
        return np.concatenate(rows)

    def _rows(self, sounds: Sequence[Sound]) -> np.ndarray:
        return self.distances.kept.rows(self.ears, sounds, lambda note: None)[0]

    def _render(self, caption: str, take: int) -> np.ndarray:
        """The row of one render, kept by what decides it."""
        engines, seconds = self.distances.engines, self.wish.seconds
        scene = engines.scene_of_caption(caption, fork(self.wish.seed, "reference", take), seconds)
        made = {
            "render": caption, "seed": scene.seed, "seconds": seconds, "renderer": RENDERER,
            "embedder": self.ears.name, "revision": self.ears.revision,
            "settings": self.ears.settings,
        }  # fmt: skip
        path = self.distances.kept.folder / f"{digest(made)}.npy"
        row = read_rows(path)
        if row is None:
            audio, rate = engines.render(scene)
            row = self.ears.embed([audio], rate)
            write_rows(path, row)
        return row

    def _tell(self, what: str, number: int, total: int) -> None:
        """Progress; and the place where a stop is heard and others go first."""
        if self.desk.should_stop():
            raise Cancelled()
        if self.desk.should_give_way():
            raise GaveWay()
        self.desk.tell(self.desk.progress, f"{what}: {number + 1} of {total}")
