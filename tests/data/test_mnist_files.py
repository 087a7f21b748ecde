"""Where MNIST is looked for, what is checked, and what is said when it is damaged or nowhere. No network is used."""

from __future__ import annotations

import gzip
import hashlib
import os
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import numpy as np
import pytest

import minivae.data as data
from minivae.data import catalogue, download, idx, mnist_files
from minivae.errors import DataError, MissingExtraError

STEMS = list(mnist_files.SHA256["mnist"])


def tiny(name: str) -> dict[str, bytes]:
    """A data set in miniature: the content of its four idx files."""
    rng = np.random.default_rng(len(name))
    files = {}
    for stem in STEMS:
        n = 6 if stem.startswith("train") else 4
        array = rng.integers(0, 256, (n, 28, 28)) if "images" in stem else rng.integers(0, 10, n)
        files[stem] = idx.encode(array.astype(np.uint8))
    return files


FILES = {name: tiny(name) for name in ("mnist", "fashion-mnist")}


def put(folder: Path, name: str = "mnist", pack=gzip.compress, suffix: str = ".gz", leave_out: str = "") -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    for stem, content in FILES[name].items():
        if stem != leave_out:
            (folder / f"{stem}{suffix}").write_bytes(pack(content))
    return folder


@pytest.fixture(autouse=True)
def machine(tmp_path, monkeypatch):
    """A machine with an empty cache, no Debian package, no network, and our miniatures as the true data."""
    hashes = {name: {s: hashlib.sha256(c).hexdigest() for s, c in files.items()} for name, files in FILES.items()}
    monkeypatch.setattr(mnist_files, "SHA256", hashes)
    monkeypatch.setattr(mnist_files, "DEBIAN", {"fashion-mnist": tmp_path / "debian"})
    monkeypatch.setattr(mnist_files, "MIRRORS", {"mnist": ["http://127.0.0.1:9/"], "fashion-mnist": []})
    monkeypatch.setattr(mnist_files, "_announced", set())
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.delenv("MINIVAE_DATA", raising=False)
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    return tmp_path


@pytest.fixture
def cache(machine):
    return machine / "cache" / "minivae" / "mnist"


@pytest.fixture
def server():
    """A web server on this machine: `server.files[path]` is what it sends; other paths are 404; it keeps a list."""
    pytest.importorskip("pooch")

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self):
            self.server.asked.append(self.path)
            content = self.server.files.get(self.path)
            self.send_response(404 if content is None else 200)
            self.send_header("Content-Length", str(len(content or b"") + self.server.lie))
            self.end_headers()
            self.wfile.write(content or b"")

        def log_message(self, *args):
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.files, server.asked, server.lie = {}, [], 0
    server.url = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield server
    server.shutdown()
    thread.join()
    server.server_close()


def serve(server, mirror: str, name: str = "mnist", pack=gzip.compress) -> str:
    server.files |= {f"/{mirror}/{stem}.gz": pack(content) for stem, content in FILES[name].items()}
    return f"{server.url}/{mirror}/"


def assert_is(pair, name: str) -> None:
    for part, prefix in zip(pair, ("train", "t10k"), strict=True):
        assert np.array_equal(part.images[:, 0], idx.parse(FILES[name][f"{prefix}-images-idx3-ubyte"]))
        assert np.array_equal(part.labels, idx.parse(FILES[name][f"{prefix}-labels-idx1-ubyte"]))
        assert part.name == name


# --- found on this machine


@pytest.mark.parametrize("below", ["mnist", "."])
@pytest.mark.parametrize(("pack", "suffix"), [(gzip.compress, ".gz"), (bytes, "")])
def test_found_in_minivae_data_in_its_folder_or_directly_gzipped_or_plain(machine, monkeypatch, below, pack, suffix):
    put(machine / "mine" / below, pack=pack, suffix=suffix)
    monkeypatch.setenv("MINIVAE_DATA", str(machine / "mine"))
    assert_is(data.mnist(), "mnist")


def test_another_compression_of_the_same_bytes_is_accepted(machine, monkeypatch):
    put(machine / "mnist", pack=lambda content: gzip.compress(content, 1, mtime=12345))
    monkeypatch.setenv("MINIVAE_DATA", str(machine))
    assert_is(data.mnist(), "mnist")


