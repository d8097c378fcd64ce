"""Two models, or one at two settings, on the same words and the same noise: made, heard, measured."""

from dataclasses import asdict, dataclass
from typing import Any

from pipelines.errors import Cancelled
from studio.jobs import Desk, Work, Worker
from studio.services.compare.distances import Distances, GaveWay
from studio.services.compare.request import SIDES, Wish, refuse_same, wish_from_plain
from studio.services.engines import Engines
from studio.services.generate.batches import COMPARE, Part, pair_batches, settings_of, side_batches
from studio.services.generate.judging import EVALUATION, LISTENER, Judging
from studio.services.generate.making import Maker
from studio.store.jobs import Job
from studio.store.store import Store

HEARD = 0.95  # where the progress bar stands when all is judged; the distances have the rest
JUDGES = (EVALUATION, LISTENER)  # never the reward: a model may have learnt to please that one


@dataclass(frozen=True)
class Comparison:
    """Makes the pairs of a comparison, matches their loudness, and has both sides judged.

    What it finds out on the way is kept with the job: `sides` (how each was really made),
    `shares_noise`, `matches` (the gains of each pair, by its place), `judges`, and `distances`.
    """

    store: Store
    engines: Engines
    maker: Maker
    judging: Judging
    distances: Distances

    @property
    def work(self) -> Work:
        """The phases: a pair to hear at once, its scores, the others, theirs, and the distances.

        The bulk comes third, so that it goes behind whatever sounds and scores others wait for.
        """
        phases = (self.make_first, self.listen_first, self.make_rest, self.listen, self.measure)
        return Work(kind=COMPARE, phases=phases, is_rounded_off=True)

    def submit(self, worker: Worker, owner: str, wish: Wish) -> str:
        """Put the wish in the row; its job's id is the comparison's."""
        return worker.submit(COMPARE, owner, wish.plain())

    def make_first(self, job: Job, desk: Desk) -> bool:
        """Phase one: both models loaded and asked whether they can, then the first pair."""
        wish = wish_from_plain(job.request)
        backends = self._load(wish, desk)
        self._check(wish, backends, desk)
        findings = {"matches": {}, **job.findings, **self._findings(wish, backends)}
        self.store.jobs.change(job.id, findings=findings)
        self._make_pair(job, wish, backends, 0, findings, desk)
        return True

    def listen_first(self, job: Job, desk: Desk) -> bool:
        """Phase two: the first pair is judged."""
        return self._listen(job, job.candidates[:2], desk, until=job.progress)

    def make_rest(self, job: Job, desk: Desk) -> bool:
        """Phase three: every other batch that is not there yet, A and B in turn."""
        wish, findings = wish_from_plain(job.request), dict(job.findings)
        backends = self._load(wish, desk)
        for number in range(1, len(pair_batches(wish, backends))):
            if desk.should_give_way():
                return False
            self._make_pair(job, wish, backends, number, findings, desk)
        return True

    def listen(self, job: Job, desk: Desk) -> bool:
        """Phase four: the evaluation CLAP and the simulated listener, one sound at a time."""
        return self._listen(job, list(dict.fromkeys(job.candidates)), desk, until=HEARD)

    def measure(self, job: Job, desk: Desk) -> bool:
        """Phase five: how far both sides are from the real thing; after a stop, the scores first."""
        if not self._listen(job, list(dict.fromkeys(job.candidates)), desk, until=HEARD):
            return False
        job = self.store.jobs.get(job.id)
        wish, there = wish_from_plain(job.request), self.store.jobs.positions(job.id)
        places = sorted(map(int, job.findings.get("matches", {})))
        found = {one.id: one.clip for one in self.store.candidates.find(list(there.values()))}
        pairs = [
            (place, {side: found[there[2 * place + i]] for i, side in enumerate(SIDES)})
            for place in places
        ]
        try:
            distances = self.distances.measure(wish, pairs, desk)
        except GaveWay:
            return False
        self.store.jobs.change(job.id, findings={**job.findings, "distances": distances})
        return True

    def _listen(self, job: Job, ids: list[str], desk: Desk, *, until: float = 1.0) -> bool:
        """Judge these sounds, and remember who the judges were."""
        judges = self.judging.present(JUDGES, desk)
        self.store.jobs.change(job.id, findings={**job.findings, "judges": judges})
        return self.judging.listen(ids, judges, desk, until=until)

    def _make_pair(
        self,
        job: Job,
        wish: Wish,
        backends: dict[str, Any],
        number: int,
        findings: dict[str, Any],
        desk: Desk,
    ) -> None:
        """One batch of A and the same of B, unless they are there; then their gains."""
        plan, there = pair_batches(wish, backends), self.store.jobs.positions(job.id)
        done = 2 * sum(len(batches["a"]) for batches in plan[:number])
        for side, batch in plan[number].items():
            if not all(place in there for place, _, _ in batch):  # else: made before a restart
                total = 2 * len(wish.prompts)
                self._make(job, backends[side], batch, desk, done=done, total=total)
            done += len(batch)
        self._match(job, batch, findings)

    def _load(self, wish: Wish, desk: Desk) -> dict[str, Any]:
        """Both models by their side; one that stands on both sides is loaded once."""
        backends = {}
        for side in SIDES:
            name = wish.side(side).model
            if self.engines.loaded_backend(name) is None:
                desk.tell(desk.progress, f"loading model {side.upper()}")
            backends[side] = self.engines.backend(name)
            if desk.should_stop():
                raise Cancelled()
        return backends

    def _check(self, wish: Wish, backends: dict[str, Any], desk: Desk) -> None:
        """What only the models know: lengths, words, and that the two sides differ at all."""
        plans = {side: sum(side_batches(wish, side, backends[side]), []) for side in SIDES}
        for side in SIDES:
            self.maker.check(backends[side], plans[side])
            if sentence := self.maker.unknown_words(wish.prompts, backends[side]):
                desk.notice(sentence)
        ids = {self.engines.id_of(backends[side], *plans[side][0][1:]) for side in SIDES}
        if len(ids) < len(SIDES):
            refuse_same(wish.a)
        if not shares_noise(backends):
            desk.notice(
                "The two models start from noise of different shapes, so a pair shares its words "
                "and its seed, but not its noise."
            )

    def _findings(self, wish: Wish, backends: dict[str, Any]) -> dict[str, Any]:
        """How each side is really made, and whether the noise is the same."""
        made = {}
        for side in SIDES:
            backend = backends[side]
            settings = settings_of(backend, wish.side(side), wish.seed)
            made[side] = {
                "model": settings.model,
                "title": self.engines.title(wish.side(side).model),
                "revision": backend.revision,
                "adapter": backend.adapter,
                "base": self._base_of(wish.side(side).model),
                "steps": settings.steps,
                "guidance": settings.guidance,
                "sampler": settings.sampler,
                "dtype": settings.dtype,
                "sample_rate": backend.sample_rate,
            }
        return {"sides": made, "shares_noise": shares_noise(backends)}

    def _base_of(self, model: str) -> str | None:
        """The model that this one is aligned from; None where it is no aligned one."""
        adapters = self.engines.adapters
        return None if adapters.folder_of(model) is None else adapters.base_of(model)

    def _make(
        self, job: Job, backend: Any, batch: list[Part], desk: Desk, *, done: int, total: int
    ) -> None:
        """Make a batch, or take it from memory when all of it was made before."""
        if known := self.maker.known(backend, batch):
            for place, candidate in known.items():
                self.store.jobs.add_candidate(job.id, place, candidate)
            return
        for place, candidate in self.maker.make(backend, batch, desk, done=done, total=total):
            self.maker.keep(job.id, place, candidate)

    def _match(self, job: Job, batch: list[Part], findings: dict[str, Any]) -> None:
        """Measure the pairs that became whole with this batch of B, and remember their gains."""
        from pipelines.compare.loudness import matched

        there = self.store.jobs.positions(job.id)
        new = [place // 2 for place, _, _ in batch if str(place // 2) not in findings["matches"]]
        for pair in new:
            a, b = self.store.candidates.find([there[2 * pair], there[2 * pair + 1]])
            clips = [*self.store.clips.read(a.clip), *self.store.clips.read(b.clip)]
            findings["matches"][str(pair)] = asdict(matched(*clips))
        if new:
            self.store.jobs.change(job.id, findings=findings)


def shares_noise(backends: dict[str, Any]) -> bool:
    """Whether one seed is the same noise for both: it is drawn by seed and shape alone."""
    return len({tuple(backend.latent_shape) for backend in backends.values()}) == 1
