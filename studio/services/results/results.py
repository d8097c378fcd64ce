"""What the votes of a campaign say: boards, means, shares, agreement, reliability; who may see it.

The statistics are imported where they are first asked for: the page does not wait for scipy.
"""

import threading
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any

from pipelines.errors import StudioError
from studio.jobs import Desk, Work, Worker
from studio.refusals import NotAllowed, Unknown
from studio.services.campaigns.door import campaign_of, own_campaign
from studio.services.results.counted import (
    Ballots,
    active,
    distinct,
    gather,
    groups,
    key_of,
    outcomes_of,
)
from studio.store.campaigns import Campaign
from studio.store.jobs import DONE, Job
from studio.store.store import Store

BOARD = "board"  # the kind of job that makes a controlled board
REMEMBERED = 48  # results that are kept; each is made once for a set of votes
LONGEST_REASON = 300  # characters
SPOILS = (
    "These are the items on which people differ most, with what they said: whoever reads this list "
    "should not vote in this campaign any more."
)


@dataclass(frozen=True, kw_only=True)
class Wish:
    """Which results are asked for."""

    aspect: str = ""  # pairwise: one of the campaign's aspects; empty: the vote itself
    intervals: str = "jackknife"
    group: str = ""  # of prompts; empty: all
    with_excluded: bool = False


