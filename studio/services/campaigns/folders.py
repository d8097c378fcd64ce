"""Sounds of any model, from folders, put to the vote: files matched to prompts, and kept as sources."""

import re
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from pipelines.audio import read_audio
from pipelines.errors import StudioError
from studio.services.campaigns.campaigns import Campaigns
from studio.services.campaigns.request import CampaignRequest
from studio.services.campaigns.systems import FOLDER
from studio.services.sound_folders import (
    Sound,
    captioned,
    read_captions,
    sounds_in,
    told_captions,
)
from studio.services.sound_zip import unpacked
from studio.store.clips import ClipFolder

MOST_SECONDS = 60.0  # a voter hears all of it, many times over
ENDING = re.compile(r"[-_ ]\d+$")  # the number of a take at the end of a file's name
Shelf = dict[str, list[Sound]]  # prompt -> its takes, by name of file


@dataclass(frozen=True)
class CampaignFolders:
    """Makes campaigns out of sounds: of folders for the command line, of a zip for the page."""

    campaigns: Campaigns
    clips: ClipFolder

    def create_now(
        self,
        owner: str,
        folders: Mapping[str, Path],
        on_progress: Callable[[float, str], None],
        *,
        captions: Path | None = None,
        **wishes: Any,
    ) -> dict[str, Any]:
        """A campaign over folders, one for each system; its view.

        Args:
            owner: whose it is.
            folders: title of a system -> its folder.
            on_progress: hears how far it is.
            captions: a CSV with the columns file and caption; None takes the prompts inside our own
                files, and gives other files the prompt of the file of the same name.
            wishes: template, task and all else that `Campaigns.check` takes; the number of takes is
                counted.

        Raises:
            StudioError: no sounds, sounds without a prompt, folders that do not hold the same
                prompts alike, a file that is no audio, is too long or holds no numbers.
        """
        request, sources = self._request(folders, on_progress, captions, wishes)
        return self.campaigns.create_now(owner, request, on_progress, sources)

    def create(self, owner: str, path: Path, **wishes: Any) -> str:
        """A campaign over the sounds of a zip, as the page sends one; its id.

        Args:
            owner: whose it is.
            path: of the zip: a folder for each system, and one CSV of captions if need be.
            wishes: as for `create_now`.

        Raises:
            StudioError: as for `create_now`, and what is wrong with the zip.
        """
        most = self.campaigns.config.max_sounds
        with unpacked(Path(path), most) as found:
            wishes = {"most": most, **wishes}
            request, sources = self._request(found.folders, unheard, found.captions, wishes)
        return self.campaigns.submit(owner, request, sources)

    def _request(
        self,
        folders: Mapping[str, Path],
        on_progress: Callable[[float, str], None],
        captions: Path | None,
        wishes: Mapping[str, Any],
    ) -> tuple[CampaignRequest, dict[str, Any]]:
        """The campaign that these folders make, its sounds kept: their clips by place."""
        shelves = read_shelves(folders, captions)
        takes = check_alike(shelves)
        request = self.campaigns.check(
            list(next(iter(shelves.values()))),
            systems=[{"kind": FOLDER, "name": title, "title": title} for title in folders],
            **{"most": self.campaigns.config.max_sounds_alone, **wishes, "takes": takes},
        )
        return self._take_in(request, shelves, on_progress)

    def _take_in(
        self,
        request: CampaignRequest,
        shelves: Mapping[str, Shelf],
        on_progress: Callable[[float, str], None],
    ) -> tuple[CampaignRequest, dict[str, Any]]:
        """Every sound kept by its place in the campaign; prompts learn how long they are."""
        sources, longest = {}, [0.5] * len(request.prompts)
        for number, prompt in enumerate(request.prompts):
            on_progress(0.0, f"reading the sounds of prompt {number + 1} of {len(request.prompts)}")
            for system, shelf in enumerate(shelves.values()):
                for take, sound in enumerate(shelf[prompt["text"]]):
                    place = (number * len(shelves) + system) * request.takes + take
                    audio, rate = read_sound(sound.path)
                    sources[str(place)] = asdict(self.clips.put(audio, rate))
                    longest[number] = max(longest[number], audio.shape[1] / rate)
        prompts = tuple(
            {**prompt, "seconds": round(seconds, 3)}
            for prompt, seconds in zip(request.prompts, longest, strict=True)
        )
        return replace(request, prompts=prompts), sources


