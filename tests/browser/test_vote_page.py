"""What a voter does: listen, vote with keys, reload, go on; what is kept when the studio is gone. Slow."""

import pytest

from studio.services.campaigns.passphrases import hashed
from studio.store.store import Store
from tests.studio.small_campaign import small_campaign

pytestmark = pytest.mark.slow
SECONDS = 0.6  # of each sound: long enough for most of it to be missed


@pytest.fixture
def store(studio):
    """The studio's own store, opened beside it."""
    opened = Store(studio.folder)
    yield opened
    opened.close()


def begin(page, place: str = "1") -> None:
    """Read the first card, press Enter, and see the sounds."""
    page.wait_for_selector(".bs-vote-before")
    page.keyboard.press("Enter")
    page.wait_for_selector(f".bs-vote-count:has-text('{place} of')")


def hear(page, letters: str) -> None:
    """Play each sound to its end, by its key."""
    for letter in letters:
        page.keyboard.press(letter)
        page.wait_for_selector(f"[data-side={letter}] .bs-vote-heard.is-done")
        page.wait_for_selector(".bs-vote-transport .bs-play:not(.is-playing)")


def live(store, campaign) -> list:
    """The votes that count."""
    return store.votes.live_votes(campaign)


def test_votes_by_keys_reloads_in_the_middle_and_goes_on(watch, store):
    """Too early is told; heard, voted, taken back; a reload keeps all; then voted, revealed, on."""
    campaign = small_campaign(
        store, seconds=SECONDS, heard_share=0.8, aspects=["quality", "relevance"]
    )
    seen = watch(query=f"&campaign={campaign}")
    page = seen.page
    begin(page)
    assert not page.locator("#campaign-form").is_visible()  # invited: the sounds and no form
    page.keyboard.press("1")
    assert page.inner_text(".bs-vote-why").startswith("Listen first")
    hear(page, "ab")
    page.wait_for_selector(".bs-vote-why:has-text('which is better?')")
    page.keyboard.press("1")
    page.wait_for_selector(".bs-vote-stored:has-text('A better')")
    assert [vote.outcome for vote in live(store, campaign)] == ["a"]
    page.keyboard.press("u")
    page.wait_for_selector("[data-outcome=a]")
    assert live(store, campaign) == []
    page.click(".bs-vote-more summary")
    page.click("[data-aspect=quality][data-value=b]")
    prompt = page.inner_text(".bs-vote-prompt")
    page.reload()
    page.wait_for_selector("[data-aspect=quality][data-value=b][aria-pressed=true]")
    assert page.inner_text(".bs-vote-prompt") == prompt
    assert page.locator(".bs-vote-heard.is-done").count() == 2
    page.keyboard.press("2")
    page.wait_for_selector(".bs-vote-stored:has-text('B better')")
    page.keyboard.press("r")
    page.wait_for_selector(".bs-vote-name:has-text('System s')")
    page.keyboard.press("u")  # locked: nothing happens
    page.keyboard.press("Enter")
    page.wait_for_selector(".bs-vote-count:has-text('2 of')")
    page.keyboard.press("0")
    page.wait_for_selector(".bs-vote-stored:has-text('Skip')")
    first = next(vote for vote in live(store, campaign) if vote.outcome == "b")
    assert first.aspects == {"quality": "b"}
    assert min(first.heard) >= 480 and first.first_played == 0
    assert (seen.complaints, seen.foreign) == ([], [])