def test_places_are_tried_in_order(machine, monkeypatch):
    cached = put(machine / "cache" / "minivae" / "fashion-mnist", "fashion-mnist")
    assert data.fashion_mnist(full=True)[0].source == str(cached)
    debian = put(machine / "debian", "fashion-mnist")
    assert data.fashion_mnist(full=True)[0].source == str(debian)
    mine = put(machine / "mine" / "fashion-mnist", "fashion-mnist")
    monkeypatch.setenv("MINIVAE_DATA", str(machine / "mine"))
    assert data.fashion_mnist(full=True)[0].source == str(mine)


def test_a_folder_that_lacks_a_file_is_passed_over(machine, monkeypatch):
    put(machine / "mine" / "mnist", leave_out="t10k-labels-idx1-ubyte")
    monkeypatch.setenv("MINIVAE_DATA", str(machine / "mine"))
    cached = put(machine / "cache" / "minivae" / "mnist")
    assert data.mnist()[0].source == str(cached)


def test_files_of_the_other_data_set_under_the_same_names_are_not_taken_for_it(machine, monkeypatch):
    put(machine / "mine", "fashion-mnist")
    monkeypatch.setenv("MINIVAE_DATA", str(machine / "mine"))
    folder, passed_over = mnist_files.find("mnist")
    assert folder is None
    assert any("holds fashion-mnist" in reason for reason in passed_over)
    assert_is(data.fashion_mnist(full=True), "fashion-mnist")


def test_it_is_said_once_which_was_used(machine, capsys):
    cached = put(machine / "cache" / "minivae" / "mnist")
    data.mnist()
    data.mnist()
    assert capsys.readouterr().err == f"minivae: mnist from {cached}\n"


def test_a_damaged_file_is_named_with_both_hashes(cache):
    put(cache)
    stem = "train-labels-idx1-ubyte"
    changed = bytearray(FILES["mnist"][stem])
    changed[-1] ^= 1
    (cache / f"{stem}.gz").write_bytes(gzip.compress(changed))
    with pytest.raises(DataError) as caught:
        data.mnist()
    message = str(caught.value)
    assert str(cache / f"{stem}.gz") in message
    assert hashlib.sha256(changed).hexdigest() in message
    assert mnist_files.SHA256["mnist"][stem] in message
    assert "Delete it" in message


def test_a_truncated_gzip_file_is_named(cache):
    put(cache)
    path = cache / "train-images-idx3-ubyte.gz"
    path.write_bytes(path.read_bytes()[:-200])
    with pytest.raises(DataError, match=rf"{path}.*delete it"):
        data.mnist()


# --- downloaded


def test_downloaded_once_and_then_found_in_the_cache(server, cache, monkeypatch, capsys):
    monkeypatch.setitem(mnist_files.MIRRORS, "mnist", [serve(server, "a")])
    assert_is(data.mnist(), "mnist")
    assert sorted(path.name for path in cache.iterdir()) == sorted(f"{stem}.gz" for stem in STEMS)
    assert f"mnist downloaded from {server.url}/a to {cache}" in capsys.readouterr().err
    asked = len(server.asked)
    assert_is(data.mnist(), "mnist")
    assert len(server.asked) == asked == 4


def test_the_second_mirror_is_used_when_the_first_has_no_such_file(server, monkeypatch):
    monkeypatch.setitem(mnist_files.MIRRORS, "mnist", [f"{server.url}/none/", serve(server, "b")])
    assert_is(data.mnist(), "mnist")
    assert f"/none/{STEMS[0]}.gz" in server.asked


def test_the_second_mirror_is_used_when_the_first_sends_something_else(server, cache, monkeypatch):
    wrong = serve(server, "wrong", "fashion-mnist")
    monkeypatch.setitem(mnist_files.MIRRORS, "mnist", [wrong, serve(server, "right")])
    assert_is(data.mnist(), "mnist")
    assert len(list(cache.iterdir())) == 4


def test_only_what_the_cache_lacks_is_downloaded(server, cache, monkeypatch):
    put(cache, leave_out="t10k-images-idx3-ubyte")
    monkeypatch.setitem(mnist_files.MIRRORS, "mnist", [serve(server, "a")])
    assert_is(data.mnist(), "mnist")
    assert server.asked == ["/a/t10k-images-idx3-ubyte.gz"]


