"""Finetune as people use it: counted, trained for real, reloaded in the middle, heard, compared. Slow."""

import io
import json
import re
import wave
import zipfile
from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from studio.store.store import Store
from tests.browser.axe import fetch, serious_findings
from tests.browser.served import Studio
from tests.studio.fake_training import PACE, labelled

pytestmark = pytest.mark.slow
PATIENCE = 240_000  # ms for a training of seconds, on a machine that is busy with other things
SETTINGS = {"Length": 6, "β": 0, "Batch": 2, "Listen every": 6, "Seed": 5}


@pytest.fixture
def studio(tmp_path, server) -> Iterator[Studio]:
    """A studio that listens to a training by two prompts, and knows how fast this machine is."""
    served = Studio(server, tmp_path / "data")
    served.held_out = 2
    paces = tmp_path / "data" / "runs" / "paces.json"
    paces.parent.mkdir(parents=True)
    paces.write_text(json.dumps({"embedded on the best device, an adapter": PACE}))
    served.open()
    yield served
    served.close()


@pytest.fixture
def campaign(studio) -> str:
    """Twelve sounds that somebody labelled, eight of them aligned."""
    store = Store(studio.folder)
    made = labelled(SimpleNamespace(store=store), ones=8, zeros=4, title="All there?")
    store.close()
    return made


def open_tab(watch, query: str = "", **how) -> Any:
    """The Finetune tab, its form filled from what is there."""
    seen = watch(query=f"&tab=finetune{query}", **how)
    seen.page.wait_for_selector("#finetune-button:visible")
    return seen


def fill(page, settings: dict[str, Any]) -> None:
    """Settings by the beginning of their names."""
    page.click(".bs-fine-fold > summary:has-text('How it is trained')")
    for name, value in settings.items():
        page.fill(f".bs-fine-fields input[aria-label^='{name}']:visible", str(value))


def fits(page) -> bool:
    """Whether nothing is wider than the page."""
    return page.evaluate("document.documentElement.scrollWidth <= innerWidth")


def test_a_model_is_trained_reloaded_heard_and_compared(watch, campaign, tmp_path):
    """Six steps of the embedded model itself; from the form to Compare, where its model stands ready."""
    axe = fetch(tmp_path)
    seen = open_tab(watch)
    page = seen.page
    page.wait_for_selector(".bs-fine-time:has-text('About')")
    told = page.inner_text(".bs-fine-estimate")
    assert "12 labelled by people" in told and "600 the base's own data" in told
    assert "8 are called aligned" in told and "4 count nothing" in told
    fill(page, SETTINGS)
    page.wait_for_selector(".bs-fine-time:has-text('for 6 steps')")
    assert "base's own data" not in page.inner_text(".bs-fine-estimate")  # beta is 0
    page.fill("#finetune input[aria-label=Title]", "Mine")
    page.click("#finetune-button")
    page.wait_for_selector("[role=columnheader]:has-text('base')", timeout=PATIENCE)
    assert "run=" in page.url

    page.reload()
    page.wait_for_selector("baton-finetune h2:has-text('Mine')")
    page.wait_for_selector(".bs-fine-done", timeout=PATIENCE)
    assert page.inner_text("baton-finetune .bs-bar .bs-status") == "Trained, 6 steps"
    assert "kept" in page.inner_text(".bs-fine-done")
    assert page.locator("[role=columnheader]").all_inner_texts() == ["Prompt", "base", "step 6"]
    page.click(".bs-fine-row:nth-child(2) [aria-label^='Play step 6']")
    page.wait_for_selector(".bs-fine-cell .bs-play.is-playing")
    page.keyboard.press("ArrowLeft")
    assert page.evaluate("document.activeElement.ariaLabel").startswith("Play base")
    for figure in page.locator(".bs-fine-view .bs-res-figure:visible").all():
        figure.scroll_into_view_if_needed()
        figure.locator(".main-svg >> nth=0").wait_for()
    page.click("text=The whole record")
    for theme in ("dark", "light"):
        page.evaluate("(is) => document.body.classList.toggle('dark', is)", theme == "dark")
        page.wait_for_timeout(400)  # colours glide to their values
        assert serious_findings(page, axe) == [], theme
    page.set_viewport_size({"width": 390, "height": 844})
    assert fits(page)

    page.fill(".bs-fine-done input", "Mine, renamed")
    page.press(".bs-fine-done input", "Enter")
    page.wait_for_selector("baton-finetune h2:has-text('Mine, renamed')")
    page.click("text=Compare with the base")
    page.wait_for_function("document.querySelector('#model-b input')?.value === 'Mine, renamed'")
    assert page.input_value("#model-a input") == "Sine"
    page.wait_for_function(
        "document.querySelector('#compare-prompts textarea').value.split('\\n').length >= 10"
    )
    assert (seen.complaints, seen.foreign) == ([], [])


def test_a_long_run_is_cut_to_what_fits_into_a_sitting(watch, campaign):
    """Offered where it is longer, one press writes it into the open settings, and then it fits."""
    page = open_tab(watch).page
    page.wait_for_selector(".bs-fine-time:has-text('About')")
    assert page.locator(".bs-fine-fit").count() == 0
    fill(page, {"Length": 4000})
    page.wait_for_selector(".bs-fine-time:has-text('for 4000 steps')")
    page.click(".bs-fine-fold > summary:has-text('How it is trained')")
    page.click(".bs-fine-fit button:has-text('Fit it into 8 min')")
    page.wait_for_selector(".bs-fine-time:has-text('About 8 min')")
    assert page.locator(".bs-fine-fit").count() == 0
    length, every = (
        page.input_value(f".bs-fine-fields input[aria-label^='{name}']:visible")
        for name in ("Length", "Listen every")
    )
    assert length == every and 20 <= int(length) < 4000


