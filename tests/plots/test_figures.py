"""Pictures: the right pixels in the right places, in files that are not empty."""

from __future__ import annotations

import subprocess
import sys
from statistics import NormalDist

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from matplotlib.figure import Figure
from matplotlib.image import imread

from minivae import plots
from minivae.data import Dataset
from minivae.errors import ConfigError, DataError, ShapeError
from minivae.models import VAE
from minivae.plots.images import as_pixels, tile
from minivae.random import stream
from minivae.training import History


@pytest.fixture
def model():
    return VAE((1, 6, 6), hidden=(8,), latent_dim=2, seed=3)


@pytest.fixture
def images():
    return stream(0, "pictures").integers(0, 256, (12, 1, 6, 6), dtype=np.uint8)


@pytest.fixture
def history():
    history = History(labels={"loss": "−ELBO", "reconstruction": "NLL"})
    for epoch in range(1, 6):
        values = {"reconstruction": 80 + 20 / epoch, "kl": 20 - 10 / epoch, "loss": 100 + 10 / epoch}
        row = {
            f"{name}_{term}": value + (name == "test") for name in ("train", "test") for term, value in values.items()
        }
        history.append({"epoch": epoch, "step": epoch, "seconds": 1.0, **row})
    return history


def texts(figure):
    return [text.get_text() for text in figure.findobj(lambda artist: hasattr(artist, "get_text"))]


def content(path):
    """The picture in a PNG; it must show something."""
    picture = imread(path)[..., :3]
    assert min(picture.shape[:2]) > 100
    assert picture.std() > 0.05
    return picture


# --- pixels -----------------------------------------------------------------------------------------------