def test_a_server_that_unpacks_what_it_sends_will_do(server, monkeypatch):
    monkeypatch.setitem(mnist_files.MIRRORS, "mnist", [serve(server, "a", pack=bytes)])
    assert_is(data.mnist(), "mnist")


@pytest.mark.parametrize("fault", ["another file", "cut off", "not gzip", "connection lost"])
def test_a_bad_download_is_refused_and_leaves_nothing_behind(server, cache, monkeypatch, fault):
    mirror = serve(server, "a", "fashion-mnist" if fault == "another file" else "mnist")
    for path, content in server.files.items():
        if fault == "cut off":
            server.files[path] = content[:-20]
        elif fault == "not gzip":
            server.files[path] = b"<html>log in to this network first</html>"
    server.lie = 1000 if fault == "connection lost" else 0  # promise more bytes than will come
    monkeypatch.setitem(mnist_files.MIRRORS, "mnist", [mirror])
    with pytest.raises(DataError, match="could not be downloaded") as caught:
        data.mnist()
    assert f"{mirror}{STEMS[0]}.gz" in str(caught.value)
    if fault in ("another file", "not gzip"):
        assert mnist_files.SHA256["mnist"][STEMS[0]] in str(caught.value)
    assert list(cache.iterdir()) == []


def test_an_interrupted_download_leaves_nothing_behind(server, cache):
    def interrupt(path):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        download.fetch([f"{serve(server, 'a')}{STEMS[0]}.gz"], cache / "file", interrupt)
    assert list(cache.iterdir()) == []


def test_without_a_network_all_that_was_tried_is_listed_and_how_to_do_it_by_hand(machine, cache, monkeypatch):
    pytest.importorskip("pooch")
    monkeypatch.setenv("MINIVAE_DATA", str(machine / "mine"))
    with pytest.raises(DataError) as caught:
        data.mnist()
    message = str(caught.value)
    for part in (machine / "mine" / "mnist", machine / "mine", cache, "http://127.0.0.1:9/", *STEMS, "MINIVAE_DATA"):
        assert str(part) in message


def test_minivae_data_not_set_is_said(machine):
    with pytest.raises(DataError, match=r"\$MINIVAE_DATA: not set"):
        data.mnist()


def test_a_missing_pooch_is_named_with_its_extra(monkeypatch):
    def missing(module, extra):
        raise MissingExtraError(f"needs {module}: minivae[{extra}]")

    monkeypatch.setattr(download, "require", missing)
    with pytest.raises(DataError, match=r"needs pooch: minivae\[data\]"):
        data.mnist()


def test_a_cache_that_cannot_be_written_is_said(machine, server, monkeypatch):
    (machine / "cache").write_text("a file where the folder should be")
    monkeypatch.setitem(mnist_files.MIRRORS, "mnist", [serve(server, "a")])
    with pytest.raises(DataError, match=r"Not a directory|File exists"):
        data.mnist()


def test_available_tells_where_without_downloading(machine, server, monkeypatch):
    monkeypatch.setitem(mnist_files.MIRRORS, "mnist", [serve(server, "a")])
    assert "download" in catalogue.available()["mnist"]
    folder = put(machine / "cache" / "minivae" / "fashion-mnist", "fashion-mnist")
    assert catalogue.available()["fashion-mnist-full"] == f"found in {folder}"
    assert server.asked == []


# --- the real files, where there are any

ROOT = os.environ.get("MINIVAE_DATA")


@pytest.mark.parametrize("name", ["mnist", "fashion-mnist"])
def test_the_real_data_are_whole(name, monkeypatch):
    if not ROOT or not (Path(ROOT) / name).is_dir():
        pytest.skip(f"needs the real {name}: set MINIVAE_DATA to a folder with {name}/")
    monkeypatch.undo()
    train, test = data.mnist() if name == "mnist" else data.fashion_mnist(full=True)
    assert train.images.shape == (60_000, 1, 28, 28)
    assert test.images.shape == (10_000, 1, 28, 28)
    assert set(np.unique(train.labels)) == set(range(10))
