"""A campaign's votes written into a folder: rows in each form, the sounds beside them, a data card."""

import json
import shutil
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from pipelines.errors import StudioError
from studio.services.vote_data.data_card import card
from studio.services.vote_data.formats import (
    Row,
    Rows,
    Wish,
    forms_of,
    preference_rows,
    tangoflux_rows,
    triplet_rows,
    unpaired_rows,
)
from studio.services.vote_data.material import PAIRWISE, Material
from studio.services.vote_data.parquet import Written, write_datasets
from studio.services.vote_data.tables import SCORES, VOTES, write_scores, write_votes
from studio.store.candidates import now
from studio.store.clips import ClipFolder

FORMAT = "baton-studio votes 1"  # what an import looks for
CAMPAIGN, CLIPS, LINES = "campaign.json", "clips.jsonl", "votes.jsonl"
SOUNDS = "sounds"


@dataclass
class Writer:
    """Writes one export; every path is made of our own words and of hashes, never of a person's."""

    material: Material
    wish: Wish
    clips: ClipFolder
    folder: Path
    copies: bool = True  # whether sounds are copied into the folder, or left for who sends it
    sounds: set[str] = field(default_factory=set)  # to be copied beside the rows
    told: list[Written] = field(default_factory=list)  # what each form holds

    def write(self) -> dict[str, Any]:
        """Write it; what it holds, and what was left out.

        Raises:
            StudioError: no room, a folder that may not be written, or a sound that is gone.
        """
        forms = forms_of(self.material.task) if self.wish.form == "all" else [self.wish.form]
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            for form in forms:
                getattr(self, f"_write_{form}")()
            self._copy_sounds()
            text = card(self.material, self.wish, forms, self.told)
            (self.folder / "README.md").write_text(text, encoding="utf-8")
        except FileNotFoundError as error:
            raise StudioError(
                f"The sound {Path(error.filename or '').stem[:12]} is no longer on the disk; bring "
                "the clips folder back from a backup, or write the votes as csv, which needs none."
            ) from error
        except OSError as error:
            raise StudioError(
                f"{self.folder} cannot be written ({error.strerror}); free some disk space or "
                "choose another folder."
            ) from error
        return self._report(forms)

    def _write_csv(self) -> None:
        write_votes(self.material, self.folder / VOTES)
        if self.material.task != PAIRWISE:
            write_scores(self.material, self.folder / SCORES)

    def _write_studio(self) -> None:
        """Everything that an import needs to have the same campaign."""
        campaign = self.material.campaign
        head = {
            "format": FORMAT,
            "campaign": campaign.id,
            "created_at": campaign.created_at,
            "exported_at": now(),
            "definition": self.material.definition(),
            "left_out": self.material.votes.left_out,
        }
        self._write_json(CAMPAIGN, head)
        places = sorted(self.material.clips)
        clips = [vars(self.material.clips[place]) for place in places]
        names = [{k: v for k, v in clip.items() if k != "campaign"} for clip in clips]
        self._write_lines(CLIPS, names)
        self._write_lines(LINES, self.material.exchange())
        self.sounds |= {clip[part] for clip in clips for part in ("clip", "source")}

    def _write_datasets(self) -> None:
        self.told += write_datasets(self.material, self.wish, self.clips, self.folder)

    def _write_trl(self) -> None:
        self._write_rows("trl", preference_rows(self.material, self.wish), "chosen", "rejected")

    def _write_unpaired(self) -> None:
        self._write_rows("unpaired", unpaired_rows(self.material, self.wish), "completion")

    def _write_baton(self) -> None:
        self._write_rows("baton", triplet_rows(self.material), "audio")

    def _write_tangoflux(self) -> None:
        """Its training reads pairs; its validation reads single sounds, so the chosen ones."""
        rows = self._with_paths(tangoflux_rows(self.material, self.wish), "chosen", "reject")
        for split, found in rows.by_split.items():
            self._write_json(f"tangoflux-{split}.json", found)
            if split != "train":
                single = [
                    {key: row[key] for key in ("captions", "duration")}
                    | {"location": row["chosen"]}
                    for row in found
                ]
                self._write_json(f"tangoflux-{split}-single.json", single)
        self.told.append(Written(name="tangoflux", counts=rows.counts, left_out=rows.left_out))

    def _write_rows(self, name: str, rows: Rows, *columns: str) -> None:
        """One file of JSON lines per split."""
        rows = self._with_paths(rows, *columns)
        for split, found in rows.by_split.items():
            self._write_lines(f"{name}-{split}.jsonl", found)
        self.told.append(Written(name=name, counts=rows.counts, left_out=rows.left_out))

    def _with_paths(self, rows: Rows, *columns: str) -> Rows:
        """Paths, from this folder, for hashes; the sounds come along."""
        by_split = {}
        for split, found in rows.by_split.items():
            self.sounds |= {row[column] for row in found for column in columns}
            by_split[split] = [
                {**row, **{column: path_of(row[column]) for column in columns}} for row in found
            ]
        return Rows(by_split=by_split, left_out=rows.left_out)

    def _copy_sounds(self) -> None:
        for sound in sorted(self.sounds):
            source, target = self.clips.path(sound), self.folder / path_of(sound)
            source.stat()  # one that is gone is told before anything is sent
            if self.copies:
                target.parent.mkdir(exist_ok=True)
                shutil.copyfile(source, target)

    def _write_json(self, name: str, value: Any) -> None:
        text = json.dumps(value, ensure_ascii=False, indent=1)
        (self.folder / name).write_text(text + "\n", encoding="utf-8")

    def _write_lines(self, name: str, rows: Iterable[Row]) -> None:
        with (self.folder / name).open("w", encoding="utf-8") as file:
            for row in rows:
                file.write(json.dumps(row, ensure_ascii=False) + "\n")

    def _report(self, forms: list[str]) -> dict[str, Any]:
        return {
            "campaign": self.material.campaign.id,
            "forms": forms,
            "votes": len(self.material.votes.votes),
            "left_out": dict(self.material.votes.left_out),
            "rows": {one.name: dict(one.counts) for one in self.told},
            "not_training_rows": {one.name: dict(one.left_out) for one in self.told},
            "sounds": len(self.sounds),
        }


def path_of(sound: str) -> str:
    """Where a sound lies in an export, from its folder."""
    return f"{SOUNDS}/{sound}.wav"
