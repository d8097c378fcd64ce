"""One voter, one serving, one vote: joined, served blind, heard, stored, taken back, revealed."""

import hmac
import json
import re
from collections.abc import Mapping
from typing import Any

from pipelines.errors import StudioError
from studio.config import Config
from studio.refusals import Conflict, NotAllowed, Unknown
from studio.services.backup.backup import Backup
from studio.services.campaigns.door import ID, campaign_of
from studio.services.campaigns.passphrases import fits
from studio.services.vote.ballot import read_id, read_vote
from studio.services.vote.hearing import check_heard
from studio.services.vote.pace import Pace
from studio.services.vote.serving import Server, most_for_one
from studio.services.vote.standing import LABELS, SKIPPED, Standings
from studio.store.campaigns import DEGRADED, OPEN, Campaign
from studio.store.servings import Serving
from studio.store.store import Store
from studio.store.votes import ACCOUNT, CAST, SIMULATED, Vote, same_vote
from studio.voters import Voter

TOKEN = re.compile(r"[0-9a-f]{64}")
MOST_DRAFT = 8000  # bytes of JSON
GUESSES_PER_MINUTE = 30  # of a campaign's passphrase, by everybody together
DRAFTS_PER_MINUTE = 240  # a slider that is dragged, saved four times a second
GONE = "Your votes were deleted, as you asked; reload the page to begin anew."