def unheard(share: float, note: str) -> None:
    """Progress that nobody waits for."""


def read_shelves(folders: Mapping[str, Path], captions: Path | None) -> dict[str, Shelf]:
    """The sounds of each folder by their prompt, each prompt's takes by name.

    Raises:
        StudioError: a folder without sounds, a file that cannot be put before a voter, or a sound
            whose prompt nobody tells.
    """
    sets = {title: sounds_in(Path(folder)) for title, folder in folders.items()}
    for sound in (sound for sounds in sets.values() for sound in sounds):
        read_sound(sound.path)  # before an hour of work, and before the words inside are read
    if captions:
        told = read_captions(captions)
        sets = {title: captioned(sounds, told) for title, sounds in sets.items()}
    else:
        sets = {title: told_captions(sounds) for title, sounds in sets.items()}
    by_name = {s.name: s.caption for sounds in sets.values() for s in sounds if s.caption}
    shelves: dict[str, Shelf] = {}
    for title, sounds in sets.items():
        shelf: Shelf = {}
        for sound in sounds:
            words = sound.caption or by_name.get(sound.name)
            if not words:
                raise StudioError(
                    f"Nothing tells the prompt of {sound.path.name} ({title}); give --captions, a "
                    "CSV with the columns file and caption."
                )
            shelf.setdefault(" ".join(words.split()), []).append(sound)
        shelves[title] = {
            words: sorted(of_one, key=lambda sound: take_order(sound.name))
            for words, of_one in shelf.items()
        }
    return shelves


def check_alike(shelves: Mapping[str, Shelf]) -> int:
    """How many takes each prompt has in each folder: the same everywhere.

    Raises:
        StudioError: a prompt that a folder lacks, or has another number of sounds of.
    """
    (first, shelf), *others = shelves.items()
    takes = len(next(iter(shelf.values())))
    for title, other in others:
        for words in [*shelf, *other]:
            lacks = first if words not in shelf else title if words not in other else None
            if lacks:
                raise StudioError(
                    f"{lacks} has no sound for “{words[:60]}”; give every system the same prompts."
                )
    for title, other in shelves.items():
        for words, sounds in other.items():
            if len(sounds) != takes:
                raise StudioError(
                    f"{title} has {len(sounds)} sounds for “{words[:60]}” and there are {takes} of "
                    "others; give every prompt the same number of sounds in every folder."
                )
    return takes


def read_sound(path: Path) -> tuple[np.ndarray, int]:
    """The sound in a file, if it can be put before a voter: float32 [1 or 2, samples], and Hz."""
    audio, rate = read_audio(path)
    if audio.shape[1] > MOST_SECONDS * rate:
        raise StudioError(
            f"{path.name} lasts {audio.shape[1] / rate:.0f} s; a voter hears at most "
            f"{MOST_SECONDS:g} s. Cut it first."
        )
    if len(audio) > 2:
        raise StudioError(f"{path.name} has {len(audio)} channels; give one or two.")
    if not np.isfinite(audio).all():
        raise StudioError(f"{path.name} holds samples that are not numbers; make it again.")
    return audio, rate


def take_order(name: str) -> tuple[str, int]:
    """Names in the order of the number at their end: dog_2 before dog_10."""
    found = ENDING.search(name)
    return (name[: found.start()], int(found.group()[1:])) if found else (name, -1)
