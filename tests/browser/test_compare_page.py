"""What a person does in Compare: two sides, one player, keys, links, reloads. Slow: a real page."""

import re
import urllib.request

import pytest

pytestmark = pytest.mark.slow
BATCH = "a dog barks then rain falls\nrain falls\na dog barks"


def clock(page) -> float:
    """The position that the player shows, in seconds."""
    return float(page.inner_text(".bs-ab-lane .bs-clock").split(" / ")[0])


def pressed(page) -> list[str]:
    """The sides that are switched on."""
    return page.locator('.bs-switch [aria-pressed="true"]').all_inner_texts()


def test_compare_play_turn_and_loop(watch):
    """One pair: pictures, table, play, turn over by button and key, loop by keys and by pointer."""
    seen = watch()
    page = seen.page
    seen.compare("a dog barks then rain falls")
    assert seen.compared() == "1 of 1 pair, made and scored."
    seen.see_drawn()
    assert re.search(r"[?&]compare=[0-9a-f]{32}&pair=0$", page.url)
    assert page.locator(".bs-scores tbody tr").count() == 4
    levels, apart = page.locator(".bs-scale").all_inner_texts()
    assert re.fullmatch(r"−\d+\s*−?\d+ dBFS\s*for A and B alike", levels)
    assert re.fullmatch(r"−(\d+)\s*\+\1 dB\s*", apart)
    page.click(".bs-transport .bs-play")
    page.wait_for_function(
        "() => parseFloat(document.querySelector('.bs-ab-lane .bs-clock').textContent) > 0.2"
    )
    assert pressed(page) == ["A"]
    page.click(".bs-side-b")
    assert pressed(page) == ["B"]
    assert page.locator(".bs-half-b.is-heard").count() == 1
    page.keyboard.press("x")
    assert pressed(page) == ["A"]
    page.keyboard.press("b")
    assert "B is heard" in page.locator(".bs-stand .bs-unseen[aria-live]").inner_text()

    page.keyboard.press("[")
    page.wait_for_selector('.bs-loop[aria-pressed="true"]')
    assert page.locator(".bs-region.is-on").count() == 4  # the lane, A, B, their difference
    page.keyboard.press("Escape")
    page.wait_for_selector('.bs-loop[aria-pressed="false"]')
    box = page.locator(".bs-half-a .bs-axis").bounding_box()
    page.mouse.move(box["x"] + box["width"] * 0.3, box["y"] + 20)
    page.mouse.down()
    page.mouse.move(box["x"] + box["width"] * 0.35, box["y"] + 20, steps=4)
    page.mouse.up()
    page.wait_for_selector('.bs-loop[aria-pressed="true"]')
    start, end = (page.locator(f'.bs-ab-lane [data-end="{end}"]') for end in ("start", "end"))
    assert float(start.get_attribute("aria-valuenow")) == pytest.approx(3.0, abs=0.1)
    assert float(end.get_attribute("aria-valuenow")) == pytest.approx(3.5, abs=0.1)
    end.focus()
    page.keyboard.press("ArrowRight")
    page.wait_for_function(
        "() => Number(document.querySelector('.bs-ab-lane [data-end=end]')"
        ".getAttribute('aria-valuenow')) > 3.55"
    )
    for _ in range(5):
        page.wait_for_timeout(150)
        assert 2.8 < clock(page) < 3.8
    page.click(".bs-half-b .bs-axis", position={"x": box["width"] * 0.8, "y": 30})
    page.wait_for_selector('.bs-loop[aria-pressed="false"]')
    assert clock(page) > 7.5
    assert (seen.complaints, seen.foreign) == ([], [])


def test_keys_do_not_fire_where_one_writes(watch):
    """Letters go into the prompt; space presses the button in focus; keys can be switched off."""
    seen = watch()
    page = seen.page
    seen.compare("a dog barks")
    seen.compared()
    page.focus("#compare-prompts textarea")
    page.keyboard.type(" b x")
    assert pressed(page) == ["A"]
    page.focus(".bs-side-b")
    page.keyboard.press("Space")
    assert pressed(page) == ["B"]
    assert page.get_attribute(".bs-transport .bs-play", "aria-label") == "Play"
    page.uncheck(".bs-keys input")
    page.keyboard.press("a")
    assert pressed(page) == ["B"]
    page.check(".bs-keys input")
    page.keyboard.press("a")
    assert pressed(page) == ["A"]


