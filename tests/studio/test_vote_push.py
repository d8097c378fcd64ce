"""Votes on the Hub: private unless asked, never into what others can read, and faults in words."""

import logging
from pathlib import Path
from types import SimpleNamespace

import huggingface_hub
import pytest
from huggingface_hub.errors import OfflineModeIsEnabled

from pipelines.errors import StudioError
from studio.visitors import HERE
from tests.studio.casting import cast
from tests.studio.small_campaign import small_campaign

TOKEN = "hf_secret"


class FakeHub:
    """Stands in for `HfApi`: remembers what it was asked, and what is on it."""

    is_private_already: bool | None = None  # of a repository that is there before
    away = False
    calls: list[tuple]

    def __init__(self, token: str) -> None:
        assert token == TOKEN
        type(self).calls = []

    def create_repo(self, repo_id, *, repo_type, private, exist_ok):
        if self.away:
            raise OfflineModeIsEnabled("no network")
        self.calls.append(("create", repo_id, repo_type, private, exist_ok))
        if self.is_private_already is None:
            self.private = private
        else:  # the Hub leaves a repository that is there as it is
            self.private = self.is_private_already

    def repo_info(self, repo_id, *, repo_type):
        return SimpleNamespace(private=self.private)

    def upload_folder(self, *, repo_id, folder_path, repo_type, commit_message, delete_patterns):
        names = sorted(str(p.relative_to(folder_path)) for p in Path(folder_path).rglob("*.*"))
        self.calls.append(("upload", repo_id, repo_type, names, delete_patterns))
        return SimpleNamespace(oid="abc")


@pytest.fixture
def hub(monkeypatch):
    """The fake in the place of the real one."""
    monkeypatch.setattr(huggingface_hub, "HfApi", FakeHub)
    monkeypatch.setattr(FakeHub, "is_private_already", None)
    monkeypatch.setattr(FakeHub, "away", False)
    return FakeHub


@pytest.fixture
def campaign(services) -> str:
    """One vote with a reason."""
    name = small_campaign(services.store, systems=2, prompts=1)
    cast(services.store, name, "ann", 0, ("s0", "s1"), "a", reason="my name is Ann")
    return name


def push(services, campaign, repository="org/votes", token=TOKEN, **wishes):
    """Push as the command line does."""
    environment = {"HF_TOKEN": token} if token else {}
    return services.vote_data.push(HERE, campaign, repository, environment, **wishes)


def test_a_push_is_private_unless_asked(services, campaign, hub, caplog):
    """One commit that takes old parquet away; no reason, no token anywhere."""
    caplog.set_level(logging.DEBUG)
    told = push(services, campaign)
    create, upload = hub.calls
    assert create == ("create", "org/votes", "dataset", True, True)
    assert told["is_private"] is True and told["url"].endswith("/datasets/org/votes")
    assert "README.md" in upload[3] and all("votes.jsonl" not in name for name in upload[3])
    assert "data/*" in upload[4]
    assert TOKEN not in caplog.text and TOKEN not in str(told)
    assert list((services.store.folder / "outgoing").iterdir()) == []
    assert push(services, campaign, is_public=True)["is_private"] is False
    assert hub.calls[0][3] is False


def test_nothing_goes_where_everybody_reads_unasked(services, campaign, hub, monkeypatch):
    """A public repository of that name is told before anything is uploaded."""
    monkeypatch.setattr(hub, "is_private_already", False)
    with pytest.raises(StudioError, match="everybody can read it.*Nothing was uploaded"):
        push(services, campaign)
    assert [call[0] for call in hub.calls] == ["create"]


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"token": ""}, "There is no HF_TOKEN in the environment"),
        ({"repository": "a b/c"}, "is no repository; give organisation/name"),
        ({"repository": "votes"}, "names no owner"),
    ],
)
def test_what_the_hub_would_refuse_is_said_before(services, campaign, hub, change, words):
    """Without asking it."""
    with pytest.raises(StudioError, match=words):
        push(services, campaign, **change)


def test_a_hub_that_is_away_is_said(services, campaign, hub, monkeypatch):
    """In one sentence, the folder taken away again."""
    monkeypatch.setattr(hub, "away", True)
    with pytest.raises(StudioError, match="did not take org/votes"):
        push(services, campaign)
    assert list((services.store.folder / "outgoing").iterdir()) == []
