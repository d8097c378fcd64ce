"""The two sides of a comparison put to a blind vote: its own sounds, nothing made anew."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

from pipelines.errors import StudioError
from pipelines.seeds import numpy_generator
from studio.refusals import NotAllowed
from studio.services.campaigns.campaigns import Campaigns
from studio.services.campaigns.request import CampaignRequest
from studio.services.campaigns.systems import FOLDER, titled
from studio.services.compare.request import SIDES, wish_from_plain
from studio.services.compare.views import ComparisonViews
from studio.services.requests import draw_seed
from studio.store.campaigns import REMOVED
from studio.store.jobs import Job

LEAST = 2  # pairs: of one, everybody who saw it knows which was which
USUAL = {"votes_wanted": 1, "reveals": "never"}  # each pair once, and nothing told on the way


@dataclass(frozen=True)
class Battles:
    """Makes a pairwise campaign of a comparison, and finds those that were made."""

    comparisons: ComparisonViews
    campaigns: Campaigns

    def open(self, owner: str, comparison: str, **wishes: Any) -> dict[str, Any]:
        """Put the pairs to the vote; the campaign's id, and the link that voters are given.

        The sounds are made fair as in every campaign, and the prompts come in an order of its own.

        Args:
            owner: who asks; the comparison must be theirs.
            comparison: its id.
            wishes: fields of `studio.services.campaigns.request.Wishes`, such as votes_wanted.

        Raises:
            NotAllowed: it is somebody else's.
            StudioError: there is no such comparison, it is still under way, or it has no two pairs.
        """
        campaign = self.campaigns.submit(owner, *self._asked(owner, comparison, wishes))
        return {"campaign": campaign, "link": link(campaign)}

    def open_now(
        self,
        owner: str,
        comparison: str,
        on_progress: Callable[[float, str], None],
        **wishes: Any,
    ) -> dict[str, Any]:
        """The same here and now, as the command line does."""
        request, sources = self._asked(owner, comparison, wishes)
        made = self.campaigns.create_now(owner, request, on_progress, sources)
        return {"campaign": made["id"], "link": link(made["id"])}

    def of(self, owner: str, comparison: str) -> list[dict[str, Any]]:
        """The battles that this person made of a comparison, the newest first."""
        self.comparisons.job_of(comparison)
        return [
            {
                "id": found.id,
                "title": found.definition["title"],
                "status": view["status"],
                "said": view["said"],
                "votes": view["progress"]["votes"],
                "wanted": view["progress"]["wanted"],
                "created_at": found.created_at,
                "link": link(found.id),
            }
            for found in self.campaigns.store.campaigns.latest()
            if found.owner == owner
            and found.status != REMOVED
            and found.definition.get("comparison") == comparison
            for view in [self.campaigns.view(found.id, owner)]
        ]

    def _asked(
        self, owner: str, comparison: str, wishes: dict[str, Any]
    ) -> tuple[CampaignRequest, dict[str, Any]]:
        """The campaign, and the candidates of its places."""
        job = self.comparisons.job_of(comparison)
        if job.owner != owner:
            raise NotAllowed("Only who made a comparison may put it to the vote; make your own.")
        if not job.is_over:
            raise StudioError("This comparison is still being made; put it to the vote afterwards.")
        sounds = self.comparisons.all_sounds(comparison)
        places = sorted({place for place, _ in sounds})
        if len(places) < LEAST:
            raise StudioError(
                f"This comparison has {len(places)} whole pairs; a blind battle needs {LEAST} or "
                "more, since of one pair everybody who saw it knows the sides. Compare more prompts."
            )
        wish, seed = wish_from_plain(job.request), draw_seed()  # who knows the pairs, not the sides
        order = numpy_generator(seed, "battle").permutation(len(places))
        places = [places[at] for at in order]
        request = self.campaigns.check(
            [{"text": wish.prompts[place], "seconds": wish.seconds} for place in places],
            template="pairwise",
            systems=systems_of(job),
            **{
                **USUAL,
                "most": self.campaigns.config.max_sounds_alone,
                "seed": seed,
                **wishes,
                "takes": 1,
            },
        )
        sources = {
            str(number * len(SIDES) + at): {"candidate": sounds[place, side].id}
            for number, place in enumerate(places)
            for at, side in enumerate(SIDES)
        }
        return replace(request, comparison=comparison), sources


def systems_of(job: Job) -> list[dict[str, Any]]:
    """Both sides as systems whose sounds are there."""
    wish, found = wish_from_plain(job.request), []
    for name in SIDES:
        side, made = wish.side(name), job.findings["sides"][name]
        settings = {part: getattr(side, part) for part in ("steps", "guidance", "sampler")}
        title = titled(made["title"], settings)
        found.append({"kind": FOLDER, "name": made["model"], "title": title})
    return found


def link(campaign: str) -> str:
    """Where voters come in; it names no side."""
    return f"/?campaign={campaign}"
