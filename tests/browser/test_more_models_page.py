"""More models, by the real engines: a folder is read, its terms taken, and its sounds made. Slow."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.browser.served import Studio
from tests.pipelines.tiny_tango import copy_tango

pytestmark = pytest.mark.slow
PATIENCE = (
    240_000  # ms for torch and the judges to load, on a machine that is busy with other things
)


@pytest.fixture
def studio(tmp_path, server) -> Iterator[Studio]:
    """A studio with the models that come with it."""
    served = Studio(server, tmp_path / "data", warm=False)
    served.real = True
    served.open()
    yield served
    served.close()


@pytest.fixture
def tango(tmp_path) -> Path:
    """A random Tango of a few megabytes, in its published layout."""
    return copy_tango(tmp_path)


def open_more(page) -> None:
    """Unfold the models that do not come with the studio."""
    page.click("#more-models > button")
    page.wait_for_selector("#model-folder input")


def read(page, folder: Path) -> None:
    """Paste a path, and press."""
    page.fill("#model-folder input", str(folder))
    page.click("#read-folder")


def scrolls_sideways(page) -> bool:
    """Whether anything is wider than the window."""
    return page.evaluate("document.documentElement.scrollWidth > window.innerWidth")


def test_a_folder_of_a_real_model_is_taken_and_makes_sounds(watch, tango):
    """No model, then one: its licence, one press, its own steps, cards that name it; found by Reuse."""
    seen = watch(width=1280)
    page = seen.page
    page.set_default_timeout(PATIENCE)
    open_more(page)
    read(page, tango.parent)
    page.get_by_text(
        f"{tango.parent} holds no model that is known; give the folder that"
    ).wait_for()
    assert not page.is_visible("#accept-terms")
    read(page, tango)
    page.wait_for_selector("#accept-terms")
    assert "Tango in its published layout" in page.inner_text("#terms")
    assert "Licence: CC BY-NC-SA 4.0." in page.inner_text("#terms")
    assert not scrolls_sideways(page)
    page.click("#accept-terms")
    page.wait_for_selector("#terms >> text=is the model of this form now")
    assert not page.is_visible("#accept-terms")
    page.click("#making > button")
    page.wait_for_selector("#model input")
    page.wait_for_timeout(300)  # when first shown, a slider is set once more
    assert page.input_value("#model input") == "tango"
    assert page.input_value("#steps input[type=number]") == "100", "Tango's own"
    for name, value in {"steps": 3, "seconds": 2, "count": 2}.items():
        page.fill(f"#{name} input[type=number]", str(value))
        page.press(f"#{name} input[type=number]", "Tab")
    seen.generate("a dog barks")
    assert seen.finish() == "2 of 2 sounds, made and scored."
    card = page.locator(".bs-card").first
    facts = " ".join(card.locator(".bs-facts").inner_text().split())
    assert "steps 3 guidance 3 sampler ddpm model tango (folder)" in facts
    assert not scrolls_sideways(page)
    page.reload()
    page.wait_for_selector(".bs-card")
    page.click("#making > button")
    page.wait_for_selector("#model input")
    assert page.input_value("#model input") == "Embedded"
    page.locator(".bs-card").first.get_by_text("Reuse").click()
    page.wait_for_function("document.querySelector('#model input').value === 'tango'")
    assert (seen.complaints, seen.foreign) == ([], [])


def test_on_a_phone_a_folder_that_is_gone_is_told(watch, tango):
    """Nothing is wider than 390 px; what was read and then deleted is refused, and not taken."""
    seen = watch(width=390)
    page = seen.page
    open_more(page)
    read(page, tango)
    page.wait_for_selector("#accept-terms")
    assert not scrolls_sideways(page)
    shutil.rmtree(tango)
    page.click("#accept-terms")
    page.get_by_text(
        f"There is no folder {tango} on the machine that the studio runs on"
    ).wait_for()
    assert not scrolls_sideways(page)
    assert (seen.complaints, seen.foreign) == ([], [])
