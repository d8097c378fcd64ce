"""What a page or a program may see of a campaign, as plain values: to its voters no system is named."""

from dataclasses import dataclass
from typing import Any

from pipelines.vote.rubrics import rules
from studio.services.campaigns.door import campaign_of
from studio.services.vote.voting import Voting
from studio.store.campaigns import BUILDING, CLOSED, DEGRADED, FAILED, OPEN, REMOVED, Campaign
from studio.store.jobs import DONE, Job
from studio.store.store import Store
from studio.voters import Voter


@dataclass(frozen=True)
class CampaignViews:
    """Read-only answers. Whoever has the id of a campaign, 122 random bits, may see it."""

    store: Store
    voting: Voting

    def view(self, campaign: str, owner: str, voter: Voter | None = None) -> dict[str, Any]:
        """A campaign as it stands, for its owner with more than for others.

        Args:
            campaign: its id.
            owner: who asks.
            voter: as whom they vote, if they do.

        Raises:
            Unknown: there is no such campaign.
        """
        return self._view(campaign_of(self.store, campaign), owner, voter)

    def listing(self, owner: str, voter: Voter | None = None) -> list[dict[str, Any]]:
        """The listed campaigns and one's own, the newest first."""
        return [
            self._view(found, owner, voter)
            for found in self.store.campaigns.latest()
            if found.status != REMOVED and (found.owner == owner or found.definition["is_listed"])
        ]

    def is_whole(self, campaign: Campaign) -> bool:
        """Whether every system's sounds are there; a spoiled twin may lack."""
        told, clips = campaign.definition, self.store.campaigns.clips(campaign.id)
        clean = sum(not clip.system.endswith(DEGRADED) for clip in clips)
        return clean == len(told["prompts"]) * len(told["systems"]) * told["takes"]

    def _view(self, found: Campaign, owner: str, voter: Voter | None) -> dict[str, Any]:
        told, job = found.definition, self.store.jobs.get(found.id)
        status, said = standing(found, job)
        view = {
            "id": found.id,
            "title": told["title"],
            "task": told["task"],
            "status": status,
            "said": said,
            "share_made": round(job.progress, 4) if job and status == BUILDING else None,
            "aspects": told["aspects"],
            "half_steps": told["half_steps"],
            "reveals": told["reveals"],
            "heard_share": told["heard_share"],
            "who": told["who"],
            "is_listed": told["is_listed"],
            "is_mine": found.owner == owner,
            "voters": told["voters"],
            "rules": rules(
                told["task"],
                told["aspects"],
                rubric=told["rubric"],
                half_steps=told["half_steps"],
            ),
            "prompts": len(told["prompts"]),
            "takes": told["takes"],
            "items": items_of(told),
            "votes_wanted": told["votes_wanted"],
            "progress": self._progress(found, voter, is_made(found, job)),
            "needs": self.voting.needs(found, voter),
            "created_at": found.created_at,
        }
        if "origin" in told:
            view["origin"] = told["origin"]
        return view if found.owner != owner else {**view, **self._for_owner(found, job)}

    def _for_owner(self, found: Campaign, job: Job | None) -> dict[str, Any]:
        """What is added for who made the campaign."""
        return {
            "systems": found.definition["systems"],
            "link": f"/?campaign={found.id}",
            "notices": job.notices if job else [],
            "comparison": found.definition.get("comparison"),
        }

    def _progress(self, found: Campaign, voter: Voter | None, is_made: bool) -> dict[str, int]:
        """How far this voter is, and the campaign; nobody has voted before all sounds are there."""
        if is_made:
            return self.voting.progress(found, voter)
        items = items_of(found.definition)
        return {"mine": 0, "of": 0, "votes": 0, "wanted": items * found.definition["votes_wanted"]}


def standing(found: Campaign, job: Job | None) -> tuple[str, str]:
    """The status of a campaign and what is said of it: while it is made, its job knows more."""
    if found.status != BUILDING:
        return found.status, found.said
    if job is None:
        return FAILED, "Its making was interrupted; open it to make the missing sounds."
    if job.is_over and job.status != DONE:
        return FAILED, job.error or "Stopped before all its sounds were there."
    return BUILDING, job.note


def is_made(found: Campaign, job: Job | None) -> bool:
    """Whether the making of a campaign's sounds has come to its end."""
    return found.status == OPEN or (found.status == CLOSED and (job is None or job.status == DONE))


def items_of(definition: dict[str, Any]) -> int:
    """How many things there are to judge; each is wanted so many votes on."""
    prompts = len(definition["prompts"])
    per_prompt = {
        "pairwise": 1,
        "integrity": len(definition["systems"]),
        "temporal": len(definition["systems"]),
        "mos": definition["takes"],
        "ovl_rel": definition["takes"],
    }
    return prompts * per_prompt[definition["task"]]
