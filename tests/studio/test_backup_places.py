import inspect
from pathlib import Path
from types import SimpleNamespace

import pytest
from huggingface_hub import HfApi
from huggingface_hub.errors import HfHubHTTPError, HTTPError

from studio.config import Config
from studio.services.backup.backup import Backup
from studio.services.backup.places import Bucket, DataSet, Folder, PlaceError, patterns, place_of
from studio.store.store import Store
from tests.studio.fake_place import cast
from tests.studio.small_campaign import small_campaign


class FakeHub:
    """As much of `HfApi` as a backup uses; the arguments are those of huggingface_hub 2.4."""

    def __init__(self, is_private: bool = True) -> None:
        self.repositories: dict[tuple[str, str], bool] = {}
        self.files: dict[str, bytes] = {}
        self.commits: list[str] = []
        self.is_private = is_private  # of what is there already
        self.fault: Exception | None = None

    def __getattribute__(self, name):
        """Each call is first tried on the real client's signature."""
        found = object.__getattribute__(self, name)
        real = getattr(HfApi, name, None)
        if real is None:
            return found

        def checked(*given, **named):
            inspect.signature(real).bind(None, *given, **named)
            return found(*given, **named)

        return checked

    def create_repo(self, repo_id, *, repo_type, private, exist_ok):
        assert private is True, "without it the Hub makes a public data set"
        self.repositories.setdefault((repo_type, repo_id), self.is_private)

    def repo_info(self, repo_id, *, repo_type):
        return SimpleNamespace(private=self.repositories[repo_type, repo_id])

    def list_repo_files(self, repo_id, *, repo_type):
        assert (repo_type, repo_id) in self.repositories
        return list(self.files)

    def create_commit(self, repo_id, *, operations, commit_message, repo_type):
        if self.fault:
            raise self.fault
        assert (repo_type, repo_id) in self.repositories
        for operation in operations:
            self.files[operation.path_in_repo] = read(operation.path_or_fileobj)
        self.commits.append(commit_message)

    def snapshot_download(self, repo_id, *, repo_type, allow_patterns, local_dir):
        from huggingface_hub.utils import filter_repo_objects

        for name in filter_repo_objects(self.files, allow_patterns=allow_patterns):
            write(local_dir, name, self.files[name])

    def super_squash_history(self, repo_id, *, repo_type):
        self.commits = ["squashed"]

    def create_bucket(self, bucket_id, *, private, exist_ok):
        assert private is True, "without it the Hub makes a public bucket"
        self.repositories.setdefault(("bucket", bucket_id), self.is_private)

    def bucket_info(self, bucket_id):
        return SimpleNamespace(private=self.repositories["bucket", bucket_id])

    def list_bucket_tree(self, bucket_id, *, recursive):
        assert recursive
        yield SimpleNamespace(path="sounds", type="directory")
        yield from (SimpleNamespace(path=name, type="file") for name in self.files)

    def download_bucket_files(self, bucket_id, files, *, raise_on_missing_files):
        assert raise_on_missing_files, "a missing file would be left out without a word"
        for name, path in files:
            Path(path).write_bytes(self.files[name])

    def batch_bucket_files(self, bucket_id, *, add):
        if self.fault:
            raise self.fault
        for content, name in add:
            self.files[name] = read(content)


def read(content) -> bytes:
    """Bytes, or those of a path."""
    if isinstance(content, bytes):
        return content
    return Path(content).read_bytes()


def write(folder, name, content) -> None:
    """One file under a folder."""
    target = Path(folder) / name
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_bytes(content)


def opened(kind, tmp_path, hub=None):
    """A place of this kind, opened."""
    place = Folder(tmp_path / "place") if kind is Folder else kind("ann/votes", "hf_secret", hub)
    place.open()
    return place