@dataclass(frozen=True)
class Results:
    """Reads live votes and computes; what is computed is kept until a vote comes or goes."""

    store: Store
    made: OrderedDict[tuple, Any] = field(default_factory=OrderedDict)
    turn: threading.RLock = field(default_factory=threading.RLock)

    @property
    def work(self) -> Work:
        """The job that holds loudness, length and the like equal."""
        return Work(kind=BOARD, phases=(self._control,))

    def view(self, campaign: str, owner: str, wish: Wish | None = None) -> dict[str, Any]:
        """All that a page shows of a campaign's votes, as plain values.

        Raises:
            Unknown: there is no such campaign.
            NotAllowed: it is not listed and is another's.
            StudioError: an aspect, a method or a group that is none.
        """
        wish, found = wish or Wish(), self._open(campaign, owner)
        check(found, wish)
        told = self._made(found, wish, "view", lambda ballots: self._told(ballots, wish))
        is_mine = found.owner == owner
        return {
            **about(found, is_mine),
            "asked": {
                "aspect": wish.aspect,
                "intervals": wish.intervals,
                "group": wish.group,
                "with_excluded": wish.with_excluded,
            },
            "choices": choices(found),
            **told,
            "controlled": self._controlled(found),
        }

    def agreement(self, campaign: str, owner: str, wish: Wish | None = None) -> dict[str, Any]:
        """How far people agree on what several of them judged: alpha of each question."""
        from studio.services.results import agreement

        wish, found = wish or Wish(), self._open(campaign, owner)
        told = self._made(found, wish, "agreement", lambda b: agreement.agreements(self.store, b))
        return {"questions": told, "said": [agreement.said(one) for one in told]}

    def by_hour(self, campaign: str, owner: str) -> list[tuple[str, int]]:
        """How many votes came in each hour."""
        return self.store.columns.by_hour(self._open(campaign, owner).id)

    def voters(self, campaign: str, owner: str) -> dict[str, Any]:
        """How far each voter can be relied on, and what is proposed; for the owner."""
        from studio.services.results import voters

        found, wish = own_campaign(self.store, owner, campaign), Wish(with_excluded=True)
        return self._made(found, wish, "voters", lambda b: voters.voters(self.store, b))

    def disputed(self, campaign: str, owner: str) -> dict[str, Any]:
        """The items on which people differ most; for the owner, who had better not vote then."""
        from studio.services.results import agreement

        found = own_campaign(self.store, owner, campaign)
        items = self._made(found, Wish(), "disputed", lambda b: agreement.disputed(self.store, b))
        return {"warning": SPOILS, "items": items}

    def exclude(
        self, campaign: str, owner: str, *, reason: str, voter: str = "", vote: str = ""
    ) -> dict[str, Any]:
        """Leave out a voter (by the key that `voters` tells) or a vote; recorded, never deleted."""
        found, reason = own_campaign(self.store, owner, campaign), checked_reason(reason)
        what = self._meant(found, voter, vote)
        if any(self._is(one, what) for one in self._active(found)):
            raise StudioError("This is left out already; lift it first to give another reason.")
        self.store.votes.exclude(found.id, made_by=owner, reason=reason, **what)
        return {"excluded": len(self._active(found))}

    def lift(
        self, campaign: str, owner: str, *, reason: str, voter: str = "", vote: str = ""
    ) -> dict[str, Any]:
        """Let a voter or a vote count again; the exclusion stays on record."""
        found, reason = own_campaign(self.store, owner, campaign), checked_reason(reason)
        what = self._meant(found, voter, vote)
        ended = [one for one in self._active(found) if self._is(one, what)]
        if not ended:
            raise StudioError("This is not left out, so there is nothing to lift.")
        for one in ended:
            self.store.votes.exclude(found.id, made_by=owner, reason=reason, lifts=one.id)
        return {"excluded": len(self._active(found))}

    def submit(self, worker: Worker, campaign: str, owner: str) -> str:
        """Put the controlled board in the row; the id of its job."""
        found = own_campaign(self.store, owner, campaign)
        if found.definition["task"] != "pairwise":
            raise StudioError(
                f"Only pairwise campaigns have a controlled board; this one is {found.definition['task']}."
            )  # fmt: skip
        last = self._latest(found)
        return (
            last.id if last and not last.is_over else worker.submit(BOARD, owner, {"campaign": found.id})
        )  # fmt: skip

    def _control(self, job: Job, desk: Desk) -> bool:
        """The one phase of the job."""
        from studio.services.results import controlled

        desk.tell(0.1, "loudness, length, silence and sides are held equal")
        found = self.store.campaigns.get(job.request["campaign"])
        ballots = gather(self.store, found)
        result = controlled.control(self.store, ballots)
        self.store.jobs.change(job.id, findings={**job.findings, "controlled": result})
        return True

    def _told(self, ballots: Ballots, wish: Wish) -> dict[str, Any]:
        """What the statistics say; where votes are left out, beside what they say with them."""
        from studio.services.results import findings, pairwise

        outcome = outcomes_of(self.store, ballots, wish.aspect) if wish.aspect else None
        told = findings.found(self.store, ballots, wish.intervals, outcome)
        is_less = any("exclu" in reason for reason in ballots.left_out)
        if is_less and told.get("board"):
            everything = replace(wish, with_excluded=True)
            other = self._made(
                ballots.campaign, everything, "view", lambda whole: self._told(whole, everything)
            )
            told["beside"] = pairwise.beside(told["board"], other["board"])
        return told

    def _controlled(self, campaign: Campaign) -> dict[str, Any] | None:
        """How the latest controlled board stands; None when nobody asked for one."""
        from studio.services.results import controlled

        job = self._latest(campaign)
        if job is None:
            return None
        result = job.findings.get("controlled")
        told = {"status": job.status, "note": job.note, "error": job.error, "result": None}
        if job.status == DONE and result:
            is_old = result["mark"] != list(self.store.columns.votes(campaign.id).mark)
            old = ["Votes came or went since; ask for it again."] if is_old else []
            said = [*controlled.verdict(result), *result["notes"], *old]
            told |= {"result": result, "said": said, "is_old": is_old}
        return told

    def _latest(self, campaign: Campaign) -> Job | None:
        """The latest job of a controlled board of this campaign."""
        jobs = self.store.jobs.latest(campaign.owner, [BOARD], limit=100)
        return next((job for job in jobs if job.request["campaign"] == campaign.id), None)

    def _made(
        self, campaign: Campaign, wish: Wish, what: str, make: Callable[[Ballots], Any]
    ) -> Any:
        """The result for these votes and this wish, made at most once; two who ask wait for one."""
        mark = self.store.columns.votes(campaign.id).mark
        excluded = tuple(one.id for one in self._active(campaign))
        key = (campaign.id, mark, excluded, wish, what)
        with self.turn:
            if key not in self.made:
                self.made[key] = make(
                    gather(self.store, campaign, group=wish.group, with_excluded=wish.with_excluded)
                )
            self.made.move_to_end(key)
            while len(self.made) > REMEMBERED:
                self.made.popitem(last=False)
            return self.made[key]

    def _meant(self, campaign: Campaign, voter: str, vote: str) -> dict[str, str]:
        """The voter of this key, or the vote of this id, as the table names them."""
        if bool(voter) == bool(vote):
            raise StudioError("Name either a voter, by the key from the list, or a vote by its id.")
        if vote:
            if not self.store.columns.has_vote(campaign.id, vote):
                raise Unknown("There is no such vote in this campaign; check its id.")
            return {"vote": vote}
        for known in self.store.columns.voters(campaign.id):
            if key_of(campaign.id, known) == voter:
                return {"voter": known}
        raise Unknown("There is no such voter in this campaign; take the key from the list.")

    def _active(self, campaign: Campaign) -> list[Any]:
        return active(self.store.votes.exclusions(campaign.id))

    @staticmethod
    def _is(one: Any, what: dict[str, str]) -> bool:
        return all(getattr(one, name) == value for name, value in what.items())

    def _open(self, campaign: str, owner: str) -> Campaign:
        """The campaign, if this person may see its results."""
        found = campaign_of(self.store, campaign)
        if found.owner != owner and not found.definition["is_listed"]:
            raise NotAllowed("The results of this campaign are for its owner alone.")
        return found


