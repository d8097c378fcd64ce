"""What a person does in a browser: open, generate, replay from history, stop. Slow: a real page."""

import re
import urllib.request

import pytest

from studio.config import Config
from studio.services.services import Services
from studio.visitors import HERE
from tests.studio.judged import BandEngines, labelled

pytestmark = pytest.mark.slow


def test_generate_hear_and_come_back_after_a_restart(watch, studio):
    """Four cards with player, picture, score and verdicts; all still there after a restart."""
    seen = watch()
    seen.generate("a dog barks then rain falls")
    assert seen.finish() == "4 of 4 sounds, made and scored."
    page = seen.page
    assert page.locator(".bs-card").count() == 4
    page.wait_for_function("() => document.querySelectorAll('.bs-picture.is-drawn').length === 4")
    first = page.locator(".bs-card").first
    assert re.search(r"best\s+CLAP 0\.\d{3}\s+all there\s+in order", first.inner_text())
    assert "Simulated listener: Dog 0.0–5.0 s · Rain 5.0–10.0 s" in first.inner_text()
    seed = page.input_value("#seed input")
    seeds = sorted(int(n) for n in page.locator(".bs-facts div:first-child dd").all_inner_texts())
    assert seeds == [int(seed) + i for i in range(4)]
    first.locator(".bs-play").click()
    assert seen.plays()
    assert (seen.complaints, seen.foreign) == ([], [])

    studio.close()
    studio.open()
    later = watch()
    later.page.wait_for_selector(".bs-run")
    later.page.wait_for_function("() => document.querySelectorAll('.bs-card').length === 4")
    later.page.click(".bs-run .bs-play")
    later.page.wait_for_selector(".bs-run .bs-play.is-playing")
    later.page.click(".bs-open")
    later.page.locator(".bs-card .bs-play").first.click()
    assert later.plays()
    assert (later.complaints, later.foreign) == ([], [])


def test_a_stop_stops_and_keeps_what_is_made(watch, studio):
    """Stop during a long run: the bar says so, finished sounds stay, a reload changes nothing."""
    studio.hold()
    seen = watch()
    seen.generate("a dog barks")
    seen.page.wait_for_selector(".bs-card:not(.bs-waiting)")
    assert seen.page.locator(".bs-waiting").count() == 3
    seen.page.click(".bs-stop")
    assert seen.finish() == "Stopped, with 1 of 4 sounds."
    seen.page.reload()
    seen.page.wait_for_selector(".bs-card")
    assert seen.finish().startswith("Stopped")


def test_a_run_goes_on_while_the_page_is_reloaded(watch, studio):
    """The work is not the request's: after a reload the same run is followed to its end."""
    studio.hold()
    seen = watch()
    seen.page.fill("#count input[type=number]", "8")
    seen.page.press("#count input[type=number]", "Tab")
    seen.generate("a dog barks")
    seen.page.wait_for_selector(".bs-card:not(.bs-waiting)")
    seen.page.reload()
    seen.page.wait_for_selector(".bs-card:not(.bs-waiting)")
    studio.let_go()
    assert seen.finish() == "8 of 8 sounds, made and scored."


def test_a_reward_model_of_one_s_own_ranks(watch, studio):
    """Chosen in the form, the best first by it, named with whom it learned from; both at a share."""
    studio.close()
    studio.bands = True
    beside = Services(config := Config(data=studio.folder), BandEngines(config))
    campaign = labelled(beside.store, voters_are="simulated", title="Low sines")
    asked = {"campaigns": [campaign], "settings": {"preset": "paper", "epochs": 6, "seed": 1}}
    beside.reward.train_now(HERE, lambda *_: None, **asked)
    beside.close()
    studio.open()
    seen = watch()
    page = seen.page
    page.click("#ranking > button")
    page.click("#ranker input")
    page.click("text=Reward of Low sines (integrity, simulated listeners)")
    page.wait_for_selector("#ranker-share input[type=number]")
    seen.generate("a dog barks")
    assert seen.finish() == "4 of 4 sounds, made and scored."
    told = "Ranked by the reward model “Reward of Low sines”"
    taught = "Learned from: integrity judged by simulated listeners."
    assert page.inner_text(".bs-ranked") == f"{told}. {taught}"
    rewards = [float(said) for said in re.findall(r"reward (\d\.\d+)", page.inner_text(".bs-grid"))]
    assert len(rewards) == 4 and rewards == sorted(rewards, reverse=True)
    assert re.match(r"best\s+reward", page.locator(".bs-card").first.inner_text())
    page.fill("#ranker-share input[type=number]", "0.5")
    page.press("#ranker-share input[type=number]", "Tab")
    seen.generate("a dog barks")
    page.wait_for_selector(f"text={told} at 0.50, with CLAP at 0.50.")
    seen.finish()
    both = [float(said) for said in re.findall(r"both (\d\.\d+)", page.inner_text(".bs-grid"))]
    assert len(both) == 4 and both == sorted(both, reverse=True)
    page.wait_for_function("() => document.querySelectorAll('.bs-run').length === 2")
    assert page.locator(".bs-run-facts").first.inner_text().startswith("4 sounds · best score ")
    assert (seen.complaints, seen.foreign) == ([], [])


