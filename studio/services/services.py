"""The open studio without its page: store, engines, worker and use-cases, wired together once."""

import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

from pipelines.errors import StudioError
from studio.config import Config
from studio.jobs import Worker
from studio.services.backup.backup import Backup
from studio.services.campaigns.build import CampaignBuild
from studio.services.campaigns.campaigns import Campaigns
from studio.services.campaigns.folders import CampaignFolders
from studio.services.campaigns.simulated_voters import SimulatedVoters
from studio.services.campaigns.views import CampaignViews
from studio.services.compare.battle import Battles
from studio.services.compare.comparison import Comparison
from studio.services.compare.distances import Distances
from studio.services.compare.embedding_store import EmbeddingStore
from studio.services.compare.evaluation import Evaluation
from studio.services.compare.folder import ComparisonFolder
from studio.services.compare.request import SIDES, Wish, check_wish
from studio.services.compare.views import ComparisonViews
from studio.services.downloads import Downloads
from studio.services.engines import Engines
from studio.services.finetune.finetune import open_finetune
from studio.services.generate.batches import COMPARE, GENERATE
from studio.services.generate.generation import Generation
from studio.services.generate.judging import Judging
from studio.services.generate.making import Maker
from studio.services.generate.ranking import Ranking
from studio.services.generate.views import Views
from studio.services.prompt_sets import prompt_sets, prompts_of
from studio.services.prompt_writing.drafts import Drafts
from studio.services.prompt_writing.model_wording import ModelWording
from studio.services.prompt_writing.prompt_writing import PromptWriting
from studio.services.requests import Request, check_request, from_plain, read_prompt_file
from studio.services.results.results import Results
from studio.services.reward.rewards import Rewards
from studio.services.vote.forgetting import Forgetting
from studio.services.vote.voting import Voting
from studio.services.vote_data.vote_data import VoteData
from studio.services.world import World
from studio.store.store import Store


