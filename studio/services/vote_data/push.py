"""A folder of votes put on the Hugging Face Hub as a data set, private unless asked otherwise."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pipelines.errors import StudioError

STALE = ["data/*", "README.md"]  # of an earlier push; the new ones come in the same commit


def push_folder(
    folder: Path, repository: str, environment: Mapping[str, str], *, is_public: bool
) -> dict[str, Any]:
    """Upload the folder in one commit; where it is now.

    Args:
        repository: organisation/name; made when it is not there.
        environment: holds HF_TOKEN, which needs to be allowed to write there.

    Raises:
        StudioError: no token, a name that is none, a repository that others can read though it was
            not asked to be, or the Hub did not take it.
    """
    from huggingface_hub import HfApi
    from huggingface_hub.errors import HFValidationError, HTTPError
    from huggingface_hub.utils import validate_repo_id

    token = environment.get("HF_TOKEN")
    if not token:
        raise StudioError(
            "There is no HF_TOKEN in the environment; make a token that may write to "
            f"{repository[:100]} at huggingface.co/settings/tokens and set HF_TOKEN to it."
        )
    try:
        validate_repo_id(repository)
    except HFValidationError as error:
        raise StudioError(
            f"{repository[:100]!r} is no repository; give organisation/name."
        ) from error
    if repository.count("/") != 1:
        raise StudioError(f"{repository[:100]!r} names no owner; give organisation/name.")
    api = HfApi(token=token)
    try:
        api.create_repo(repository, repo_type="dataset", private=not is_public, exist_ok=True)
        is_private = bool(api.repo_info(repository, repo_type="dataset").private)
        if not is_private and not is_public:
            raise StudioError(
                f"{repository} is there already and everybody can read it; make it private on its "
                "page, name another, or ask for --public. Nothing was uploaded."
            )
        done = api.upload_folder(
            repo_id=repository,
            folder_path=folder,
            repo_type="dataset",
            commit_message="Votes from Baton Studio",
            delete_patterns=STALE,
        )
    except (HTTPError, OSError) as error:
        raise StudioError(
            f"The Hub did not take {repository} ({type(error).__name__}: {_first_line(error)}); "
            "check the token's rights and the network, and try again. What is there is unchanged."
        ) from error
    url = f"https://huggingface.co/datasets/{repository}"
    return {"repository": repository, "url": url, "is_private": is_private, "commit": done.oid}


def _first_line(error: Exception) -> str:
    lines = str(error).strip().splitlines() or ["no reason given"]
    return lines[0][:200]