@pytest.mark.parametrize("kind", [Folder, DataSet, Bucket])
def test_what_was_put_is_fetched_again(kind, tmp_path):
    """Bytes and files, twice the same name, and only what was asked for."""
    place = opened(kind, tmp_path, FakeHub())
    (tmp_path / "clip.wav").write_bytes(b"RIFF")
    place.put({"votes/a-1.jsonl": b"1", "sounds/ab/abc.wav": tmp_path / "clip.wav"}, "two")
    place.put({"votes/a-1.jsonl": b"one"}, "anew")
    assert place.names() == {"votes/a-1.jsonl", "sounds/ab/abc.wav"}
    place.fetch([], tmp_path / "none")
    place.fetch(["votes/a-1.jsonl"], tmp_path / "back")
    assert (tmp_path / "back" / "votes" / "a-1.jsonl").read_bytes() == b"one"
    assert not (tmp_path / "back" / "sounds").exists()
    place.fetch(["sounds/ab/abc.wav"], tmp_path / "back")
    assert (tmp_path / "back" / "sounds" / "ab" / "abc.wav").read_bytes() == b"RIFF"


@pytest.mark.parametrize("kind", [DataSet, Bucket])
def test_it_is_made_private_and_one_that_is_public_is_refused(kind, tmp_path):
    """`exist_ok` leaves a public one public; votes must not go there."""
    assert opened(kind, tmp_path, FakeHub()).names() == set()
    with pytest.raises(PlaceError, match="ann/votes is public, and votes are not; make it private"):
        opened(kind, tmp_path, FakeHub(is_private=False))


@pytest.mark.parametrize("kind", [DataSet, Bucket])
@pytest.mark.parametrize(
    "fault",
    [
        HTTPError("connection refused"),
        HfHubHTTPError("503 Server Error", response=SimpleNamespace(headers={}, request=None)),
        TimeoutError("timed out"),
        RuntimeError("the upload library gave up"),
    ],
)
def test_what_the_hub_complains_of_is_told(kind, fault, tmp_path):
    """In one sentence, without the token."""
    hub = FakeHub()
    place = opened(kind, tmp_path, hub)
    hub.fault = fault
    with pytest.raises(PlaceError, match="on the Hugging Face Hub did not take part: ") as told:
        place.put({"a": b"b"}, "why")
    assert "hf_secret" not in str(told.value)


def test_the_history_of_a_data_set_can_be_dropped(tmp_path):
    """Git keeps what was written anew; a bucket and a folder do not."""
    hub = FakeHub()
    place = opened(DataSet, tmp_path, hub)
    place.put({"a": b"1"}, "first")
    place.drop_history()
    assert hub.commits == ["squashed"]
    assert [kind.keeps_history for kind in (Folder, DataSet, Bucket)] == [False, True, False]


def test_a_folder_shows_no_half_files(tmp_path):
    """A draft that a dead process left is no file of the place."""
    place = opened(Folder, tmp_path)
    (tmp_path / "place" / "votes").mkdir()
    (tmp_path / "place" / "votes" / "a-1.jsonl.9f.part").write_bytes(b"ha")
    assert place.names() == set()


def test_a_folder_that_cannot_be_made_is_told(tmp_path):
    """A file stands where the folder should be."""
    (tmp_path / "place").write_text("a file")
    with pytest.raises(PlaceError, match="the folder of the backup did not take part: .*exists"):
        opened(Folder, tmp_path)


def test_many_names_are_asked_for_by_folder():
    """Each pattern is tried on each name, so a thousand of each would take long."""
    assert patterns(["votes/a", "sounds/b"]) == ["votes/a", "sounds/b"]
    assert patterns([f"votes/{n}" for n in range(60)]) == ["votes/*"]


@pytest.mark.parametrize("kind", [DataSet, Bucket])
def test_a_whole_studio_comes_back_from_the_hub(kind, tmp_path):
    """Votes and sounds, by way of the Hub's own calls."""
    hub, stores = FakeHub(), [Store(tmp_path / "one"), Store(tmp_path / "two")]
    campaign = small_campaign(stores[0], systems=2, prompts=1)
    votes = cast(stores[0], campaign, count=3)
    for store in stores:
        Backup(store, Config(), kind("ann/votes", "hf_secret", hub)).ship()
    assert [vote.id for vote in stores[1].votes.live_votes(campaign)] == votes
    assert all(stores[1].clips.path(name).is_file() for name in stores[1].campaigns.sounds())
    for store in stores:
        store.close()


def test_without_a_token_there_is_no_place_on_the_hub():
    """And with one there is; the token is taken from the settings alone."""
    assert place_of(Config(backup="dataset:ann/votes")) is None
    place = place_of(Config(backup="bucket:ann/votes", hub_token="hf_secret"))
    assert isinstance(place, Bucket) and place.token == "hf_secret"