@given(
    st.integers(1, 9),
    st.integers(1, 5),
    st.integers(1, 4),
    st.integers(1, 4),
    st.booleans(),
    st.none() | st.integers(1, 3),
)
@settings(deadline=None, max_examples=60)
def test_every_image_is_in_the_mosaic_at_its_place_and_the_rest_is_white(n, ncols, h, w, colour, band):
    pixels = stream(0, "tile").random((n, h, w, 3) if colour else (n, h, w), dtype=np.float32) * np.float32(0.5)
    mosaic, centres = tile(pixels, ncols, band)
    found = 0
    for i, image in enumerate(pixels):
        top = round(centres[i // ncols] - h / 2 + 0.5)
        left = (i % ncols) * (w + 1)  # the gap of small images is one pixel
        assert (mosaic[top : top + h, left : left + w] == image).all()
        found += image.size
    assert (mosaic == 1).sum() == mosaic.size - found
    assert len(centres) == -(-n // ncols)
    assert (np.diff(centres) > h).all()


def test_bytes_and_floats_give_the_same_pixels(images):
    np.testing.assert_array_equal(as_pixels(images), as_pixels(images / np.float32(255)))


def test_values_beyond_black_and_white_are_clipped():
    np.testing.assert_array_equal(as_pixels(np.array([[[-1.0, 0.25, 7.0]]])), [[[0, 0.25, 1]]])


def test_colour_comes_last_in_a_picture():
    rgb = stream(0, "rgb").random((2, 3, 4, 5))
    assert as_pixels(rgb).shape == (2, 4, 5, 3)
    np.testing.assert_allclose(as_pixels(rgb)[1, 2, 3], rgb[1, :, 2, 3], rtol=1e-6)


@pytest.mark.parametrize("shape", [(6, 6), (5, 2, 6, 6), (5,), (0, 1, 6, 6)])
def test_what_is_no_batch_of_images_is_refused_with_the_shape_expected(shape):
    with pytest.raises(ShapeError, match=r"\(N, C, H, W\) with C = 1 or 3|there are none"):
        plots.image_grid(np.zeros(shape))


# --- figures ----------------------------------------------------------------------------------------------


def test_an_image_grid_is_saved_as_png_and_shows_the_images(images, tmp_path):
    figure = plots.image_grid(images, title="A title", caption="a caption", path=tmp_path / "new" / "grid.png")
    assert isinstance(figure, Figure)
    assert {"A title", "a caption"} <= set(texts(figure))
    (drawn,) = figure.axes[0].images
    np.testing.assert_array_equal(drawn.get_array(), tile(as_pixels(images), 4)[0])
    content(tmp_path / "new" / "grid.png")


def test_no_text_is_cut_off_however_long_and_however_few_the_images(images):
    figure = plots.image_grid(
        images[:1], title="A rather long title for a single image " * 2, caption="and a caption " * 7
    )
    figure.canvas.draw()
    edge = figure.bbox
    for text in figure.texts:
        box = text.get_window_extent()
        assert box.x0 >= edge.x0
        assert box.x1 <= edge.x1


def test_reconstructions_stand_below_their_originals(model, images):
    figure = plots.reconstructions(model, images[:3])
    labels = [text.get_text() for text in figure.axes[0].texts]
    assert labels == ["original", "reconstruction"]
    expected = np.concatenate([as_pixels(images[:3]), as_pixels(model.reconstruct(images[:3] / np.float32(255)))])
    np.testing.assert_array_equal(figure.axes[0].images[0].get_array(), tile(expected, 3, 2)[0])


def test_what_the_encoder_was_given_has_a_row_of_its_own(model, images):
    binary = (images > 127).astype(np.float32)
    figure = plots.reconstructions(model, images, inputs=binary, ncols=8)
    labels = [text.get_text() for text in figure.axes[0].texts]
    assert labels == ["original", "binarised input", "reconstruction"] * 2
    blank = np.ones((4, 6, 6), np.float32)
    rows = [as_pixels(images), as_pixels(binary), as_pixels(model.reconstruct(binary))]
    expected = [row[:8] for row in rows] + [np.concatenate([row[8:], blank]) for row in rows]
    np.testing.assert_array_equal(figure.axes[0].images[0].get_array(), tile(np.concatenate(expected), 8, 3)[0])


def test_colour_images_are_reconstructed_and_interpolated_too(tmp_path):
    images = stream(0, "pictures").integers(0, 256, (5, 3, 8, 6), dtype=np.uint8)
    model = VAE((3, 8, 6), hidden=(8,), latent_dim=2, seed=3)
    mosaic = plots.reconstructions(model, images).axes[0].images[0].get_array()
    np.testing.assert_allclose(mosaic[:8, :6], images[0].transpose(1, 2, 0) / np.float32(255))
    mosaic = plots.interpolation(model, images[:2], images[2:4]).axes[0].images[0].get_array()
    np.testing.assert_allclose(mosaic[:8, :6], images[0].transpose(1, 2, 0) / np.float32(255))


def test_a_dataset_is_drawn_as_its_images_are(model, images):
    def mosaic(figure):
        return figure.axes[0].images[0].get_array()

    np.testing.assert_array_equal(mosaic(plots.image_grid(Dataset(images))), mosaic(plots.image_grid(images)))
    np.testing.assert_array_equal(
        mosaic(plots.reconstructions(model, Dataset(images))), mosaic(plots.reconstructions(model, images))
    )


def test_no_pixel_of_a_large_image_is_left_out(tmp_path):
    images = stream(0, "pictures").integers(0, 256, (2, 1, 200, 300), dtype=np.uint8)
    plots.image_grid(images, path=tmp_path / "large.png")
    assert imread(tmp_path / "large.png").shape[1] >= 600


def test_an_ending_that_is_no_picture_is_refused(images, tmp_path):
    with pytest.raises(ConfigError, match=r"no picture is written as '\.foo'; expected one of .*png"):
        plots.image_grid(images, path=tmp_path / "grid.foo")


def test_samples_are_the_models_and_repeat_with_the_seed(model, tmp_path):
    first, again, other = (plots.samples(model, 9, seed=s).axes[0].images[0].get_array() for s in (1, 1, 2))
    np.testing.assert_array_equal(first, tile(as_pixels(model.sample(9, seed=1)), 3)[0])
    np.testing.assert_array_equal(first, again)
    assert (first != other).any()
    plots.samples(model, 9, path=tmp_path / "s.png")
    content(tmp_path / "s.png")


def test_an_interpolation_begins_and_ends_at_the_reconstructions(model, images, tmp_path):
    figure = plots.interpolation(model, images[:2], images[2:4], steps=5, path=tmp_path / "i.png")
    mosaic = figure.axes[0].images[0].get_array()
    x = images / np.float32(255)
    for row in range(2):
        cells = [mosaic[row * 7 : row * 7 + 6, column * 7 : column * 7 + 6] for column in range(7)]
        np.testing.assert_array_equal(cells[0], as_pixels(images[row : row + 1])[0])
        np.testing.assert_array_equal(cells[6], as_pixels(images[row + 2 : row + 3])[0])
        np.testing.assert_allclose(cells[1], model.reconstruct(x[row : row + 1])[0, 0], atol=1e-5)
        np.testing.assert_allclose(cells[5], model.reconstruct(x[row + 2 : row + 3])[0, 0], atol=1e-5)
    content(tmp_path / "i.png")


def test_an_interpolation_needs_an_end_for_each_start(model, images):
    with pytest.raises(ShapeError, match=r"starts are \(3, 6, 6\), ends \(2, 6, 6\)"):
        plots.interpolation(model, images[:3], images[:2])


def test_loss_curves_draw_the_columns_and_name_the_unit(history, tmp_path):
    figure = plots.loss_curves(history, title="T", path=tmp_path / "c.png")
    for axes, term in zip(figure.axes, ("loss", "reconstruction", "kl"), strict=True):
        lines = {line.get_label(): line for line in axes.get_lines()}
        for name in ("train", "test"):
            assert lines[name].get_xdata().tolist() == history.epoch
            assert lines[name].get_ydata().tolist() == getattr(history, f"{name}_{term}")
    assert figure.axes[0].get_ylabel() == "nats per image"
    assert {"−ELBO", "reconstruction: NLL", "epoch"} <= set(texts(figure))
    content(tmp_path / "c.png")


def test_loss_curves_without_test_data_have_no_legend(history):
    for row in history:
        row.update(test_loss=None, test_reconstruction=None, test_kl=None)
    figure = plots.loss_curves(history)
    assert all(len(axes.get_lines()) == 1 for axes in figure.axes)
    assert figure.axes[0].get_legend() is None


def test_loss_curves_of_no_epoch_are_an_error():
    with pytest.raises(DataError, match="no epoch yet; train for at least one"):
        plots.loss_curves(History())


def test_a_high_first_epoch_does_not_flatten_the_rest(history):
    long = History(history.rows * 4, labels=history.labels)
    long.rows[0] = long.rows[0] | {"train_loss": 1e6}
    _, high = plots.loss_curves(long).axes[0].get_ylim()
    assert high < 200


def test_the_quantile_grid_gives_every_cell_the_same_share_of_the_prior():
    grid = plots.quantile_grid(4)
    shares = [NormalDist().cdf(float(z)) for z in grid[:4, 0]]
    assert shares == pytest.approx([0.125, 0.375, 0.625, 0.875], abs=1e-6)
    assert (np.diff(grid[:4, 0]) > 0).all(), "z₁ grows to the right"
    assert (np.diff(grid[::4, 1]) < 0).all(), "z₂ grows upwards, and the first row is the top"
    np.testing.assert_allclose(grid, -grid[::-1], atol=1e-6)


def test_the_latent_map_puts_images_at_their_posterior_means(model, images, tmp_path):
    labels = np.arange(12) % 3
    data = Dataset(images, labels, class_names=("a", "b", "c"))
    figure = plots.latent_map(model, data, grid=4, path=tmp_path / "l.png")
    means = model.encode(data.floats()).mean.numpy()
    scatter, decoded = figure.axes
    for points, name, label in zip(scatter.collections, "abc", range(3), strict=True):
        assert points.get_label() == name
        np.testing.assert_allclose(points.get_offsets(), means[labels == label], rtol=1e-5)
    expected = tile(as_pixels(model.decode(plots.quantile_grid(4)).mean.numpy()), 4)[0]
    np.testing.assert_allclose(decoded.images[0].get_array(), expected, atol=1e-6)
    content(tmp_path / "l.png")


@pytest.mark.parametrize("labels", [[3, 0, 3, 7], ["cat", "dog", "cat", "emu"]])
def test_classes_without_names_are_called_by_their_label(model, images, labels):
    figure = plots.latent_map(model, Dataset(images[:4], labels))
    legend = [text.get_text() for text in figure.axes[0].get_legend().get_texts()]
    assert legend == sorted({str(label) for label in labels})


def test_many_classes_are_a_scale_of_colours(model, images):
    left = plots.latent_map(model, Dataset(images, np.arange(len(images)))).axes[0]
    assert left.get_legend() is None
    assert "12 images in 12 classes" in left.get_title(loc="left")
    assert len(np.unique(left.collections[0].get_array())) == 12


def test_a_latent_map_needs_two_dimensions(images):
    model = VAE((1, 6, 6), hidden=(8,), latent_dim=3)
    with pytest.raises(ShapeError, match=r"has 3 dimensions, a map has 2.*latent_dim=2.*interpolation"):
        plots.latent_map(model, Dataset(images))


def test_a_notebook_is_given_a_png(images):
    assert plots.image_grid(images)._repr_png_().startswith(b"\x89PNG")


def test_pictures_touch_no_global_state_of_matplotlib():
    """pyplot, which keeps figures in a global list and picks a window system, is never imported."""
    program = (
        "import sys, numpy as np, matplotlib; before = matplotlib.rcParams.copy()\n"
        "from minivae import plots\n"
        "plots.image_grid(np.zeros((2, 5, 5)), title='t')._repr_png_()\n"
        "assert 'matplotlib.pyplot' not in sys.modules\n"
        "assert matplotlib.rcParams.copy() == before\n"
    )
    subprocess.run([sys.executable, "-c", program], check=True)
