"""A learner at the keyboard: JupyterLab in a headless Chromium, an exercise answered wrongly, then rightly."""

from __future__ import annotations

import json
import os
import shutil
import socket
import subprocess
import sys
import time
import urllib.request

import pytest

from lessons.build import NOTEBOOKS

pytest.importorskip("jupyterlab", reason='needs JupyterLab: pip install -e ".[browser]"')
browsers = pytest.importorskip("playwright.sync_api", reason='needs playwright: pip install -e ".[browser]"')
CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")

pytestmark = [pytest.mark.slow, pytest.mark.skipif(CHROMIUM is None, reason="needs Chromium: apt-get install chromium")]

QUIET = "--no-sandbox --disable-gpu --disable-quic --no-first-run --disable-background-networking".split()
QUIET += "--disable-component-update --disable-sync".split()
SETTINGS = {
    "@jupyterlab/apputils-extension:notification": {"fetchNews": "false", "checkForUpdates": False},
    "@jupyterlab/notebook-extension:tracker": {"windowingMode": "none"},  # cells out of sight are in the page too
}


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


@pytest.fixture
def jupyterlab(tmp_path):
    """A JupyterLab with nobody's settings, on a copy of the notebooks: (its address, its token)."""
    notebooks, settings = tmp_path / "notebooks", tmp_path / "config" / "labconfig"
    shutil.copytree(NOTEBOOKS, notebooks, ignore=shutil.ignore_patterns("solutions", ".*"))
    settings.mkdir(parents=True)
    (settings / "default_setting_overrides.json").write_text(json.dumps(SETTINGS))
    folders = {"JUPYTER_CONFIG_DIR": "config", "JUPYTER_DATA_DIR": "data", "JUPYTER_RUNTIME_DIR": "runtime"}
    environment = os.environ | {name: str(tmp_path / folder) for name, folder in folders.items()}
    port, token = free_port(), "a-token"
    options = ["--no-browser", "--allow-root", "--ServerApp.ip=127.0.0.1", f"--ServerApp.port={port}"]
    options += [f"--IdentityProvider.token={token}", "--LabApp.extension_manager=readonly"]
    log = tmp_path / "log"
    with log.open("w") as output:
        command = [sys.executable, "-m", "jupyterlab", *options, str(notebooks)]
        server = subprocess.Popen(command, env=environment, stdout=output, stderr=output)
    try:
        address = f"http://127.0.0.1:{port}"
        wait_for(address, server, log)
        yield address, token
    finally:
        server.terminate()
        try:
            server.wait(10)
        except subprocess.TimeoutExpired:
            server.kill()
            server.wait()


def wait_for(address, server, log, seconds=60):
    """Return as soon as the server answers."""
    end = time.monotonic() + seconds
    while time.monotonic() < end and server.poll() is None:
        try:
            urllib.request.urlopen(f"{address}/api", timeout=5).close()
            return
        except OSError:
            time.sleep(0.2)
    pytest.fail(f"JupyterLab did not start:\n{log.read_text()}")


@pytest.fixture
def page(jupyterlab):
    """Lesson 00, open in the browser, its outputs cleared, with a list of the addresses elsewhere that it asks for."""
    address, token = jupyterlab
    with browsers.sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=QUIET)
        page = browser.new_page()
        page.set_default_timeout(30_000)
        page.goto(f"{address}/doc/tree/00-how-this-course-works.ipynb?token={token}")
        page.locator(".jp-CodeCell").first.wait_for()
        menu(page, "Edit", "Clear Outputs of All Cells")
        yield page
        browser.close()


def menu(page, name, entry):
    page.locator(".lm-MenuBar-item", has_text=name).first.click()
    page.locator(".lm-Menu-item", has_text=entry).first.click()


def answer(page, exercise, check, line):
    """Type a line in the place of the exercise's last one; run the exercise and the check below it."""
    exercise.locator(".cm-line").last.click()
    page.keyboard.press("Home")
    page.keyboard.press("Shift+End")
    page.keyboard.type(line)
    page.keyboard.press("Shift+Enter")
    page.keyboard.press("Shift+Enter")
    return check.locator(".jp-OutputArea-output")


def test_a_wrong_answer_is_diagnosed_and_the_right_one_passes(page):
    exercise = page.locator(".jp-CodeCell", has_text="def mean_square_gradient(x)")
    check = page.locator(".jp-CodeCell", has_text="mean_square_gradient = check(mean_square_gradient)")
    last = page.locator(".jp-CodeCell", has_text="centred = check(centred)")

    menu(page, "Run", "Run All Cells")
    browsers.expect(last).to_contain_text("centred: not attempted yet", timeout=60_000)

    said = answer(page, exercise, check, "return 2 * x")
    browsers.expect(said).to_contain_text("mean_square_gradient: not right yet.")
    browsers.expect(said).to_contain_text("the 1/N is missing")
    browsers.expect(said).to_contain_text("right:  2·x/N")

    said = answer(page, exercise, check, "return 2 * x / x.size")
    browsers.expect(said).to_contain_text("mean_square_gradient: right.")
