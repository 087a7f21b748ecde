"""The README's examples run, its numbers are right, and its links lead somewhere."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest

from minivae.selfcheck.zoo import subjects

ROOT = Path(__file__).parent.parent
README = (ROOT / "README.md").read_text()
FIRST, OWN, *CHECKS, SWITCH = re.findall(r"```python\n(.*?)```", README, re.DOTALL)


@pytest.mark.slow
@pytest.mark.no_debug
def test_the_25_lines_train_and_leave_a_picture(tmp_path, monkeypatch, capsys):
    assert len(FIRST.splitlines()) <= 25
    monkeypatch.chdir(tmp_path)
    exec(FIRST, {})
    first, *_, last = (float(line.split()[1]) for line in capsys.readouterr().out.splitlines())
    assert last < first - 50
    assert (tmp_path / "samples.png").stat().st_size > 10_000


def test_own_images_train_and_leave_a_picture(tmp_path, monkeypatch):
    Image = pytest.importorskip("PIL.Image")
    monkeypatch.chdir(tmp_path)
    (tmp_path / "photos").mkdir()
    pixels = np.random.Generator(np.random.Philox(0)).integers(0, 256, (140, 4, 6, 3), np.uint8)
    for number, image in enumerate(pixels):
        Image.fromarray(image).save(f"photos/{number}.png")
    exec(OWN.replace("epochs=50", "steps=1"), {})
    assert (tmp_path / "photos.png").stat().st_size > 10_000


def test_the_checks_find_the_missing_half_and_the_wrong_noise(capsys):
    namespace: dict = {}
    for example in CHECKS:
        exec(example, namespace)
    out = capsys.readouterr().out
    assert "All are 2 times what they should be" in out
    assert "exp(log_var) multiplies the noise, which exp(log_var / 2) should" in out


def test_the_number_of_mutants_is_the_one_stated():
    stated = int(re.search(r"puts (\d+) wrong versions", README)[1])
    assert stated == sum(len(subject.mutants) for subject in subjects())


def test_links_lead_somewhere():
    links = [link for link in re.findall(r"\]\(([^)#]+)\)", README) if not link.startswith("http")]
    assert links
    assert [link for link in links if not (ROOT / link).exists()] == []