def test_labels_scores_and_numbers_by_keys_with_drafts(watch, store):
    """Five labels; two aspects in half steps; 0 to 100 with a reload in the middle: each is stored."""
    common = {"seconds": 0.2, "prompts": 2}
    labels = small_campaign(store, "integrity", 1, takes=5, **common)
    scores = small_campaign(store, "mos", 2, half_steps=True, **common)
    numbers = small_campaign(store, "ovl_rel", 2, **common)
    seen = watch(query=f"&campaign={labels}")
    page, home = seen.page, seen.page.url.split("?")[0]
    begin(page)
    for key in ("1", "Enter", "0", "Enter", "u", "Enter", "1", "Enter", "1", "Enter"):
        page.keyboard.press(key)
    page.wait_for_selector(".bs-vote-stored:has-text('5 judgements')")
    assert [value for _, _, value in live(store, labels)[0].scores] == [1, 0, None, 1, 1]

    page.goto(f"{home}?campaign={scores}")
    begin(page)
    for key in ("4", "Enter", "3", ".", "Enter", "5", "Enter", "2", "Enter"):
        page.keyboard.press(key)
    page.wait_for_selector(".bs-vote-stored:has-text('4 judgements')")
    assert [value for _, _, value in live(store, scores)[0].scores] == [4, 3.5, 5, 2]

    page.goto(f"{home}?campaign={numbers}")
    begin(page)
    for key in ("7", "5", "Enter", "9", "0"):
        page.keyboard.press(key)
    page.wait_for_selector(".bs-vote-saved:has-text('saved')")
    page.reload()
    page.wait_for_selector(".bs-vote-why:has-text('2 of 4 still to judge')")
    assert page.locator(".bs-vote-number").first.input_value() == "75"
    page.locator(".bs-vote-number").nth(2).fill("101")
    assert page.locator(".bs-vote-number").nth(2).get_attribute("aria-invalid") == "true"
    page.locator(".bs-vote-number").nth(2).fill("0")
    page.locator(".bs-vote-number").nth(3).fill("33")
    page.keyboard.press("Control+Enter")
    page.wait_for_selector(".bs-vote-stored:has-text('4 judgements')")
    assert [value for _, _, value in live(store, numbers)[0].scores] == [75, 90, 0, 33]
    assert (seen.complaints, seen.foreign) == ([], [])


def test_a_vote_waits_in_the_browser_while_the_studio_is_gone(watch, studio, store):
    """Told as not stored, sent when the studio is back; and by the next page when this one is closed."""
    campaign = small_campaign(store, seconds=0.2)
    page = watch(query=f"&campaign={campaign}").page
    begin(page)
    studio.close()
    page.keyboard.press("1")
    page.wait_for_selector(".bs-vote-why.is-wrong:has-text('Not stored yet')")
    assert live(store, campaign) == []
    studio.open()
    page.evaluate("document.querySelector('.bs-vote-why button')?.click()")  # Try now; or it has
    page.wait_for_selector(".bs-vote-stored:has-text('A better')")
    assert len(live(store, campaign)) == 1
    page.keyboard.press("Enter")
    page.wait_for_selector(".bs-vote-count:has-text('2 of')")
    studio.close()
    page.keyboard.press("2")
    page.wait_for_selector(".bs-vote-why.is-wrong:has-text('Not stored yet')")
    page.goto("about:blank")
    studio.open()
    page.goto(f"{studio.address}?campaign={campaign}")
    page.wait_for_selector("text=The vote that was waiting is stored now.")
    page.wait_for_selector(".bs-vote-count:has-text('3 of')")
    assert sorted(vote.outcome for vote in live(store, campaign)) == ["a", "b"]