class Voting:
    """Serves, proves listening, and keeps votes; the only way by which a vote is stored."""

    def __init__(self, store: Store, config: Config, backup: Backup) -> None:
        self.store, self.backup = store, backup
        self.standings, self.server = Standings(store), Server(store)
        votes = config.votes_per_minute
        self.votes_pace = Pace(votes, max(1, votes // 2))
        self.drafts_pace = Pace(DRAFTS_PER_MINUTE, DRAFTS_PER_MINUTE)
        self.guesses_pace = Pace(GUESSES_PER_MINUTE, GUESSES_PER_MINUTE)

    def join(self, campaign: str, voter: Voter, passphrase: str = "") -> dict[str, Any]:
        """Let a voter take part; who takes part already stays.

        Raises:
            NotAllowed: the wrong kind of voter, a wrong passphrase, or the twin task was judged.
        """
        found = self._open(campaign)
        asked, is_simulated = found.definition, voter.kind == SIMULATED
        if is_simulated != (asked["voters"] == "simulated"):
            raise NotAllowed(
                "Only simulated listeners vote in this campaign."
                if not is_simulated
                else "Only people vote in this campaign; simulated votes are kept apart."
            )
        if self.store.votes.is_forgotten(voter.id):
            raise NotAllowed(GONE)
        self._keep_studies_apart(found, voter)
        if not self.store.servings.has_joined(found.id, voter.id):
            if asked["who"] == "account" and voter.kind != ACCOUNT:
                raise NotAllowed("This campaign is for Hugging Face accounts; sign in, then vote.")
            if asked["who"] == "passphrase":
                self._check_passphrase(found, passphrase)
            self.store.votes.add_voter(voter.id, voter.kind)
            self.store.servings.join(found.id, voter.id)
        return {"joined": True, "progress": self.progress(found, voter)}

    def is_forgotten(self, voter: Voter) -> bool:
        """Whether this voter had everything deleted; such a name is not used again."""
        return self.store.votes.is_forgotten(voter.id)

    def needs(self, campaign: Campaign, voter: Voter | None) -> str | None:
        """What stands between this voter and the campaign: None, "passphrase" or "account"."""
        who = campaign.definition["who"]
        if who == "account":
            return None if voter and voter.kind == ACCOUNT else who
        if who == "anyone" or (voter and self.store.servings.has_joined(campaign.id, voter.id)):
            return None
        return who

    def next(self, campaign: str, voter: Voter) -> dict[str, Any]:
        """What is before this voter: the same until there is a vote on it, then something new."""
        found = self._taking_part(campaign, voter)
        self._keep_studies_apart(found, voter)
        standing = self.standings.of(found)
        serving = self.server.open_one(standing, voter.id)
        if serving is None:
            progress = self.progress(found, voter)
            return {"done": said_when_done(progress), "progress": progress}
        return {"serving": self.server.view(standing, serving, None, False)}

    def last(self, campaign: str, voter: Voter) -> dict[str, Any]:
        """The serving this voter voted on last, with the vote, to undo or to be told its systems."""
        found = self._taking_part(campaign, voter)
        name = self.store.votes.last_voted(found.id, voter.id)
        serving = name and self.store.servings.get(name)
        vote = name and self.store.votes.live(name)
        if not serving or not vote:
            raise Unknown("You have no vote in this campaign yet.")
        revealed = self.store.votes.is_revealed(serving.id)
        return {"serving": self.server.view(self.standings.of(found), serving, vote, revealed)}

    def sound(self, token: str, voter: Voter) -> bytes:
        """The WAV file behind a token; that it was fetched is remembered as the begin of hearing."""
        found = self.store.servings.of_token(token) if TOKEN.fullmatch(token) else None
        if found is None or found[0].voter != voter.id:
            raise Unknown("There is no such sound for you here; reload the page.")
        serving, place = found
        self._open(serving.campaign)
        path = self.store.clips.path(serving.clips[place].clip)
        if not path.is_file():
            raise Unknown(
                "This sound is no longer on the disk; skip these and tell who invited you."
            )
        self.store.servings.hear(serving.id, place)
        return path.read_bytes()

    def draft(self, serving: str, voter: Voter, answer: Any) -> dict[str, Any]:
        """Keep an answer that is not yet sent."""
        found = self._serving(serving, voter)
        self._open(found.campaign)
        self.drafts_pace.take(voter.id, "the next draft")
        size = len(json.dumps(answer))
        if size > MOST_DRAFT:
            raise StudioError(f"The draft has {size} bytes; at most {MOST_DRAFT} are kept.")
        return {"saved_at": self.store.servings.keep_draft(found.id, answer)}

    def cast(self, sent: Mapping[str, Any], voter: Voter) -> dict[str, Any]:
        """Store a vote, or that it is taken back; on disk when this answers.

        Raises:
            StudioError: of `studio.refusals`, with the status; nothing was stored.
        """
        serving = self._serving(sent.get("serving"), voter)
        self._check_nonce(serving, sent.get("nonce"))
        campaign = campaign_of(self.store, serving.campaign)
        vote = read_vote(sent, serving, campaign.definition)
        known = self.store.votes.find(read_id(sent.get("id")))
        if known is not None:  # sent again: what was stored is said again, whatever came after
            return self._stored(campaign, same_vote(known, vote), voter)
        check_open(campaign)
        self._keep_studies_apart(campaign, voter)
        if voter.kind != SIMULATED:
            self.votes_pace.take(voter.id, "the next vote")
            if vote.action == CAST and vote.outcome != SKIPPED:
                fetched = self.store.servings.hearings(serving.id)
                share = campaign.definition["heard_share"]
                check_heard(serving, vote.heard, fetched, share)
        stored = self.store.votes.add(vote, serving)
        self.standings.settle(stored)
        self.backup.notice()
        return self._stored(campaign, stored, voter)

    def reveal(self, serving: str, voter: Voter) -> dict[str, Any]:
        """What made the sounds, in the order shown; from now on the vote stays as it is."""
        found = self._serving(serving, voter)
        campaign = campaign_of(self.store, found.campaign)
        check_open(campaign)
        if campaign.definition["reveals"] == "never":
            raise Conflict("This campaign does not name its systems.")
        self.store.votes.reveal(found)
        titles = {s["name"]: s["title"] for s in campaign.definition["systems"]}
        return {"systems": [named(clip.system, titles) for clip in found.clips]}

    def progress(self, campaign: Campaign, voter: Voter | None) -> dict[str, int]:
        """How far this voter is, and the campaign: votes that count towards those wanted."""
        standing = self.standings.of(campaign)
        return {
            "mine": self.store.servings.voted_count(campaign.id, voter.id) if voter else 0,
            "of": most_for_one(standing),
            "votes": sum(standing.votes.values()),
            "wanted": len(standing.items) * campaign.definition["votes_wanted"],
        }

    def _stored(self, campaign: Campaign, vote: Vote, voter: Voter) -> dict[str, Any]:
        kept = self.backup.state()
        return {
            "vote": vote.id,
            "serving": vote.serving,
            "revision": vote.revision,
            "stored_at": vote.created_at,
            "progress": self.progress(campaign, voter),
            "backup": {"waiting": kept["waiting"], "sentence": kept["sentence"]},
        }

    def _open(self, campaign: str) -> Campaign:
        found = campaign_of(self.store, campaign)
        check_open(found)
        return found

    def _taking_part(self, campaign: str, voter: Voter) -> Campaign:
        found = self._open(campaign)
        if not self.store.servings.has_joined(found.id, voter.id):
            if self.store.votes.is_forgotten(voter.id):
                raise NotAllowed(GONE)
            raise NotAllowed("You do not take part in this campaign yet; join it first.")
        return found

    def _serving(self, serving: Any, voter: Voter) -> Serving:
        found = self.store.servings.get(serving) if ID.fullmatch(str(serving)) else None
        if found is None or found.voter != voter.id:
            if self.store.votes.is_forgotten(voter.id):
                raise NotAllowed(GONE)
            raise Unknown("These sounds were not put before you; go on with the next ones.")
        return found

    def _check_nonce(self, serving: Serving, nonce: Any) -> None:
        given = nonce if isinstance(nonce, str) else ""
        if not hmac.compare_digest(given.encode("utf-8", "replace"), serving.nonce.encode()):
            raise NotAllowed("This vote does not bring its serving's nonce; reload the page.")

    def _check_passphrase(self, campaign: Campaign, passphrase: str) -> None:
        self.guesses_pace.take(campaign.id, "the next try at the passphrase")
        if not fits(passphrase, campaign.definition["passphrase"]):
            raise NotAllowed("This is not the passphrase; ask who invited you.")

    def _keep_studies_apart(self, campaign: Campaign, voter: Voter) -> None:
        """Who judged whether all is there must not judge the order in the same study, nor back."""
        study, task = campaign.definition["study"], campaign.definition["task"]
        if study is None or task not in LABELS:
            return
        for name in self.store.votes.campaigns_of(voter.id):
            other = self.store.campaigns.get(name).definition
            if other["study"] == study and other["task"] in LABELS and other["task"] != task:
                raise NotAllowed(
                    f"You judged {other['task']} in this study, and {task} needs other people; "
                    "thank you for having helped."
                )


def check_open(campaign: Campaign) -> None:
    """Refuse what only an open campaign takes."""
    if "origin" in campaign.definition:
        raise Conflict("This campaign came with its votes from elsewhere and takes no more.")
    if campaign.status != OPEN:
        raise Conflict(f"This campaign is {campaign.status}; nothing is taken in now.")


def said_when_done(progress: Mapping[str, int]) -> str:
    """Why there is nothing more to judge."""
    if progress["votes"] >= progress["wanted"]:
        return "This campaign has all the votes it asked for. Thank you!"
    return "You have judged all there was for you. Thank you!"


def named(system: str, titles: Mapping[str, str]) -> dict[str, str]:
    """A system's name and title; a spoiled sound says so."""
    name = system.removesuffix(DEGRADED)
    title = titles.get(name, name)
    return {"name": system, "title": title if name == system else f"{title}, spoiled on purpose"}