def test_a_batch_is_listened_through_and_summed_up(watch):
    """Three pairs: sorted by difference, J goes on while it plays, the address follows."""
    seen = watch()
    page = seen.page
    seen.compare(BATCH)
    assert seen.compared() == "3 of 3 pairs, made and scored."
    assert page.locator(".bs-measure").count() >= 1
    assert re.match(
        r"A 100 %, B 100 %\. B better 0, A better 0, equal 1|A \d\.\d{3}, B \d\.\d{3}\. B better",
        page.locator(".bs-counts").first.inner_text(),
    )
    assert page.locator(".bs-pairs li").count() == 3
    reached = page.locator(".bs-distance i").evaluate_all("all => all.map((i) => i.clientWidth)")
    assert reached == sorted(reached, reverse=True)
    page.locator(".bs-pairs button").first.click()
    first = page.url
    page.click(".bs-transport .bs-play")
    page.wait_for_selector(".bs-transport .bs-play.is-playing")
    page.keyboard.press("j")
    page.wait_for_function("(url) => location.href !== url", arg=first)
    page.wait_for_selector(".bs-transport .bs-play.is-playing")
    page.keyboard.press("k")
    page.wait_for_function("(url) => location.href === url", arg=first)
    page.keyboard.press("k")  # before the first comes the last
    page.wait_for_selector('.bs-pairs li:last-child [aria-current="true"]')
    page.keyboard.press("j")
    page.wait_for_function("(url) => location.href === url", arg=first)
    page.select_option(".bs-listen select", "asked")
    assert [text.split("\n")[1] for text in page.locator(".bs-pairs li").all_inner_texts()] == (
        BATCH.splitlines()
    )
    assert seen.complaints == []


def test_a_link_opens_the_pair_for_another_visitor(watch, browser, studio):
    """The address opened elsewhere shows the same tab, comparison and pair; a wrong one says so."""
    seen = watch()
    seen.compare(BATCH)
    seen.compared()
    seen.page.locator('.bs-pairs [data-place="1"] button').click()
    query = "&" + seen.page.url.split("?")[1].split("&", 1)[1]
    assert query.endswith("&pair=1")
    other = watch(query=query)
    other.page.wait_for_selector(".bs-stand .bs-prompt >> text=rain falls")
    assert other.page.inner_text(".bs-stand .bs-prompt") == "rain falls"
    assert other.page.locator('.bs-pairs [aria-current="true"]').count() == 1
    lost = watch(query="&compare=" + "0" * 32)
    lost.page.wait_for_selector("text=This comparison cannot be shown.")


def test_a_comparison_goes_on_while_the_page_is_reloaded(watch, studio):
    """The work is not the request's; after a reload the same tab follows it to its end."""
    studio.hold()  # else a busy browser may see nothing of it before it is over
    seen = watch()
    seen.compare(BATCH)
    seen.page.wait_for_selector(".bs-stand:not([hidden]) .bs-prompt")
    assert seen.page.locator("baton-bench .bs-bar.is-over").count() == 0
    seen.page.reload()
    seen.page.wait_for_selector(".bs-stand:not([hidden]) .bs-prompt")
    studio.let_go()
    assert seen.compared() == "3 of 3 pairs, made and scored."


def test_faults_are_told_and_the_same_twice_is_refused(watch):
    """No prompt, and two sides that are one: each is a sentence, and nothing is run."""
    seen = watch()
    seen.compare("")
    seen.page.wait_for_selector("text=The prompt is empty; describe a sound")
    seen.page.click("#model-b input")
    seen.page.get_by_role("option", name="Sine", exact=True).click()
    seen.compare("a dog barks", guidance=4.5)  # what the model's own is
    seen.page.wait_for_selector("text=A and B are the same")
    assert seen.page.locator("baton-comparisons .bs-run").count() == 0


