"""Votes of elsewhere as a campaign to read: what another studio exported, or a preference set.

An import never joins a campaign of this studio. The same import again adds nothing; a later export
of the same campaign adds its new votes. Nothing in a file is run, no path in it leaves its folder,
and every sound is decoded before it is kept.
"""

from dataclasses import replace
from pathlib import Path
from typing import Any

from pipelines.audio import read_audio
from pipelines.errors import StudioError
from studio.services.vote_data.exchange import read_exchange, unzipped
from studio.services.vote_data.incoming import Incoming
from studio.services.vote_data.preference_sets import read_preference_set
from studio.store.campaigns import CLOSED, Campaign
from studio.store.clips import Clip
from studio.store.imported_votes import add_imported_votes
from studio.store.store import Store

SAME = ("task", "aspects", "prompts", "systems", "voters")  # of two exports of one campaign


def import_votes(
    store: Store,
    owner: str,
    path: Path,
    *,
    sounds: Path | None = None,
    task: str | None = None,
    title: str | None = None,
) -> dict[str, Any]:
    """Read it whole, then keep it; the campaign's id, and what was taken and refused.

    Args:
        path: a folder or zip of a studio's export, or a file of rows: TangoFlux pairs, TRL
            preference or unpaired rows, BATON triplets, as JSON or JSON lines.
        sounds: where the files lie that rows name; the file's own folder if left out.
        task: "integrity" or "temporal", for labels that do not say it.
        title: what the campaign is called here.

    Raises:
        StudioError: something in it is not what it should be; no vote was kept.
    """
    if path.is_dir() or path.suffix.lower() == ".zip":
        with unzipped(path) as folder:
            return keep(store, owner, read_exchange(folder, title))
    rows = read_preference_set(path, sounds=sounds or path.parent, task=task, title=title)
    return keep(store, owner, rows)


def keep(store: Store, owner: str, incoming: Incoming) -> dict[str, Any]:
    """Store what was read, in the campaign that holds the same already or in a new one."""
    campaign = known(store, owner, incoming.definition)
    files = keep_sounds(store, incoming)
    if campaign is None:
        campaign = store.campaigns.add(owner, incoming.definition)
        origin = incoming.definition["origin"]
        store.campaigns.say(campaign.id, CLOSED, f"Imported ({origin['format']}); for reading.")
    places = {}
    for clip in incoming.clips:
        played, source = files[clip.clip], files[clip.source]
        clip = replace(clip, campaign=campaign.id, clip=played.sha256, source=source.sha256)
        store.campaigns.add_clip(clip, [played, source])
        places[clip.prompt, clip.system, clip.take] = clip
    added = add_imported_votes(store.database, campaign, incoming.votes, places)
    return {
        "campaign": campaign.id,
        "origin": incoming.definition["origin"],
        "votes": len(incoming.votes),
        "new": added,
        "sounds": len(incoming.sounds),
        "refused": dict(incoming.refused),
    }


def known(store: Store, owner: str, definition: dict[str, Any]) -> Campaign | None:
    """The campaign of an earlier import of the same, or None.

    Raises:
        StudioError: it is a campaign of this studio, or no longer the same.
    """
    origin = definition["origin"]
    own = store.campaigns.get(origin.get("campaign", ""))
    if own is not None:
        raise StudioError(
            f"These votes are of this studio's own campaign {own.id}; there is nothing to import."
        )
    for found in store.campaigns.latest():
        if found.owner == owner and _key(found.definition.get("origin")) == _key(origin):
            if any(found.definition[key] != definition[key] for key in SAME):
                raise StudioError(
                    f"Campaign {found.id} was imported from the same campaign, which then had other "
                    "prompts or systems; a campaign never changes them, so one of the two files is "
                    "not what it says."
                )
            return found
    return None


def keep_sounds(store: Store, incoming: Incoming) -> dict[str, Clip]:
    """Every sound decoded and written anew by us, by the name that the rows use.

    Raises:
        StudioError: one is not there, is not audio, or is not the one that its name says.
    """
    kept = {}
    for name, path in incoming.sounds.items():
        clip = store.clips.put(*read_audio(path))
        if incoming.are_hashes and clip.sha256 != name:
            raise StudioError(
                f"The sound {name[:12]} is not what its name says: it was changed or damaged on the "
                "way. Copy the export again."
            )
        kept[name] = clip
    return kept


def _key(origin: dict[str, Any] | None) -> tuple | None:
    """What makes two imports one: the campaign, or the content of the file and the task."""
    return origin and tuple(origin.get(key) for key in ("campaign", "digest", "task"))