def check(campaign: Campaign, wish: Wish) -> None:
    """Refuse an aspect or a method that is none; groups are checked where they are read."""
    from pipelines.vote import board

    definition = campaign.definition
    aspects = definition["aspects"] if definition["task"] == "pairwise" else []
    if wish.aspect and wish.aspect not in aspects:
        allowed = (
            f"choose from {', '.join(aspects)}, or leave it out" if aspects else "leave it out"
        )
        raise StudioError(f"There is no board of the aspect {wish.aspect[:60]!r}; {allowed}.")
    if wish.intervals not in board.INTERVALS:
        raise StudioError(
            f"Intervals by {wish.intervals[:60]!r} are none; use {', '.join(board.INTERVALS)}."
        )


def checked_reason(reason: str) -> str:
    """The reason, or a StudioError when none is given."""
    reason = " ".join(str(reason).split())
    if not 3 <= len(reason) <= LONGEST_REASON:
        raise StudioError(
            f"The reason has {len(reason)} characters; say in 3 to {LONGEST_REASON} why."
        )
    return reason


def about(campaign: Campaign, is_mine: bool) -> dict[str, Any]:
    """The campaign's head."""
    definition = campaign.definition
    return {
        "id": campaign.id,
        "title": definition["title"],
        "task": definition["task"],
        "status": campaign.status,
        "voters_are": definition["voters"],
        "imported_as": (definition.get("origin") or {}).get("format"),
        "is_listed": definition["is_listed"],
        "is_mine": is_mine,
        "comparison": definition.get("comparison") if is_mine else None,  # it names the sides
    }


def choices(campaign: Campaign) -> dict[str, Any]:
    """What may be asked for."""
    from pipelines.vote import board

    definition = campaign.definition
    is_pairwise = definition["task"] == "pairwise"
    return {
        "aspects": list(definition["aspects"]) if is_pairwise else [],
        "intervals": list(board.INTERVALS) if is_pairwise else [],
        "groups": [
            {"name": one["name"], "title": one["title"]} for one in distinct(groups(definition))
        ],
    }