def test_a_folder_of_own_sounds_is_counted(watch):
    """With nothing labelled the page says where to go; a zip is taken in, counted, estimated."""
    seen = open_tab(watch, width=390)
    page = seen.page
    page.wait_for_selector(".bs-fine-none")
    page.wait_for_selector(".bs-fine-time:text-is('Choose labels to learn from.')")
    assert page.locator(".bs-fine-steps li").count() == 3 and fits(page)
    page.click("text=My own sounds")
    files = [{"name": "Rain at home.zip", "mimeType": "application/zip", "buffer": own_sounds(3)}]
    page.set_input_files(".bs-fine-folder:visible input[type=file]", files)
    page.wait_for_selector(".bs-fine-folder:visible .bs-status:has-text('3 sounds, 3 captions')")
    page.wait_for_selector(".bs-fine-estimate:has-text('3 sounds of your folder')")
    assert fits(page)
    page.click(".bs-fine-steps button >> nth=0")
    assert page.get_by_role("tab", name="Vote").get_attribute("aria-selected") == "true"
    assert (seen.complaints, seen.foreign) == ([], [])


def own_sounds(count: int) -> bytes:
    """A zip of WAV files, each with its words beside it."""
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as bundle:
        for n in range(count):
            sound = io.BytesIO()
            with wave.open(sound, "wb") as out:
                out.setnchannels(1)
                out.setsampwidth(2)
                out.setframerate(16000)
                tone = 8000 * np.sin(np.arange(16000) * 0.05 * (n + 1))
                out.writeframes(tone.astype("<i2").tobytes())
            bundle.writestr(f"sounds/{n}.wav", sound.getvalue())
            bundle.writestr(f"sounds/{n}.txt", f"rain falls on roof number {n}")
    return packed.getvalue()


RUN = {
    "id": "a" * 32, "title": "Halted", "status": "failed", "progress": 0.5, "note": "",
    "recipe": "baton", "base": "embedded", "base_title": "Embedded", "steps": 400, "step": 231,
    "created_at": "2026-11-21T16:00:00+00:00", "adapter": None, "is_kept": False, "is_over": True,
    "simulated": True, "is_mine": True, "can_resume": True, "seconds_left": None,
    "error": "Memory ran out at step 231; the checkpoint of step 200 is kept.", "notices": [],
    "settings": {}, "seed": 1, "versions": {}, "data": {}, "took": {}, "dev": [], "samples": [],
    "losses": {"step": []}, "checkpoints": [150, 200], "log": ["<b>step 231</b>"], "model": None,
}  # fmt: skip


def test_a_crash_says_its_cause_and_goes_on_when_told(watch, studio):
    """From answers as the service gives them: its sentence, Resume, Stop, and a removal asked twice."""
    run, asked = dict(RUN), []
    seen = watch(query="&tab=generate")
    page = seen.page

    def answer(route) -> None:
        verb = route.request.url.rsplit("/", 1)[1]
        asked.append(verb)
        if verb == "resume":
            run.update(
                status="running", is_over=False, can_resume=False, error=None, note="step 201"
            )
        if verb == "stop":
            run.update(status="stopped", is_over=True, can_resume=True)
        listed = [] if "remove" in asked else [run]
        route.fulfill(json={"runs": listed} if verb == "finetune" else run)

    page.route(re.compile(r"/studio/finetune(/a{32}.*)?$"), answer)
    page.goto(f"{studio.address}?run={RUN['id']}")
    page.wait_for_selector("[role=alert]:has-text('Memory ran out at step 231')")
    assert (
        page.inner_text("baton-finetune .bs-bar-row .bs-badge") == "simulated listeners, not people"
    )
    page.click("text=The whole record")
    assert page.inner_text(".bs-fine-log") == "<b>step 231</b>"  # text stays text
    page.click("button:has-text('Resume')")
    page.click("baton-finetune .bs-stop:visible")
    page.wait_for_selector("baton-finetune .bs-status:has-text('Stopped · step 231 of 400')")
    page.click("text=Remove this run")
    assert "remove" not in asked
    page.click(".bs-fine-removal .bs-stop")
    page.wait_for_selector(".bs-fine-steps")
    assert asked.count("remove") == 1 and "run=" not in page.url


def test_a_link_from_reward_chooses_that_reward(watch, studio, campaign):
    """The one that the address names, not the newest; people's labels and simulated ones do not mix."""
    seen = watch(query="&tab=generate")
    page = seen.page
    reward = {"auc": {"value": 0.78}, "simulated": False}

    def answer(route) -> None:
        found = route.fetch().json()
        found["rewards"][:0] = [{**reward, "id": name, "title": f"Reward {name}"} for name in "xy"]
        found["campaigns"].append({**found["campaigns"][0], "id": "c" * 32, "simulated": True})
        route.fulfill(json=found)

    page.route(re.compile(r"/studio/finetune/sources$"), answer)
    page.goto(f"{studio.address}?tab=finetune&reward=y")
    page.wait_for_selector("#finetune select[aria-label=Reward] option >> nth=1", state="attached")
    assert page.input_value("#finetune select[aria-label=Reward]") == "y"
    assert page.locator(".bs-fine-choices input:checked").count() == 1
    page.click(".bs-fine-choices label:has-text('simulated')")
    page.wait_for_selector(".bs-fine-time:has-text('never mixed')")
    page.click("#finetune-button")
    assert "never mixed" in page.inner_text(".bs-fine-foot [role=alert]")
