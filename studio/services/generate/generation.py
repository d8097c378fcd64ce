"""From a request to sounds, and from sounds to what judges say of them: the two phases of the work."""

from dataclasses import dataclass
from typing import Any

from pipelines.errors import Cancelled
from pipelines.records import SHORTCUTS
from studio.jobs import Desk, Work, Worker
from studio.services.engines import Engines
from studio.services.generate.batches import GENERATE, Part, in_batches, plan_around
from studio.services.generate.judging import CLAP, LISTENER, Judging
from studio.services.generate.making import Maker
from studio.services.generate.ranking import HEARD, Ranking
from studio.services.requests import Request, check_request, from_plain
from studio.store.candidates import StoredCandidate
from studio.store.jobs import Job
from studio.store.store import Store


@dataclass(frozen=True)
class Generation:
    """Makes candidates, keeps them, and has them judged."""

    store: Store
    engines: Engines
    maker: Maker
    judging: Judging
    ranking: Ranking

    @property
    def work(self) -> Work:
        """The two phases, for the worker: sounds first."""
        return Work(kind=GENERATE, phases=(self.make_sounds, self.listen), is_rounded_off=True)

    def submit(self, worker: Worker, owner: str, request: Request) -> str:
        """Put the request in the row; its job's id."""
        return worker.submit(GENERATE, owner, request.plain())

    def vary(
        self, candidate: StoredCandidate, count: int, ranked_as: Request | None = None
    ) -> Request:
        """The same with new seeds: the next ones that this prompt was never made with.

        Args:
            candidate: what is varied.
            count: how many.
            ranked_as: ranked by what this request was ranked by; None: by CLAP.
        """
        seed = self.store.candidates.highest_seed(candidate.prompt.text, candidate.settings.model)
        wishes: dict[str, Any] = {"seed": seed + 1, "count": count}
        if ranked_as is not None:
            wishes |= {"reward": ranked_as.reward, "reward_weight": ranked_as.reward_weight}
        return self._like(candidate, **wishes)

    def same_again(self, candidate: StoredCandidate) -> Request:
        """The very same, made anew, to be compared byte for byte."""
        return self._like(candidate, seed=candidate.settings.seed, same_as=candidate.id)

    def _like(self, candidate: StoredCandidate, **changed: Any) -> Request:
        made = candidate.settings
        return check_request(
            self.engines.config,
            candidate.prompt.text,
            model=self.engines.chosen_as(made.model),
            seconds=candidate.prompt.seconds,
            steps=made.steps,
            guidance=made.guidance,
            sampler=made.sampler,
            **{name: getattr(made, name) for name in SHORTCUTS},
            **changed,
        )

    def make_sounds(self, job: Job, desk: Desk) -> bool:
        """Phase one: every batch that is not there yet."""
        request = from_plain(job.request)
        desk.tell(0.0, "loading the model")
        backend = self.engines.backend(request.model)
        if desk.should_stop():
            raise Cancelled()
        if sentence := self.maker.unknown_words(request.prompts, backend):
            desk.notice(sentence)
        if request.seconds > backend.max_seconds:
            desk.notice(
                f"Longer than the {backend.max_seconds:g} s that {backend.name} makes at once: "
                "window goes on after window, and the words are told to each."
            )
        there = self.store.jobs.positions(job.id)
        batches, kept = self._plan(request, backend)
        total, done = sum(map(len, batches)), 0
        self.maker.check(backend, [part for batch in batches for part in batch])
        for batch in batches:
            if not all(place in there for place, _, _ in batch):  # else: made before a restart
                made = self.maker.make(backend, batch, desk, done=done, total=total)
                for place, candidate in made:
                    if kept is None:
                        self.maker.keep(job.id, place, candidate)
                    elif place == kept:
                        self._keep_again(job, candidate, desk)
            done += len(batch)
        return True

    def _keep_again(self, job: Job, candidate: Any, desk: Desk) -> None:
        """For "same again": say whether it is the same, before anything is kept."""
        same_as = job.request["same_as"]
        self.maker.keep(
            job.id,
            0,
            candidate,
            lambda clip: self._compare(same_as, candidate.id, clip.sha256, desk),
        )

    def _plan(self, request: Request, backend: Any) -> tuple[list[list[Part]], int | None]:
        """The batches to make, and the one place to keep of them, or None for all.

        "Same again" makes anew the whole batch in which the candidate was first made.
        """
        if request.same_as is None:
            return in_batches(request, backend), None
        origin = self.store.jobs.origin(request.same_as)
        if origin is None:
            return in_batches(request, backend), 0
        job, place = origin
        return [plan_around(self.store.jobs.get(job), place, backend)], place

    def listen(self, job: Job, desk: Desk) -> bool:
        """Phase two: CLAP's score and the listener's report, one candidate at a time, then the rank."""
        request = from_plain(job.request)
        if not request.is_judged:
            return True
        ids = list(dict.fromkeys(job.candidates))
        judges = self.judging.present((CLAP, LISTENER), desk)
        until = 1.0 if request.reward is None else HEARD
        is_heard = self.judging.listen(ids, judges, desk, until=until)
        return is_heard and self.ranking.rank(job, request, ids, desk)

    def _compare(self, same_as: str, candidate: str, clip: str, desk: Desk) -> None:
        before = self.store.candidates.find([same_as])[0]
        same = before.clip == clip
        if candidate != before.id:
            desk.notice(
                "Same again: another version of the model or its libraries made this than before, "
                f"so it is a candidate of its own; its bytes {'are the same' if same else 'differ'}."
            )
        elif same:
            desk.notice(f"Same again: the same {clip[:12]}… (SHA-256), byte for byte.")
        else:
            desk.notice(
                f"Same again: the bytes differ ({clip[:12]}… now, {before.clip[:12]}… before); "
                "the first is kept."
            )
