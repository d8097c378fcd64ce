"""From a request to sounds, and from sounds to what judges say of them: the two phases of the work."""

import time
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from pipelines.errors import Cancelled, StudioError
from pipelines.records import Candidate, Prompt, Settings
from pipelines.seeds import SEED_LIMIT
from studio.jobs import Desk, Work, Worker
from studio.services.engines import Engines
from studio.services.requests import Request, check_request, from_plain
from studio.store.candidates import StoredCandidate
from studio.store.jobs import Job
from studio.store.store import Store

KIND = "generate"
SOUNDS = 0.8  # share of the progress bar that the sounds take; listening has the rest
BATCH = 8  # candidates sampled together; more wins little on two cores
Part = tuple[int, Prompt, Settings]  # a candidate to make, and its place in the run
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
        made, usual = candidate.settings, self.engines.config.model
        return check_request(
            self.engines.config,
            candidate.prompt.text,
            model=usual if Path(usual).name == made.model else made.model,  # a folder has a path
            seconds=candidate.prompt.seconds,
            steps=made.steps,
            guidance=made.guidance,
            sampler=made.sampler,
            **changed,
        )

    def make_sounds(self, job: Job, desk: Desk) -> bool:
        """Phase one: every batch that is not there yet."""
        request = from_plain(job.request)
        desk.tell(0.0, "loading the model")
        backend = self.engines.backend(request.model)
        if desk.should_stop():
            raise Cancelled()
        self._check_length(request, backend)
        if sentence := self.unknown_words(request.prompts, backend):
            desk.notice(sentence)
        there = self.store.jobs.positions(job.id)
        batches, kept = self._plan(request, backend)
        wanted = [(prompt, settings) for batch in batches for _, prompt, settings in batch]
        backend.check([prompt for prompt, _ in wanted], [settings for _, settings in wanted])
        for number, batch in enumerate(batches):
            if all(place in there for place, _, _ in batch):
                continue  # made before a restart

            def tell(share: float, _: str, number: int = number, size: int = len(batch)) -> None:
                first = 1 + sum(map(len, batches[:number]))
                which = f"sound {first}" if size == 1 else f"sounds {first} to {first + size - 1}"
                total = sum(map(len, batches))
                done = (first - 1 + size * share) / total
                desk.tell(SOUNDS * done, f"making {which} of {total}, {share:.0%}")

            wanted = [(prompt, settings) for _, prompt, settings in batch]
            made = self.engines.make(
                backend, wanted, on_progress=tell, should_stop=desk.should_stop
            )
            for (place, _, _), candidate in zip(batch, made, strict=True):
                if kept is None or place == kept:
                    self._keep(job, 0 if kept is not None else place, candidate, desk)
        return True

    def _keep(self, job: Job, place: int, candidate: Candidate, desk: Desk) -> None:
        clip = self.store.clips.put(candidate.audio, candidate.sample_rate)
        self._compare(job.request["same_as"], candidate.id, clip.sha256, desk)
        self.store.candidates.add(candidate, clip)
        self.store.jobs.add_candidate(job.id, place, candidate.id)

    def _plan(self, request: Request, backend: Any) -> tuple[list[list[Part]], int | None]:
        """The batches to make, and the one place to keep of them, or None for all.

        The last bits of a sound depend on what shares its batch (the order of sums in a matrix
        product does). So "same again" makes anew the whole batch in which the candidate was first
        made, and a run that was cut short is finished in the batches that it began with.
        """
        if request.same_as is None:
            return in_batches(request, backend), None
        origin = self.store.jobs.origin(request.same_as)
        if origin is None:
            return in_batches(request, backend), 0
        job, place = origin
        plan = in_batches(from_plain(self.store.jobs.get(job).request), backend)
        return [batch for batch in plan if any(place == p for p, _, _ in batch)], place

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
        named = [
            f"“{word}” (nearest: “{near}”)" if near and near != word else f"“{word}”"
            for word, near in nearest.items()
        ]
        more = f" and {len(named) - 8} more" if len(named) > 8 else ""
        return f"The model does not know {', '.join(named[:8])}{more}; say it in other words."

    def _compare(self, same_as: str | None, candidate: str, clip: str, desk: Desk) -> None:
        """For "same again": say whether it is the same, before anything is kept."""
        if same_as is None:
            return
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


def in_batches(request: Request, backend: Any) -> list[list[Part]]:
    """Every candidate of the request with its place, prompt by prompt.

    The very first is made alone, so that there is soon something to hear; then in batches of
    `BATCH`.
    """
    first = Settings(
        model=backend.name,
        seed=request.seed,
        steps=request.steps or backend.default_steps,
        guidance=backend.default_guidance if request.guidance is None else request.guidance,
        sampler=request.sampler,
        dtype=backend.dtype,
    )
    prompts = [Prompt(text=text, seconds=request.seconds) for text in request.prompts]
    parts = [
        (place * request.count + i, prompt, replace(first, seed=(request.seed + i) % SEED_LIMIT))
        for place, prompt in enumerate(prompts)
        for i in range(request.count)
    ]
    return [parts[:1]] + [parts[start : start + BATCH] for start in range(1, len(parts), BATCH)]
