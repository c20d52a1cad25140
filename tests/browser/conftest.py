"""A real Chromium for the tests of the screen; where there is none, they skip and say why.

pytest -n 0 tests/browser --screens docs/screens      also writes pictures of every state
"""

from __future__ import annotations

import shutil
import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))
pytest.register_assert_rewrite("looking")

from looking import resized  # noqa: E402 - lies where the lines above point


def pytest_addoption(parser):
    parser.addoption("--screens", metavar="DIR", help="write screenshots of every state of the page here")


@pytest.fixture
def screens(request):
    """Where screenshots go; None: nowhere."""
    folder = request.config.getoption("--screens", default=None)
    return Path(folder) if folder else None


@pytest.fixture(scope="module")
def chromium():
    """A browser for one file of tests: its event loop must be gone before another file's asyncio."""
    playwright = pytest.importorskip("playwright.sync_api", reason="playwright is not installed (extra dev)")
    path = shutil.which("chromium") or shutil.which("chromium-browser")
    if path is None:
        pytest.skip("no chromium on the path; apt-get install chromium")
    with playwright.sync_playwright() as running:
        browser = running.chromium.launch(executable_path=path, args=["--no-sandbox"])
        yield browser
        browser.close()


@pytest.fixture
def new_page(chromium):
    """Open a page of a size; afterwards, nothing may have been said on its console or asked of elsewhere."""
    contexts, wrong = [], []

    def opened(url: str, size: str = "panel", expect: tuple[str, ...] = ()):
        context = chromium.new_context()
        contexts.append(context)
        page = context.new_page()
        resized(page, size)
        page.set_default_timeout(5000)
        page.on("console", lambda said: _note(wrong, said, expect))
        page.on("pageerror", lambda error: wrong.append(f"error: {error}"))
        page.on("request", lambda request: _elsewhere(wrong, request.url, url))
        page.goto(url)
        return page

    yield opened
    for context in contexts:
        context.close()
    assert wrong == []


def _note(wrong, said, expect):
    if said.type in {"error", "warning"} and not any(words in said.text for words in expect):
        wrong.append(f"{said.type}: {said.text}")


def _elsewhere(wrong, asked, url):
    if not asked.startswith(url.split("/bed/")[0].rstrip("/")):
        wrong.append(f"request to elsewhere: {asked}")
