"""One training: which prompts are held out, the head, and what it foretells of them."""

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from pipelines.reward.folds import FOLDS, mean_history, out_of_fold
from pipelines.reward.heldout import rewards_of
from pipelines.reward.labels import Material, split
from pipelines.reward.saved import Ground, save_head
from pipelines.reward.stretches import Stretches
from pipelines.reward.training import Epoch, Trained, Vectors, train
from studio.services.reward import files
from studio.services.reward.encoders import shape_of
from studio.services.reward.request import Settings

LEAST_HELD_OUT = 40  # labels and pairs in a test split; with fewer it tells nothing: then folds
BY_SPLIT, BY_FOLDS = "held-out prompts", "all prompts, by folds"


@dataclass(kw_only=True)
class Lesson:
    """Trains one head and writes it, its history and its held-out rewards into a folder.

    Args:
        folder: of the reward model; states are kept there too, so that a killed run goes on.
        vectors: of all prompts and sounds.
        settings: with the text encoder chosen.
        layout: of the vectors, where sounds are heard in stretches.
        tell: hears the share done and what is being done.
        should_stop: asked before each epoch.
    """

    folder: Path
    vectors: Vectors
    settings: Settings
    layout: Stretches | None
    tell: Callable[[float, str], None]
    should_stop: Callable[[], bool]
    history: dict[int, list[Epoch]] = field(default_factory=dict)  # by fold; 0 where there is none

    def learn(self, material: Material, ground: Ground) -> dict[str, Any]:
        """Train, write, and tell how prompts were held out.

        Raises:
            Cancelled: a stop was asked for.
            StudioError: what `train` raises.
        """
        parts = split(material)
        is_split = len(parts["test"]) >= LEAST_HELD_OUT and bool(len(parts["dev"]))
        groups = len({one.group for one in (*material.examples, *material.pairs)})
        if is_split:
            head, told = self._by_split(material, parts)
            splits = {name: len(part) for name, part in parts.items()}
        else:
            head, told = self._by_folds(material)
            splits = {"train": len(material), "dev": 0, "test": 0}
        told |= {"splits": splits, "groups": groups}
        save_head(head, ground, self.folder)
        files.write_figures(self.folder, told)
        return told

    def _by_split(self, material: Material, parts: dict[str, Material]) -> tuple[Any, dict]:
        """A head of the training groups, measured on the test groups."""
        run = self._train(parts["train"], parts["dev"], self.settings.plan())
        files.write_history(self.folder, run.history)
        held = parts["test"]
        files.write_heldout(
            self.folder,
            _places(material.examples, held.examples),
            _places(material.pairs, held.pairs),
            rewards_of(run.head, held, self.vectors),
        )
        return run.head, {"measured_on": BY_SPLIT, "folds": None, "kept": run.kept}

    def _by_folds(self, material: Material) -> tuple[Any, dict]:
        """A head of everything, as long as was best for the heads that each missed a fold."""
        plan = self.settings.plan()

        def on_epoch(fold: int, folds: int, epoch: Epoch) -> None:
            self.history.setdefault(fold, []).append(epoch)
            if self.history[fold][0].number == 1:  # else it goes on from before a restart
                files.write_history(self.folder, mean_history(list(self.history.values())))
            share = (fold + epoch.number / plan.epochs) / (folds + 1)
            self.tell(share, f"fold {fold + 1} of {folds}, epoch {epoch.number} of {plan.epochs}")

        found = out_of_fold(
            material,
            self.vectors,
            self._shape(),
            plan,
            seed=self.settings.seed,
            on_epoch=on_epoch,
            should_stop=self.should_stop,
            state=self.folder,
        )
        files.write_history(self.folder, found.history)
        whole = replace(plan, epochs=found.kept, stops_early=False)
        run = self._train(material, Material(), whole, begun=FOLDS / (FOLDS + 1))
        everything = (range(len(material.examples)), range(len(material.pairs)))
        files.write_heldout(self.folder, *everything, found.rewards)
        return run.head, {"measured_on": BY_FOLDS, "folds": found.folds, "kept": found.kept}

    def _train(
        self, material: Material, dev: Material, plan: Any, *, begun: float = 0.0
    ) -> Trained:
        is_live = bool(len(dev))
        told = {row["number"]: Epoch(**row) for row in files.read_history(self.folder)}

        def on_epoch(epoch: Epoch) -> None:
            if is_live:
                told[epoch.number] = epoch
                files.write_history(self.folder, [told[number] for number in sorted(told)])
            share = begun + (1 - begun) * epoch.number / plan.epochs
            self.tell(share, f"epoch {epoch.number} of {plan.epochs}")

        return train(
            material,
            dev,
            self.vectors,
            self._shape(),
            plan,
            seed=self.settings.seed,
            on_epoch=on_epoch,
            should_stop=self.should_stop,
            state=self.folder / "train.pt",
        )

    def _shape(self) -> Any:
        text, audio = (
            next(iter(rows.values())) for rows in (self.vectors.texts, self.vectors.clips)
        )
        return shape_of(self.settings, len(text), len(audio), self.layout)


def _places(items: Any, some: Any) -> list[int]:
    """Where these stand among all."""
    at = {one: place for place, one in enumerate(items)}
    return [at[one] for one in some]
