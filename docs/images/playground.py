"""Draws the README's two pictures of the playground, with chromium and Playwright: python docs/images/playground.py."""

import shutil
from pathlib import Path
from tempfile import TemporaryDirectory

from playwright.sync_api import sync_playwright

from fivestep.playground import playground_html

SETTINGS = "{...defaultsOf('spirals'), hidden: [12, 8]}"  # fivestep playground spirals --hidden 12 8
NUM_STEPS = 500
IMAGES = Path(__file__).parent


def draw(page_file: Path) -> None:
    """The top of the page in light and dark, down to the last of the five lines."""
    with sync_playwright() as playwright:
        options = ["--no-sandbox", "--disable-gpu"]
        browser = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=options)
        for scheme, name in (("light", "playground.png"), ("dark", "playground-dark.png")):
            size = {"width": 1240, "height": 1100}
            page = browser.new_context(color_scheme=scheme, viewport=size).new_page()
            page.goto(page_file.as_uri())
            page.evaluate(f"playground.begin({SETTINGS})")
            step = "playground.training.step(); playground.training.look();"
            page.evaluate(f"playground.advance(() => {{ for (let k = 0; k < {NUM_STEPS}; k++) {{ {step} }} }})")
            end = page.evaluate("document.querySelector('#lines').getBoundingClientRect().bottom")
            page.screenshot(path=IMAGES / name, clip={"x": 0, "y": 0, "width": 1240, "height": end + 3})
        browser.close()


if __name__ == "__main__":
    with TemporaryDirectory() as folder:
        path = Path(folder) / "playground.html"
        path.write_text(playground_html(), encoding="utf-8")
        draw(path)
