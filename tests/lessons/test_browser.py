"""What a learner sees in JupyterLab, in a headless Chromium: the mathematics, a wrong answer's diagnosis, a pass."""

from __future__ import annotations

import json
import os
import re
import shutil
import socket
import subprocess
import sys
import time
import urllib.request

import nbformat
import pytest

from lessons.build import NOTEBOOKS, write
from lessons.machinery.source import find, read
from lessons.machinery.versions import student

pytest.importorskip("jupyterlab", reason='needs JupyterLab: pip install -e ".[browser]"')
playwright = pytest.importorskip("playwright.sync_api", reason='needs playwright: pip install -e ".[browser]"')
NAMES = ("chromium", "chromium-browser", "google-chrome")
CHROMIUM = next((path for path in map(shutil.which, NAMES) if path), None)
pytestmark = [pytest.mark.slow, pytest.mark.skipif(CHROMIUM is None, reason="needs Chromium: apt-get install chromium")]

QUIET = ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking"]
QUIET += ["--disable-component-update", "--disable-sync"]
SETTINGS = {
    "@jupyterlab/apputils-extension:notification": {"fetchNews": "false", "checkForUpdates": False},
    "@jupyterlab/notebook-extension:tracker": {"windowingMode": "none"},  # cells out of sight are in the page too
}
LOCAL = re.compile(r"(https?|wss?)://127\.0\.0\.1|data:|blob:")
MATH_ERROR = "[data-mjx-error], mtext[mathcolor=red]"  # a mistake in a formula; an unknown command


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A copy of the notebooks, and beside them `all.ipynb`, which has the text of every lesson."""
    folder = tmp_path_factory.mktemp("notebooks")
    for path in NOTEBOOKS.glob("*.ipynb"):
        shutil.copy(path, folder)
    notebooks = [student(read(path)) for path in find([])]
    text = [cell.source for notebook in notebooks for cell in notebook.cells if cell.cell_type == "markdown"]
    cells = [nbformat.v4.new_markdown_cell(source) for source in text]
    write(nbformat.v4.new_notebook(cells=cells, metadata=notebooks[0].metadata), folder / "all.ipynb")
    return folder


@pytest.fixture(scope="module")
def address(folder, tmp_path_factory):
    """The address of one of the notebooks, `{}`, in a JupyterLab that has nobody's settings and asks for no news."""
    home = tmp_path_factory.mktemp("jupyter")
    settings = home / "config" / "labconfig" / "default_setting_overrides.json"
    settings.parent.mkdir(parents=True)
    settings.write_text(json.dumps(SETTINGS))
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    options = ["--no-browser", "--allow-root", "--ServerApp.ip=127.0.0.1", f"--ServerApp.port={port}"]
    options += ["--IdentityProvider.token=a-token", "--LabApp.extension_manager=readonly"]
    own = {f"JUPYTER_{name}_DIR": str(home / name.lower()) for name in ("CONFIG", "DATA", "RUNTIME")}
    with (home / "log").open("w") as log:
        command = [sys.executable, "-m", "jupyterlab", *options, str(folder)]
        server = subprocess.Popen(command, env=os.environ | own, stdout=log, stderr=log)
    try:
        if not answers(f"http://127.0.0.1:{port}/api", server):
            pytest.fail(f"JupyterLab did not start:\n{(home / 'log').read_text()}")
        yield f"http://127.0.0.1:{port}/doc/tree/{{}}?token=a-token"
    finally:
        server.terminate()
        try:
            server.wait(10)
        except subprocess.TimeoutExpired:
            server.kill()
            server.wait()


def answers(url, server, seconds=60):
    """Wait until the server answers; False if it does not."""
    end = time.monotonic() + seconds
    while time.monotonic() < end and server.poll() is None:
        try:
            urllib.request.urlopen(url, timeout=5).close()
            return True
        except OSError:
            time.sleep(0.2)
    return False


@pytest.fixture(scope="module")
def page():
    with playwright.sync_playwright() as started:
        browser = started.chromium.launch(executable_path=CHROMIUM, args=QUIET)
        page = browser.new_page()
        page.set_default_timeout(90_000)  # so long it may take on a busy machine
        playwright.expect.set_options(timeout=90_000)
        yield page
        browser.close()


def menu(page, name, entry):
    page.locator(".lm-MenuBar-item", has_text=name).first.click()
    page.locator(".lm-Menu-item", has_text=entry).first.click()


def type_and_run(page, exercise, line):
    """Type a line in the place of the exercise's last one; run the exercise, then the check below it."""
    exercise.locator(".cm-line").last.click()
    page.keyboard.press("Home")
    page.keyboard.press("Shift+End")
    page.keyboard.type(line)
    page.keyboard.press("Shift+Enter")
    page.keyboard.press("Shift+Enter")


def test_a_wrong_answer_is_diagnosed_and_the_right_one_passes(page, address):
    page.goto(address.format("00-how-this-course-works.ipynb"))
    exercise = page.locator(".jp-CodeCell", has_text="def mean_square_gradient(x)")
    check = page.locator(".jp-CodeCell", has_text="mean_square_gradient = check(mean_square_gradient)")
    last = page.locator(".jp-CodeCell", has_text="centred = check(centred)")
    said = ".jp-OutputArea-output"

    last.wait_for()
    menu(page, "Edit", "Clear Outputs of All Cells")
    playwright.expect(page.locator(said)).to_have_count(0)
    menu(page, "Run", "Run All Cells")
    playwright.expect(last.locator(said)).to_contain_text("centred: not attempted yet")

    type_and_run(page, exercise, "return 2 * x")
    playwright.expect(check.locator(said)).to_contain_text("mean_square_gradient: not right yet.")
    playwright.expect(check.locator(said)).to_contain_text("the 1/N is missing")
    playwright.expect(check.locator(said)).to_contain_text("right:  2·x/N")

    type_and_run(page, exercise, "return 2 * x / x.size")
    playwright.expect(check.locator(said)).to_contain_text("mean_square_gradient: right.")


def test_the_mathematics_and_the_diagrams_of_every_lesson_are_drawn_without_the_network(page, address, folder):
    text = [cell.source for cell in nbformat.read(folder / "all.ipynb", as_version=4).cells]
    elsewhere = []
    page.on("request", lambda request: None if LOCAL.match(request.url) else elsewhere.append(request.url))
    page.goto(address.format("all.ipynb"))

    cells = page.locator(".jp-MarkdownOutput")
    playwright.expect(cells).to_have_count(len(text))
    playwright.expect(cells.filter(has_text="$")).to_have_count(0)
    assert page.locator("mjx-container").count() > len(text)
    assert page.locator(MATH_ERROR).evaluate_all("errors => errors.map(error => error.outerHTML)") == []

    diagrams = page.locator("figure img[src^='data:image/svg']")
    playwright.expect(diagrams).to_have_count("\n".join(text).count("```mermaid"))
    assert elsewhere == []
