"""The adapters that are kept: each is a model of its own, to choose wherever a model is chosen.

An adapter that comes with the studio lies in assets/aligned; those that people trained and kept lie
in the data folder, each in a folder named by its hash.
"""

import json
import logging
import re
import shutil
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pipelines.errors import StudioError

if TYPE_CHECKING:
    from pipelines.generate.checkpoints import ModelInfo

log = logging.getLogger(__name__)
ASSETS = Path(__file__).parents[2] / "assets"
SHIPPED, SHIPPED_BASE = "embedded-aligned", "embedded"
CARD, ABOUT = "adapter.json", "about.json"
RECORD = "record.json"  # of the run that trained it
TITLE_LENGTH = 80


@dataclass(frozen=True, kw_only=True)
class About:
    """What people are told of an adapter, beside what it is by itself."""

    title: str
    base: str  # what `checkpoints.load` takes for the model that it changes
    recipe: str  # baton, supervised, …
    simulated: bool  # whether a simulated listener's judgements made it
    run: str  # the job that trained it
    made_at: str  # UTC, ISO 8601


@dataclass(frozen=True)
class Adapters:
    """Finds, keeps and removes adapters.

    Args:
        data: the data folder.
        assets: holds the one that comes with the studio.
    """

    data: Path
    assets: Path = ASSETS

    def models(self) -> "list[ModelInfo]":
        """Every adapter as a model to choose: the shipped one, then those that were kept, by title.

        One whose card cannot be read is left out, and the log says so: the others are of use.
        """
        found = []
        for folder in self._kept():
            try:
                found.append(self._info(folder))
            except StudioError as error:
                log.warning("a kept adapter is left out: %s", error)
        shipped = [self._shipped()] if (self.assets / "aligned" / CARD).is_file() else []
        return shipped + sorted(found, key=lambda model: model.title)

    def folder_of(self, name: str) -> Path | None:
        """Where the adapter of this model lies; None where the name is no adapter's."""
        found = [model.path for model in self.models() if model.name == name]
        return found[0] if found else None

    def base_of(self, name: str) -> str:
        """The model that this one changes."""
        folder = self.folder_of(name)
        if folder is None:
            raise StudioError(f"There is no aligned model {name[:80]!r}; choose one of the list.")
        return SHIPPED_BASE if name == SHIPPED else self.about(folder).base

    def check_room(self, most: int) -> None:
        """Nothing, or a StudioError where so many adapters are kept already."""
        if len(self._kept()) >= most:
            raise StudioError(
                f"This shared page is full: of trained models it keeps {most}. Remove one of yours in "
                "Finetune, or wait until somebody removes theirs."
            )

    def keep(self, folder: Path, about: About, most: int | None = None) -> "ModelInfo":
        """Copy the adapter of a folder to those that are kept; kept again it has the new title.

        Args:
            folder: of the adapter.
            about: what people are told of it.
            most: adapters that may be kept in all; None: any number.

        Raises:
            StudioError: the folder holds no whole adapter, the title is empty or too long, or there
                is no room for one more.
        """
        from pipelines.finetune.adapter_files import read_card

        title = " ".join(about.title.split())
        if not 1 <= len(title) <= TITLE_LENGTH:
            raise StudioError(
                f"The title has {len(title)} characters; give 1 to {TITLE_LENGTH} of them."
            )
        place = self.data / "adapters" / read_card(folder).hash
        if most is not None and place not in self._kept():
            self.check_room(most)
        place.mkdir(parents=True, exist_ok=True)
        for path in sorted(folder.iterdir(), key=lambda path: path.name == CARD):  # the card last
            if path.is_file() and path.name != ABOUT:
                shutil.copyfile(path, place / f"{path.name}.part")
                (place / f"{path.name}.part").replace(place / path.name)
        part = place / f"{ABOUT}.part"
        part.write_text(json.dumps({**asdict(about), "title": title}, indent=1) + "\n")
        part.replace(place / ABOUT)
        return self._info(place)

    def remove(self, name: str) -> None:
        """Forget an adapter that was kept; what it made stays."""
        folder = self.folder_of(name)
        if folder is None or folder.parent != self.data / "adapters":
            raise StudioError(f"There is no kept model {name[:80]!r} to remove.")
        (folder / ABOUT).unlink()  # first: a folder without it is none
        shutil.rmtree(folder)

    def record(self, adapter: str) -> dict[str, Any]:
        """All that is known of an adapter: what people are told of it, and its whole card.

        Args:
            adapter: its hash.

        Raises:
            StudioError: it is not here any more.
        """
        for model in self.models():
            card = json.loads((model.path / CARD).read_text())
            if card.get("hash") == adapter:
                told = self._about_shipped() if model.name == SHIPPED else self.about(model.path)
                return {**asdict(told), "name": model.name, "hash": adapter, "card": card}
        raise StudioError(
            f"The adapter {adapter[:16]!r} is not here any more; what it made stays, with its hash."
        )

    def learned(self, adapter: str) -> list[str]:
        """The prompts that a kept adapter learned from; none where its run's record is not there."""
        for folder in self._kept():
            if folder.name == adapter and (folder / RECORD).is_file():
                return json.loads((folder / RECORD).read_text())["data"].get("prompts", [])
        return []

    def about(self, folder: Path) -> About:
        """What people are told of the adapter in a folder."""
        try:
            told: Mapping = json.loads((folder / ABOUT).read_text())
            return About(**told)
        except (OSError, ValueError, TypeError) as error:
            raise StudioError(
                f"{folder.name}/{ABOUT} cannot be read ({error}); remove the folder, and keep the "
                "run's adapter again."
            ) from error

    def _kept(self) -> list[Path]:
        place = self.data / "adapters"
        whole = re.compile(r"[0-9a-f]{16}")
        return [
            path
            for path in sorted(place.glob("*"))
            if whole.fullmatch(path.name) and (path / ABOUT).is_file() and (path / CARD).is_file()
        ]

    def _info(self, folder: Path) -> "ModelInfo":
        from pipelines.generate.checkpoints import ModelInfo, recorded_as

        about = self.about(folder)
        base = recorded_as(about.base)  # sounds and cards tell the name, which holds no path
        heard = "a simulated listener's" if about.simulated else "people's"
        judged = f" on {heard} judgements" if about.recipe != "supervised" else ""
        if about.recipe == "crpo":
            judged = " on candidates of its own"
            judged += ", with a simulated listener's judgements" if about.simulated else ""
        return ModelInfo(
            name=f"{base}+{folder.name[:8]}",
            title=about.title,
            path=folder,
            licence="as its base",
            note=f"{base} with an adapter trained by {about.recipe}{judged}.",
        )

    def _about_shipped(self) -> About:
        return About(
            title=self._shipped().title, base=SHIPPED_BASE, recipe="baton", simulated=True, run="",
            made_at="",
        )  # fmt: skip

    def _shipped(self) -> "ModelInfo":
        from pipelines.generate.checkpoints import ModelInfo

        return ModelInfo(
            name=SHIPPED,
            title="Embedded, aligned",
            path=self.assets / "aligned",
            licence="Apache-2.0",
            note="The embedded model aligned by BATON on a simulated listener's labels.",
        )