def test_the_named_endpoint_answers_programs(studio):
    """`/compare` through Gradio's own client: pairs with scores and sounds, and the summary."""
    from gradio_client import Client
    from gradio_client.exceptions import AppError

    client = Client(studio.address, verbose=False)
    found = client.predict(BATCH, seconds=1.0, guidance_b=2.0, seed=3, api_name="/compare")
    assert [pair["seed"] for pair in found["pairs"]] == [3, 4, 5]
    assert [found["request"][side]["guidance"] for side in "ab"] == [4.5, 2.0]
    assert found["summary"]["measures"][0]["difference"]["count"] == 3
    sound = studio.address.rstrip("/") + found["pairs"][2]["b"]["sound"]
    with urllib.request.urlopen(sound) as answer:
        assert answer.read(4) == b"RIFF"
    with pytest.raises(AppError, match="A and B are the same"):
        client.predict("a dog", "embedded", "embedded", api_name="/compare")
    client.close()


def test_a_prompt_set_fills_the_field_until_it_is_changed(watch):
    """Its prompts stand in the field; once one of them is changed it is no longer the set."""
    page = watch().page
    page.get_by_role("tab", name="Compare").click()
    page.click("#prompt-set input")
    page.get_by_role("option", name="Two events together").click()
    page.wait_for_function(
        "() => document.querySelector('#compare-prompts textarea').value.split('\\n').length === 12"
    )
    assert page.input_value("#prompt-set input").startswith("Two events together")
    page.focus("#compare-prompts textarea")
    page.keyboard.type("x")
    page.wait_for_function("() => document.querySelector('#prompt-set input').value === 'Your own'")


def test_a_sound_that_did_not_come_is_tried_again(watch):
    """The first play says what is missing; the next one, with the sounds there again, plays."""
    seen = watch()
    page = seen.page
    page.route("**/sound.wav", lambda route: route.abort())
    seen.compare("a dog barks")
    seen.compared()
    page.click(".bs-transport .bs-play")
    page.wait_for_selector("text=Press play to try again.")
    page.unroute("**/sound.wav")
    page.click(".bs-transport .bs-play")
    page.wait_for_selector(".bs-transport .bs-play.is-playing")


def test_a_comparison_fills_the_form_again(watch):
    """Reuse brings back prompts, seed (pinned) and the settings of both sides."""
    seen = watch()
    page = seen.page
    seen.compare("a dog barks\nrain falls")
    seen.compared()
    seed = page.input_value("#compare-seed input")
    page.fill("#compare-prompts textarea", "something else")
    page.fill("#guidance-b input[type=number]", "7")
    page.press("#guidance-b input[type=number]", "Tab")
    page.click("baton-bench >> text=Reuse")
    page.wait_for_function(
        "() => document.querySelector('#compare-prompts textarea').value.startsWith('a dog')"
    )
    assert page.input_value("#compare-prompts textarea") == "a dog barks\nrain falls"
    # The fields are filled one after the other.
    page.wait_for_function("() => document.querySelector('#guidance-b input').value === '2'")
    page.wait_for_function("() => document.querySelector('#compare-pinned input').checked")
    assert page.input_value("#compare-seed input") == seed


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_a_phone_compares_without_sideways_scrolling(watch, theme):
    """At 390 px nothing is wider than the screen, and the transport stays in sight below it."""
    seen = watch(width=390, theme=theme)
    page = seen.page
    seen.compare(BATCH)
    seen.compared()
    seen.see_drawn()
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    page.evaluate("document.querySelector('.bs-table').scrollIntoView({block: 'end'})")
    box = page.locator(".bs-transport").bounding_box()
    assert 0 <= box["y"] < 100


def test_nothing_jumps_while_the_pairs_arrive(watch):
    """The layout shift that the browser measures stays under 0.1 from the press to the end."""
    seen = watch()
    page = seen.page
    seen.compare("a dog barks")
    seen.compared()
    seen.see_drawn()
    page.fill("#compare-prompts textarea", BATCH)
    page.wait_for_timeout(500)
    page.evaluate(
        "() => { window.shift = 0; new PerformanceObserver((list) => list.getEntries().forEach("
        "(e) => { window.shift += e.value; })).observe({type: 'layout-shift'}); }"
    )
    page.press("#compare-prompts textarea", "Control+Enter")
    page.wait_for_selector("baton-bench .bs-bar:not(.is-over)")
    seen.compared()
    page.wait_for_selector(".bs-measure")
    assert page.evaluate("window.shift") < 0.1
