"""Best of N: which of a prompt's candidates comes first, by CLAP, a reward model, or both at a weight."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from pipelines.errors import Cancelled, StudioError
from studio.jobs import Desk
from studio.services.requests import Request
from studio.store.candidates import StoredCandidate
from studio.store.jobs import Job
from studio.store.store import Store

if TYPE_CHECKING:
    from pipelines.reward.scorers import Scorer

HEARD = 0.9  # where the progress bar stands when a reward model begins
RANKING = "ranking"  # among a job's findings: what ranked its sounds
# What ClapScorer says of itself, here without its libraries.
BY_CLAP = {"by": "CLAP", "learned_from": "captions, no human judgement", "simulated": False}


@dataclass(frozen=True)
class Ranking:
    """Has a reward model score what a run made.

    Args:
        store: sounds, and what is said of them.
        scorer: the reward model of an id, if it is this owner's.
    """

    store: Store
    scorer: Callable[[str, str], "Scorer"]

    def rank(self, job: Job, request: Request, ids: Sequence[str], desk: Desk) -> bool:
        """Rewards of all candidates, each kept; False when another job's sounds go first.

        A reward model that is not there any more is told of, and then nothing ranks: CLAP does not
        take its place.

        Raises:
            Cancelled: a stop was asked for.
        """
        if request.reward is None:
            return True  # CLAP has spoken
        try:
            scorer = self.scorer(request.reward, job.owner)
        except StudioError as error:
            desk.notice(f"These sounds are not ranked. {error}")
            return True
        found = {**job.findings, RANKING: self._about(request, scorer)}
        self.store.jobs.change(job.id, findings=found)
        judge = f"{judge_of(request.reward)}@{scorer.revision}"
        said = self.store.candidates.judgements(ids)
        for place, candidate in enumerate(self.store.candidates.find(ids)):
            if desk.should_stop():
                raise Cancelled()
            if desk.should_give_way():
                return False
            desk.tell(HEARD + (1 - HEARD) * place / len(ids), f"ranking {place + 1} of {len(ids)}")
            if judge not in said[candidate.id]:
                self._ask(judge, scorer, candidate, desk)
        return True

    def _ask(self, judge: str, scorer: "Scorer", candidate: StoredCandidate, desk: Desk) -> None:
        try:
            audio, rate = self.store.clips.read(candidate.clip)
            reward = float(scorer.score([audio], rate, [candidate.prompt.text])[0])
        except StudioError as error:
            desk.notice(str(error))
            return
        told = {"score": reward, "revision": scorer.revision}
        self.store.candidates.add_judgement(candidate.id, judge, told)

    def _about(self, request: Request, scorer: "Scorer") -> dict[str, Any]:
        """What ranked, and whom it learned from, as the record has it."""
        model = self.store.jobs.get(request.reward).request
        weight, clap, learned = request.reward_weight, BY_CLAP["by"], BY_CLAP["learned_from"]
        is_alone = weight == 1
        return {
            "by": scorer.name if is_alone else f"{1 - weight:g} {clap} + {weight:g} {scorer.name}",
            "learned_from": scorer.trained_on if is_alone else f"{learned}; {scorer.trained_on}",
            "simulated": model["simulated"],
            "reward": request.reward,
            "title": model["title"],
            "weight": weight,
            "revision": scorer.revision,
        }


def judge_of(reward: str) -> str:
    """The name under which the scores of a reward model are remembered, without its revision."""
    return f"reward:{reward}"


def mixed(cosine: float | None, reward: float | None, weight: float) -> float | None:
    """The score that ranks, in [0, 1]: (1 - weight) (1 + cosine) / 2 + weight reward.

    The same as MixedScorer of ClapScorer and HeadScorer, from what each has said already.

    >>> mixed(0.5, 0.25, 0.5)
    0.5

    Args:
        cosine: CLAP's, in [-1, 1]; None before it spoke.
        reward: the reward model's, in [0, 1]; None before it spoke.
        weight: the reward model's share, in [0, 1].

    Returns:
        None where a part with a share has not spoken.
    """
    found = 0.0
    if weight < 1:
        if cosine is None:
            return None
        found += (1 - weight) * min(max((1 + cosine) / 2, 0.0), 1.0)
    if weight > 0:
        if reward is None:
            return None
        found += weight * reward
    return found


def places(scores: Sequence[float | None]) -> list[int | None]:
    """The place of each among those that have a score, the highest 1; of equals the earlier first.

    >>> places([0.2, None, 0.9, 0.9])
    [3, None, 1, 2]
    """
    ordered = sorted(
        (at for at, score in enumerate(scores) if score is not None), key=lambda at: -scores[at]
    )
    place = {at: number for number, at in enumerate(ordered, start=1)}
    return [place.get(at) for at in range(len(scores))]


def rank_within_prompts(cards: Sequence[dict[str, Any]], weight: float) -> None:
    """Give each card its `ranking`: score, place, and of how many of its prompt; None unscored.

    By CLAP alone the score is the cosine itself, which the card shows.

    Args:
        cards: with prompt, clap and reward.
        weight: the reward model's share; 0 for CLAP alone.
    """
    for prompt in dict.fromkeys(card["prompt"] for card in cards):
        own = [card for card in cards if card["prompt"] == prompt]
        scores = [
            mixed(card["clap"], card["reward"], weight) if weight else card["clap"] for card in own
        ]
        count = sum(score is not None for score in scores)
        for card, score, place in zip(own, scores, places(scores), strict=True):
            told = None if place is None else {"place": place, "of": count, "score": score}
            card[RANKING] = told


def about(request: dict[str, Any], findings: dict[str, Any]) -> dict[str, Any] | None:
    """What ranks a run's sounds, and whom it learned from; None while that is not known.

    Args:
        request: of the job; older ones tell of no reward model, and CLAP ranked them.
        findings: of the job.
    """
    if not request.get("is_judged", True):
        return None
    if request.get("reward") is None:
        return BY_CLAP
    return findings.get(RANKING)
