"""Sounds of other models, put to the vote from the page: a zip in, a campaign out. Slow."""

import zipfile

import pytest

from tests.studio.test_campaign_folders import write

pytestmark = pytest.mark.slow


def test_a_zip_of_sounds_becomes_a_campaign(watch, tmp_path):
    """Two systems with two prompts in their files; what is no zip is told in a sentence."""
    path = tmp_path / "sounds.zip"
    with zipfile.ZipFile(path, "w") as bundle:
        for system in ("one", "two"):
            for number, prompt in enumerate(("a dog barks", "rain falls")):
                file = write(tmp_path / system, f"{number}.wav", prompt=prompt, seconds=0.5)
                bundle.write(file, f"{system}/{number}.wav")
    broken = tmp_path / "broken.zip"
    broken.write_bytes(b"no zip")
    watched = watch()
    page = watched.page
    page.get_by_role("tab", name="Vote").click()
    page.click("#campaign-form > button")
    page.click("#campaign-sounds > button")
    page.set_input_files("#campaign-zip input[type=file]", broken)
    page.wait_for_selector("#campaign-zip >> text=broken")
    page.click("#campaign-button")
    page.wait_for_selector("text=broken.zip is no zip that can be read")
    page.click("#campaign-zip button[aria-label='Clear']")
    page.set_input_files("#campaign-zip input[type=file]", path)
    page.wait_for_selector("#campaign-zip >> text=sounds")
    page.fill("#campaign-title textarea, #campaign-title input", "Whose rain?")
    page.click("#campaign-button")
    page.wait_for_selector(".bs-vote-before")  # made, open, and asking
    assert page.inner_text(".bs-vote-title h2") == "Whose rain?"
    page.screenshot(path=tmp_path / "page.png", full_page=True)
    assert watched.foreign == []