class Services:
    """What tabs, routes and the command line call.

    Args:
        config: all settings.
        engines: the models; tests pass their own.
    """

    def __init__(self, config: Config, engines: Engines | None = None) -> None:
        self.config = config
        self.engines = engines or Engines(config)
        self.store = Store(config.data, config.database)
        maker, judging = Maker(self.store, self.engines), Judging(self.store, self.engines)
        ranking = Ranking(self.store, lambda reward, owner: self.reward.scorer(reward, owner))
        self.generation = Generation(self.store, self.engines, maker, judging, ranking)
        kept = EmbeddingStore(config.data / "embeddings")
        distances = Distances(self.engines, kept, self.store.clips.path)
        self.comparison = Comparison(self.store, self.engines, maker, judging, distances)
        self.views = Views(self.store, self.engines)
        self.comparisons = ComparisonViews(self.store, self.engines, self.views)
        self.reward = Rewards(
            self.store, self.engines, config.data, self.views, self.comparisons, lambda: self.worker
        )
        self.downloads = Downloads(self.store)
        self.world = World(self.engines)
        self.evaluation = Evaluation(self.engines, config.data)
        self.results = Results(self.store)
        self.vote_data = VoteData(self.store, self.downloads)
        self.backup = Backup(self.store, config)
        self.voting = Voting(self.store, config, self.backup)
        self.forgetting = Forgetting(self.store, self.backup)
        build = CampaignBuild(self.store, self.engines, maker)
        seen = CampaignViews(self.store, self.voting)
        self.campaigns = Campaigns(config, self.store, self.engines, seen, lambda: self.worker)
        self.battles = Battles(self.comparisons, self.campaigns)
        self.campaign_folders = CampaignFolders(self.campaigns, self.store.clips)
        drafts = Drafts(config.data / "prompts")
        self.prompt_writing = PromptWriting(
            config, drafts, self.store.jobs, self.campaigns, lambda: self.worker
        )
        wording = ModelWording(config, drafts)
        self.simulated_voters = SimulatedVoters(self.store, self.engines, self.voting)
        works = [self.generation.work, self.comparison.work, build.work, self.results.work]
        works.append(self.reward.work)
        self.finetune = open_finetune(
            config, self.store, maker, self.reward, self.choices, lambda: self.worker
        )
        works.append(self.finetune.run.work)
        works += [wording.work]
        self.worker = Worker(self.store.jobs, works)
        self.warming = threading.Event()

    def start(self) -> None:
        """Throw away what was on its way out, bring votes back from the backup, begin to work."""
        self.downloads.clear()
        self.backup.start()
        self.worker.start()

    def warm(self) -> None:
        """Load the usual model in the background; the first call does it, the others nothing."""
        if self.config.warm and not self.warming.is_set():
            self.warming.set()
            threading.Thread(target=self.engines.warm, name="warm", daemon=True).start()

    def check(self, prompts: Any, **wishes: Any) -> Request:
        """The request, checked against the limits."""
        return check_request(self.config, prompts, **wishes)

    def read_prompt_file(self, path: str | Path) -> list[str]:
        """The prompts in an uploaded list."""
        return read_prompt_file(path)

    def hint(self, prompts: str, model: str) -> str:
        """What the model does not know of these prompts; empty while it loads."""
        backend = self.engines.loaded_backend(model)
        lines = tuple(
            line for line in prompts[: self.config.max_words].splitlines() if line.strip()
        )
        if backend is None or not lines:
            return ""
        return self.generation.maker.unknown_words(lines, backend)

    def generate(self, owner: str, request: Request) -> str:
        """Put a request in the row; the id of its job."""
        self._check_model(request.model)
        self._check_ranker(owner, request)
        return self.generation.submit(self.worker, owner, request)

    def generate_now(
        self, owner: str, request: Request, on_progress: Callable[[float, str], None]
    ) -> dict[str, Any]:
        """Do a request here and now, as the command line does; the finished run.

        Here a model may also be the path of a folder.
        """
        self._check_ranker(owner, request)
        done = self.worker.run_now(
            GENERATE, owner, request.plain(), lambda desk: on_progress(desk.progress, desk.note)
        )
        return self.views.job(done.id, owner)

    def check_comparison(self, prompts: Any, *, a: Any, b: Any, **wishes: Any) -> Wish:
        """The comparison, checked against the limits; each side is model, steps, guidance, sampler."""
        return check_wish(self.config, prompts, a=a, b=b, defaults=self.defaults, **wishes)

    def compare(self, owner: str, wish: Wish) -> str:
        """Put a comparison in the row; its id, which is also its link."""
        for side in SIDES:
            self._check_model(wish.side(side).model)
        return self.comparison.submit(self.worker, owner, wish)

    def compare_now(
        self, owner: str, wish: Wish, on_progress: Callable[[float, str], None]
    ) -> dict[str, Any]:
        """Do a comparison here and now, as the command line does; what came out.

        Here a model may also be the path of a folder.
        """
        done = self.worker.run_now(
            COMPARE, owner, wish.plain(), lambda desk: on_progress(desk.progress, desk.note)
        )
        return self.comparisons.view(done.id)

    def write_comparison(self, comparison: str, folder: Path) -> dict[tuple[int, str], Path]:
        """Write report, table, sounds and a page to listen through; where each sound lies."""
        return ComparisonFolder(self.comparisons, self.downloads).write(comparison, folder)

    def prompt_sets(self) -> list[dict[str, Any]]:
        """The prompt sets that come with the studio: name, title, count."""
        return prompt_sets()

    def prompts_of(self, name: str) -> list[str]:
        """The prompts of one of these sets."""
        return prompts_of(name)

    def path_of(self, candidate: str, folder: Path | None, kind: str) -> Path:
        """Where the candidate's sound lies: in the data folder, or written into this folder."""
        found = self.views.candidate(candidate)
        if folder is None:
            return self.store.clips.path(found.clip)
        return self.downloads.save(found, folder, kind)

    def vary(self, owner: str, candidate: str, count: int, run: str = "") -> str:
        """New seeds for what this candidate was made from; the id of the job.

        Args:
            owner: who asks.
            candidate: what is varied.
            count: how many.
            run: the run whose ranking is kept; empty: CLAP ranks.
        """
        like = from_plain(self.views.job_of(run, owner).request) if run else None
        made = self.views.candidate(candidate)
        return self.generate(owner, self.generation.vary(made, count, like))

    def same_again(self, owner: str, candidate: str) -> str:
        """The same made anew and compared; the id of the job."""
        return self.generate(owner, self.generation.same_again(self.views.candidate(candidate)))

    def stop(self, owner: str, job: str) -> bool:
        """Ask a job to stop between two steps."""
        return self.store.jobs.ask_stop(job, owner)

    def set_favourite(self, owner: str, candidate: str, liked: bool) -> None:
        """Like it, or no longer."""
        self.store.candidates.set_favourite(self.views.candidate(candidate).id, owner, liked)

    def models(self) -> list[Any]:
        """The checkpoints that are here."""
        return self.engines.models()

    def defaults(self, model: str) -> tuple[int, float]:
        """The steps and the guidance that the form offers for a model."""
        return self.engines.defaults(model)

    def longest(self) -> float:
        """How many seconds the forms offer; each model says for itself what it can make."""
        is_small = all(model.name.startswith("embedded") for model in self.models())
        return 10.0 if is_small else 30.0

    def longest_alone(self) -> float:
        """How many seconds Generate offers: beyond its window a TangoFlux goes on, window by window."""
        return 3 * self.longest()

    def choices(self) -> list[tuple[str, str]]:
        """Title and name of each model that a person may choose, the configured one among them."""
        found = [(model.title, model.name) for model in self.models()]
        usual = self.config.model
        return (
            found if usual in {name for _, name in found} else [(Path(usual).name, usual), *found]
        )

    def _check_model(self, name: str) -> None:
        """Refuse what is not on the list; any other folder is for the command line alone."""
        known = [known for _, known in self.choices()]
        if name not in known:
            raise StudioError(f"There is no model {name[:80]!r}; choose from {', '.join(known)}.")

    def _check_ranker(self, owner: str, request: Request) -> None:
        """Refuse a reward model that is not this person's, or not trained to its end."""
        if request.reward is not None:
            self.reward.check_ready(request.reward, owner)

    def close(self) -> None:
        """Ship the last votes, end the worker after its present step, let go of the store."""
        self.backup.close()
        self.worker.close()
        self.store.close()
