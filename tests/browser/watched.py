"""A page of the studio, with all that it asked for and complained of."""

WAIT = 60_000  # ms


class Watched:
    """A page together with all that it asked for and complained of."""

    def __init__(
        self, browser, studio, *, width: int = 1440, theme: str = "light", query: str = ""
    ) -> None:
        self.context = browser.new_context(viewport={"width": width, "height": 900})
        self.context.set_default_timeout(WAIT)
        self.page = self.context.new_page()
        self.complaints: list[str] = []
        self.foreign: list[str] = []
        self.page.on("pageerror", lambda error: self.complaints.append(str(error)))
        self.page.on(
            "console", lambda line: line.type == "error" and self.complaints.append(line.text)
        )
        self.page.on("request", lambda request: self._note(request.url, studio.address))
        self.page.goto(f"{studio.address}?__theme={theme}{query}")
        if not query:
            self.page.wait_for_selector("#generate-button")
            self.page.wait_for_selector("baton-history h2")

    def close(self) -> None:
        """Leave the page; answers that a test made up and that are under way are let go."""
        self.page.unroute_all(behavior="ignoreErrors")
        self.context.close()

    def _note(self, url: str, home: str) -> None:
        if not url.startswith((home, "data:", "blob:")):
            self.foreign.append(url)

    def generate(self, words: str) -> None:
        """Type and press Ctrl + Enter."""
        self.page.fill("#prompt textarea", words)
        self.page.press("#prompt textarea", "Control+Enter")

    def finish(self) -> str:
        """Wait until the run is over; how it ended."""
        self.page.wait_for_selector("baton-deck .bs-bar.is-over")
        return self.page.inner_text("baton-deck .bs-status")

    def plays(self) -> bool:
        """Whether a sound moves within its length."""
        self.page.wait_for_function(
            "() => [...document.querySelectorAll('.bs-seek')].some((s) => Number(s.value) > 0.05)"
        )
        return True

    def compare(self, prompts: str, *, guidance: float | None = 2.0) -> None:
        """Open the tab, type, let B differ in its guidance, press Ctrl + Enter."""
        self.page.get_by_role("tab", name="Compare").click()
        self.page.wait_for_selector("baton-bench h2")
        self.page.fill("#compare-prompts textarea", prompts)
        if guidance is not None:
            if not self.page.locator("#guidance-b input[type=number]").is_visible():
                self.page.click("#compare-making > button")
                self.page.wait_for_timeout(300)  # when first shown, a slider is set once more
            field = "#guidance-b input[type=number]"
            for _ in range(20):  # until it stays
                self.page.fill(field, str(guidance))
                self.page.press(field, "Tab")
                self.page.wait_for_timeout(200)
                if float(self.page.input_value(field)) == guidance:
                    break
        self.page.press("#compare-prompts textarea", "Control+Enter")

    def compared(self) -> str:
        """Wait until the comparison is over; how it ended."""
        self.page.wait_for_selector("baton-bench .bs-bar.is-over")
        return self.page.inner_text("baton-bench .bs-bar .bs-status")

    def see_drawn(self) -> None:
        """Wait until the pictures of the pair in view are drawn."""
        self.page.wait_for_function(
            "() => document.querySelectorAll('.bs-half .bs-picture.is-drawn').length === 2"
        )
