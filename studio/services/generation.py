"""From a request to sounds, and from sounds to what judges say of them: the two phases of the work."""

import time
from dataclasses import dataclass
from typing import Any

from pipelines.errors import Cancelled, StudioError
from pipelines.records import Prompt, Settings
from studio.jobs import Desk, Work, Worker
from studio.services.engines import Engines
from studio.services.requests import Request, check_request, from_plain
from studio.store.candidates import StoredCandidate
from studio.store.jobs import Job
from studio.store.store import Store

KIND = "generate"
SOUNDS = 0.8  # share of the progress bar that the sounds take; listening has the rest
CLAP, LISTENER = "clap:reward", "listener:annotator"  # names under which judges are remembered


@dataclass(frozen=True)
class Generation:
    """Makes candidates, keeps them, and has them judged."""

    store: Store
    engines: Engines

    @property
    def work(self) -> Work:
        """The two phases, for the worker: sounds first."""
        return Work(kind=KIND, phases=(self.make_sounds, self.listen))

    def submit(self, worker: Worker, owner: str, request: Request) -> str:
        """Put the request in the row; its job's id."""
        return worker.submit(KIND, owner, request.plain())

    def vary(self, candidate: StoredCandidate, count: int) -> Request:
        """The same with new seeds: the next ones that this prompt was never made with."""
        seed = self.store.candidates.highest_seed(candidate.prompt.text, candidate.settings.model)
        return self._like(candidate, seed=seed + 1, count=count)

    def same_again(self, candidate: StoredCandidate) -> Request:
        """The very same, made anew, to be compared byte for byte."""
        return self._like(candidate, seed=candidate.settings.seed, same_as=candidate.id)

    def _like(self, candidate: StoredCandidate, **changed: Any) -> Request:
        made = candidate.settings
        return check_request(
            self.engines.config,
            candidate.prompt.text,
            model=made.model,
            seconds=candidate.prompt.seconds,
            steps=made.steps,
            guidance=made.guidance,
            sampler=made.sampler,
            **changed,
        )

    def make_sounds(self, job: Job, desk: Desk) -> bool:
        """Phase one: every candidate that is not there yet."""
        request = from_plain(job.request)
        desk.tell(0.0, "loading the model")
        backend = self.engines.backend(request.model)
        if desk.should_stop():
            raise Cancelled()
        self._check_length(request, backend)
        if sentence := self.unknown_words(request.prompts, backend):
            desk.notice(sentence)
        settings = Settings(
            model=request.model,
            seed=request.seed,
            steps=request.steps or backend.default_steps,
            guidance=backend.default_guidance if request.guidance is None else request.guidance,
            sampler=request.sampler,
        )
        wanted = self._missing(job, request)
        places = {text: place for place, text in enumerate(request.prompts)}
        done = 1 - len(wanted) / len(request.prompts)  # what an earlier attempt has made
        found = self.engines.make(
            backend,
            [Prompt(text=text, seconds=request.seconds) for text in wanted],
            settings,
            request.count,
            on_progress=lambda share, note: desk.tell(SOUNDS * (done + (1 - done) * share), note),
            should_stop=desk.should_stop,
        )
        for candidate in found:
            clip = self.store.clips.put(candidate.audio, candidate.sample_rate)
            self._compare(request, candidate.id, clip.sha256, desk)
            self.store.candidates.add(candidate, clip)
            number = (candidate.settings.seed - request.seed) % 2**31
            place = places[candidate.prompt.text] * request.count + number
            self.store.jobs.add_candidate(job.id, place, candidate.id)
        return True

    def listen(self, job: Job, desk: Desk) -> bool:
        """Phase two: CLAP's score and the listener's report, one candidate at a time."""
        ids = list(dict.fromkeys(job.candidates)) if from_plain(job.request).is_judged else []
        said = self.store.candidates.judgements(ids)
        for place, candidate in enumerate(self.store.candidates.find(ids)):
            if desk.should_stop():
                raise Cancelled()
            if desk.should_give_way():
                return False
            desk.tell(
                SOUNDS + (1 - SOUNDS) * place / len(ids), f"listening to {place + 1} of {len(ids)}"
            )
            for judge, ask in ((CLAP, self._score), (LISTENER, self._hear)):
                if judge not in said[candidate.id]:
                    self._ask(judge, ask, candidate, desk)
        return True

    def _ask(self, judge: str, ask: Any, candidate: StoredCandidate, desk: Desk) -> None:
        """One judge on one candidate; a judge who is not there is named once, and missed."""
        try:
            self.store.candidates.add_judgement(candidate.id, judge, ask(candidate))
        except StudioError as error:
            desk.notice(str(error))

    def _score(self, candidate: StoredCandidate) -> dict[str, Any]:
        audio, rate = self.store.clips.read(candidate.clip)
        clap = self.engines.clap()
        started = time.perf_counter()
        score = float(clap.score(audio, rate, candidate.prompt.text))
        return {"score": score, "revision": clap.revision, "took": time.perf_counter() - started}

    def _hear(self, candidate: StoredCandidate) -> dict[str, Any]:
        audio, rate = self.store.clips.read(candidate.clip)
        listener = self.engines.listener()
        started = time.perf_counter()
        hearing = listener.hear(audio, rate)
        verdict, events = hearing.verdict(candidate.prompt.text), hearing.events
        return {
            "events": [[e.label, round(e.onset, 3), round(e.offset, 3)] for e in events],
            "integrity": None if not verdict.asked else bool(verdict.integrity),
            "order": None if verdict.order is None else bool(verdict.order),
            "asked": list(verdict.asked),
            "missing": list(verdict.missing),
            "took": time.perf_counter() - started,
        }

    def _check_length(self, request: Request, backend: Any) -> None:
        if request.seconds > backend.max_seconds:
            raise StudioError(
                f"The duration is {request.seconds:g} s; {request.model} makes at most "
                f"{backend.max_seconds:g} s. Ask for less."
            )

    def unknown_words(self, prompts: tuple[str, ...], backend: Any) -> str:
        """A sentence naming what the model does not know, with what it knows nearby; or nothing."""
        words = dict.fromkeys(word for text in prompts for word in backend.unknown_words(text))
        if not words:
            return ""
        nearest = {word: self.engines.nearest_known(word) for word in words}
        named = [f"“{w}” (nearest: “{near}”)" if near else f"“{w}”" for w, near in nearest.items()]
        more = f" and {len(named) - 8} more" if len(named) > 8 else ""
        return f"The model does not know {', '.join(named[:8])}{more}; say it in other words."

    def _missing(self, job: Job, request: Request) -> list[str]:
        """The prompts that lack a candidate: all of them, unless a restart cut the work short."""
        there = self.store.jobs.positions(job.id)
        n = request.count
        return [
            text
            for place, text in enumerate(request.prompts)
            if not all(place * n + i in there for i in range(n))
        ]

    def _compare(self, request: Request, candidate: str, clip: str, desk: Desk) -> None:
        """For "same again": say whether it is the same, before anything is kept."""
        if request.same_as is None:
            return
        before = self.store.candidates.find([request.same_as])[0]
        if before.clip == clip and candidate == before.id:
            desk.notice(f"Same again: the same {clip[:12]}… (SHA-256), byte for byte.")
        elif candidate != before.id:
            desk.notice(
                "Same again: made by another version of the model or its libraries than "
                f"{before.id}, so it is a candidate of its own; "
                + ("its bytes are the same." if before.clip == clip else "its bytes differ.")
            )
        else:
            desk.notice(
                f"Same again: the bytes differ ({clip[:12]}… now, {before.clip[:12]}… before); "
                "the first is kept."
            )