def test_words_from_people_are_never_code(watch):
    """A prompt of markup and template signs is shown letter by letter."""
    words = "<img src=x onerror=alert(1)> ${alert(2)} {{3}} a dog"
    seen = watch()
    seen.page.on("dialog", lambda box: seen.complaints.append(box.message))
    seen.generate(words)
    seen.finish()
    assert seen.page.inner_text(".bs-bar h2") == words
    assert seen.page.inner_text(".bs-run-title") == words
    assert seen.complaints == []


def test_faults_are_told_where_one_looks(watch):
    """An empty prompt is answered with the sentence, and nothing is run."""
    seen = watch()
    seen.page.click("#generate-button")
    seen.page.wait_for_selector("text=The prompt is empty; describe a sound")
    assert seen.page.locator(".bs-run").count() == 0


@pytest.mark.parametrize(
    ("gone", "said"),
    [
        ("**/sound.wav", "A sound could not be read; it may have been deleted"),
        (re.compile(r"/sound\.wav|/studio/state"), "The studio does not answer"),
    ],
)
def test_sounds_that_do_not_come_are_explained_once(watch, gone, said):
    """Four sounds are lost: one message, and it tells a lost sound from a lost studio."""
    seen = watch()
    seen.page.wait_for_selector("text=model ready")
    seen.page.route(gone, lambda route: route.abort())
    seen.generate("a dog barks")
    seen.finish()
    seen.page.wait_for_selector(f"text={said}")
    assert [note[: len(said)] for note in seen.page.locator(".bs-wrong").all_inner_texts()] == [
        said
    ]


def test_a_sound_that_did_not_come_is_tried_again(watch):
    """Four sounds are lost; once they are there again, play plays, without a reload."""
    seen = watch()
    seen.page.route("**/sound.wav", lambda route: route.abort())
    seen.generate("a dog barks")
    seen.finish()
    seen.page.wait_for_selector("text=Press play to try again.")
    seen.page.unroute("**/sound.wav")
    seen.page.locator(".bs-card .bs-play").first.click()
    assert seen.plays()


def test_what_can_be_done_with_a_card(watch):
    """Favourite, same again, vary, use settings, download: each does what it says."""
    seen = watch()
    seen.generate("a dog barks")
    seen.finish()
    page = seen.page
    card = page.locator(".bs-card").nth(1)
    seed = card.locator(".bs-facts div:first-child dd").inner_text()
    card.locator(".bs-heart").click()
    page.wait_for_selector('.bs-heart[aria-pressed="true"]')
    with page.expect_download() as got:
        card.locator("text=FLAC").click()
    assert re.fullmatch(r"baton-[0-9a-f]{20}\.flac", got.value.suggested_filename)
    card.locator("text=Reuse").click()
    page.wait_for_function(
        f"() => document.querySelector('#seed input').value === '{seed}'"
        " && document.querySelector('#pinned input').checked"
    )
    card.locator("text=Same again").click()
    page.wait_for_selector("text=byte for byte")
    page.wait_for_selector(".bs-bar.is-over")
    page.locator(".bs-card").first.locator("text=Vary").click()
    page.wait_for_function("() => document.querySelectorAll('.bs-run').length === 3")
    seen.finish()
    page.click("text=Favourites")
    page.wait_for_function("() => document.querySelectorAll('.bs-card').length === 1")
    assert seen.complaints == []


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_a_phone_shows_everything_without_sideways_scrolling(watch, theme):
    """At 390 px nothing is wider than the screen, before and after a run."""
    seen = watch(width=390, theme=theme)
    assert seen.page.evaluate("document.documentElement.scrollWidth") <= 390
    seen.generate("a dog barks then rain falls")
    seen.finish()
    seen.page.wait_for_selector(".bs-picture.is-drawn")
    assert seen.page.evaluate("document.documentElement.scrollWidth") <= 390
    wide = seen.page.evaluate(
        "() => [...document.querySelectorAll('.bs-card *')].filter((e) => !e.closest('svg')"
        " && e.getBoundingClientRect().right > 391).map((e) => e.className)"
    )
    assert wide == []
    assert seen.page.evaluate("document.body.classList.contains('dark')") is (theme == "dark")


def test_nothing_jumps_when_the_sounds_arrive(watch):
    """The layout shift that the browser measures stays under 0.1 until the cards are ranked.

    (Then they glide to their places, which is not a jump but counts as one.)
    """
    seen = watch()
    seen.page.evaluate(
        "() => { window.shift = 0; new PerformanceObserver((list) => list.getEntries().forEach("
        "(e) => { if (!document.querySelector('.bs-bar.is-over')) window.shift += e.value; }))"
        ".observe({type: 'layout-shift'}); }"
    )
    seen.generate("a dog barks then rain falls")
    seen.finish()
    seen.page.wait_for_function("() => document.querySelectorAll('.is-drawn').length === 4")
    assert seen.page.evaluate("window.shift") < 0.1


def test_the_named_endpoint_answers_programs(studio):
    """`/generate` through Gradio's own client: candidates with scores, and where their sound is."""
    from gradio_client import Client
    from gradio_client.exceptions import AppError

    client = Client(studio.address, verbose=False)
    run = client.predict("a dog barks then rain falls", 2, 1.0, seed=3, api_name="/generate")
    assert [card["settings"]["seed"] for card in run["cards"]] == [3, 4]
    assert run["cards"][0]["hearing"]["order"] is True
    with urllib.request.urlopen(studio.address.rstrip("/") + run["cards"][0]["sound"]) as answer:
        assert answer.read(4) == b"RIFF"
    with pytest.raises(AppError, match="The prompt is empty"):
        client.predict("", api_name="/generate")
    client.close()