def test_a_campaign_is_made_invited_to_closed_and_forgotten(watch, store):
    """The form makes one; its link, its passphrase; votes on it are deleted when the voter says so."""
    seen = watch()
    page = seen.page
    page.get_by_role("tab", name="Vote").click()
    page.click("#campaign-form > button")
    page.fill("#campaign-title input, #campaign-title textarea", "Sines ${alert(1)} <b>")
    page.fill("#campaign-prompts textarea", "a dog barks\nrain falls")
    page.click("#campaign-who >> text=With a passphrase")
    page.fill("#campaign-seconds input[type=number]", "1")
    page.click("#campaign-judging > button")  # an empty number would be 0 from then on
    page.click("#campaign-button")
    page.wait_for_selector("text=needs one; give at least 4 characters")
    page.fill("#campaign-passphrase input", "open sesame")
    page.click("#campaign-button")
    page.wait_for_selector(".bs-vote-phrase")  # made, open, and asking
    page.wait_for_selector("#campaign-button", state="hidden")  # the form is folded away
    assert page.inner_text(".bs-vote-title h2") == "Sines ${alert(1)} <b>"
    page.fill(".bs-vote-phrase", "open barley")
    page.keyboard.press("Enter")
    page.wait_for_selector(".bs-vote-wrong:has-text('passphrase')")
    page.fill(".bs-vote-phrase", "open sesame")
    page.keyboard.press("Enter")
    page.wait_for_selector(".bs-vote-strip")
    page.keyboard.press("0")
    page.wait_for_selector(".bs-vote-stored")
    page.wait_for_selector(".bs-vote-list [aria-current] >> text=1 of")
    [found] = store.campaigns.latest()
    page.click("[data-view=data]")
    assert "view=data" in page.url
    assert page.input_value(".bs-vote-address").endswith(f"?campaign={found.id}")
    page.wait_for_selector(".bs-vote-backup:has-text('Votes live in')")
    page.click("text=Delete my votes")
    page.click(".bs-stop:has-text('Delete')")
    page.wait_for_selector(".bs-note")
    assert live(store, found.id) == []
    page.click("text=Close the campaign")
    page.wait_for_selector(".bs-vote-title .bs-status:has-text('closed')")
    page.click("[data-view=vote]")
    page.wait_for_selector("text=This campaign is closed.")
    page.click("[data-view=data]")
    page.click("text=Remove the campaign")
    page.click(".bs-stop:has-text('Remove')")
    page.wait_for_selector("text=No campaign is in view.")
    page.wait_for_selector(".bs-vote-list .bs-empty")
    assert "campaign=" not in page.url
    assert seen.foreign == []


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_a_phone_votes_without_sideways_scrolling(watch, store, theme):
    """At 390 px nothing is wider than the screen, the verdict is in reach, and fingers find it."""
    pair = small_campaign(store, seconds=0.2, aspects=["quality"])
    numbers = small_campaign(store, "ovl_rel", 4, seconds=0.2)
    page = watch(width=390, theme=theme, query=f"&campaign={pair}").page
    begin(page)
    for campaign in (None, numbers):
        if campaign:
            page.goto(f"{page.url.split('?')[0]}?__theme={theme}&campaign={campaign}")
            begin(page)
        assert page.evaluate("document.documentElement.scrollWidth") <= 390
        foot = page.locator(".bs-vote-foot").bounding_box()
        assert foot["y"] + foot["height"] <= 901
        for button in page.locator(".bs-vote-stage button:visible").all():
            box = button.bounding_box()
            assert box["height"] >= 44 or "bs-vote-small" in button.get_attribute("class")


def test_a_wrong_link_and_a_missing_sound_are_told(watch, store):
    """No such campaign: a sentence in the middle; a sound that does not come: told, and tried again."""
    campaign = small_campaign(
        store, seconds=0.2, who="passphrase", passphrase=hashed("open sesame"), is_listed=False
    )
    page = watch(query="&campaign=" + "0" * 32).page
    page.wait_for_selector("[role=alert] >> text=There is no such campaign here")
    page.click("text=All campaigns")
    page.wait_for_selector("baton-campaigns h2")
    page.goto(f"{page.url.split('?')[0]}?campaign={campaign}")
    page.wait_for_selector(".bs-vote-phrase")
    page.route("**/*.wav", lambda route: route.abort())
    page.fill(".bs-vote-phrase", "open sesame")
    page.keyboard.press("Enter")
    page.wait_for_selector("text=Press play to try again.")
    page.unroute("**/*.wav")
    page.keyboard.press("Space")
    page.wait_for_selector(".bs-vote-heard.is-done >> nth=0")


def test_what_was_heard_is_counted_on_the_clock(watch):
    """Worked: spans join, repeats count once, a loop counts its inside, the last tenth is given."""
    page = watch().page
    found = page.evaluate(
        """async () => {
          const { Ear, Heard } = await import("/studio/components/heard.js");
          const one = new Heard([[0, 1], [3, 4]]);
          one.add(0.5, 1.5);  // 1.5 s and 1 s
          const before = one.msOf(4);
          one.add(1.49, 3.01);
          const all = one.msOf(4.05);
          const spans = [];
          const ear = new Ear((...span) => spans.push(span));
          const context = { currentTime: 10, outputLatency: 0 };
          const run = { started: 10, loop: { start: 1, end: 2 } };
          const transport = { context, run, side: "b", seconds: 4, isPlaying: true, positionAt: () => 1.5 };
          ear.look(transport);
          context.currentTime = 11.2;  // half a second to the loop's end, then 0.7 s from its start
          ear.look(transport);
          return { before, all, spans: spans.map(([side, ...s]) => [side, ...s.map((x) => +x.toFixed(3))]) };
        }"""
    )
    assert found == {"before": 2500, "all": 4050, "spans": [["b", 1.5, 2], ["b", 1, 1.7]]}
