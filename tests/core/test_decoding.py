"""What is an image has one answer, and a file that could be read in two ways is refused."""

import os
import struct
import zlib
from io import BytesIO

import cv2
import numpy as np
import pytest
from PIL import Image
from PIL.PngImagePlugin import PngInfo

from uaabench.core import decoding, imaging
from uaabench.core.errors import DataError

RGB = np.random.default_rng(0).integers(0, 256, (24, 40, 3), np.uint8)
INDICES = (np.arange(24 * 40).reshape(24, 40) % 9).astype(np.uint8)
TURNED = Image.Exif()
TURNED[0x0112] = 3


def save(path, image, **options):
    (image if isinstance(image, Image.Image) else Image.fromarray(image)).save(path, **options)
    return path


def palette(values, bits):
    image = Image.fromarray(values, "L").convert("P")
    image.putdata(values.ravel().tolist())
    # No colour of it is grey, or the index of its class.
    image.putpalette([(37 * entry + channel) % 256 for entry in range(2**bits) for channel in range(3)])
    return image


def grey_png(path, values, bits):
    """A grey PNG of fewer bits than Pillow and OpenCV write."""
    height, width = values.shape
    packed = [np.packbits(np.unpackbits(row[:, None], axis=1)[:, 8 - bits :]).tobytes() for row in values]
    chunks = {
        b"IHDR": struct.pack(">IIBBBBB", width, height, bits, 0, 0, 0, 0),
        b"IDAT": zlib.compress(b"".join(b"\0" + row for row in packed)),
        b"IEND": b"",
    }
    path.write_bytes(b"\x89PNG\r\n\x1a\n" + b"".join(chunk(name, data) for name, data in chunks.items()))
    return path


def chunk(name, data):
    return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))


@pytest.mark.parametrize("name", ["a.png", "a.jpg", "a.bmp", "a.tif"])
@pytest.mark.parametrize("mode", ["RGB", "L"])
def test_an_image_has_the_pixels_that_opencv_reads(tmp_path, name, mode):
    path = save(tmp_path / name, Image.fromarray(RGB).convert(mode))
    expected = cv2.imread(str(path), cv2.IMREAD_COLOR)[..., ::-1]
    assert (imaging.read_rgb(path) == expected).all()
    assert (imaging.read_grey(path) == imaging.grey(np.ascontiguousarray(expected))).all()


@pytest.mark.parametrize("suffix", [".jpg", ".png", ".bmp", ".tif"])
def test_bytes_behind_the_end_of_an_image_do_no_harm(tmp_path, suffix):
    path = save(tmp_path / f"a{suffix}", RGB)
    whole = imaging.read_rgb(path)
    path.write_bytes(path.read_bytes() + b"maker's note" * 1000)
    assert (imaging.read_rgb(path) == whole).all()


@pytest.mark.parametrize("suffix", [".jpg", ".png", ".bmp", ".tif"])
@pytest.mark.parametrize("kept", [0.5, 0.98])
def test_a_truncated_image_is_refused(tmp_path, suffix, kept):
    path = save(tmp_path / f"a{suffix}", RGB)
    path.write_bytes(path.read_bytes()[: int(path.stat().st_size * kept)])
    with pytest.raises(DataError, match=r"a\..*: it is truncated"):
        imaging.read_rgb(path)


def test_the_end_of_an_embedded_preview_does_not_make_a_truncated_jpeg_complete(tmp_path):
    preview = BytesIO()
    Image.fromarray(RGB[:8, :8]).save(preview, "JPEG")
    whole = BytesIO()
    Image.fromarray(RGB).save(whole, "JPEG", exif=b"Exif\0\0" + preview.getvalue())
    (tmp_path / "a.jpg").write_bytes(whole.getvalue()[:-200])
    with pytest.raises(DataError, match="truncated"):
        imaging.read_rgb(tmp_path / "a.jpg")


def test_a_png_with_a_flipped_bit_is_refused(tmp_path):
    path = save(tmp_path / "a.png", RGB)
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.write_bytes(data)
    with pytest.raises(DataError, match="damaged"):
        imaging.read_rgb(path)


def test_an_image_of_more_pixels_than_stated_is_refused_before_it_is_decoded(tmp_path):
    header = chunk(b"IHDR", struct.pack(">IIBBBBB", 60000, 60000, 8, 0, 0, 0, 0))
    path = tmp_path / "a.png"
    path.write_bytes(b"\x89PNG\r\n\x1a\n" + header + chunk(b"IDAT", zlib.compress(bytes(100))) + chunk(b"IEND", b""))
    for read in (imaging.read_rgb, imaging.read_grey, imaging.read_label, decoding.size):
        with pytest.raises(DataError, match=r"is 60000x60000, more than 100000000 pixels"):
            read(path)


def test_a_file_of_more_bytes_than_stated_is_refused_before_it_is_read(tmp_path):
    path = save(tmp_path / "a.bmp", RGB)
    os.truncate(path, 10**12)
    with pytest.raises(DataError, match="more than 1000000000 bytes"):
        imaging.read_rgb(path)


def test_float_pixels_are_refused_by_name_in_grey_and_colour(tmp_path):
    path = save(tmp_path / "a.tiff", RGB[..., 0].astype(np.float32))
    with pytest.raises(DataError, match=r"is of type float32, not of 8 bit; convert"):
        imaging.read_rgb(path)
    cv2.imwrite(str(path), RGB.astype(np.float32))
    with pytest.raises(DataError, match="of a kind that is not read"):
        imaging.read_rgb(path)


@pytest.mark.parametrize("suffix", [".jpg", ".tif"])
def test_colours_for_print_are_refused(tmp_path, suffix):
    path = save(tmp_path / f"a{suffix}", Image.fromarray(RGB).convert("CMYK"))
    with pytest.raises(DataError, match="the colours CMYK, not grey or RGB"):
        imaging.read_rgb(path)


@pytest.mark.parametrize("suffix", [".png", ".tif"])
def test_several_pictures_in_a_file_are_refused(tmp_path, suffix):
    first, *rest = (Image.fromarray(RGB), Image.fromarray(255 - RGB))
    path = save(tmp_path / f"a{suffix}", first, save_all=True, append_images=rest)
    for read in (imaging.read_rgb, imaging.read_label):
        with pytest.raises(DataError, match="holds 2 pictures"):
            read(path)


def test_an_alpha_channel_must_be_opaque(tmp_path):
    alpha = np.full(RGB.shape[:2], 255, np.uint8)
    path = save(tmp_path / "a.png", np.dstack([RGB, alpha]))
    assert (imaging.read_rgb(path) == RGB).all()
    alpha[3, 4] = 254
    save(path, np.dstack([RGB, alpha]))
    with pytest.raises(DataError, match="transparent in places"):
        imaging.read_rgb(path)


@pytest.mark.parametrize("suffix", [".jpg", ".png", ".tif"])
def test_an_image_or_label_map_that_a_tag_turns_is_refused(tmp_path, suffix):
    path = save(tmp_path / f"a{suffix}", INDICES, exif=TURNED)
    for read in (imaging.read_rgb, imaging.read_grey, imaging.read_label, decoding.size):
        with pytest.raises(DataError, match=r"EXIF orientation 3.*turned by 180 degrees"):
            read(path)


def test_a_tag_behind_the_pixels_of_a_png_is_found_too(tmp_path):
    path = save(tmp_path / "a.png", RGB)
    data = path.read_bytes()
    path.write_bytes(data[:-12] + chunk(b"eXIf", TURNED.tobytes()[6:]) + data[-12:])
    with pytest.raises(DataError, match="EXIF orientation 3"):
        imaging.read_rgb(path)


def test_a_tag_that_turns_nothing_is_let_be(tmp_path):
    upright = Image.Exif()
    upright[0x0112] = 1
    assert imaging.read_rgb(save(tmp_path / "a.jpg", RGB, exif=upright)).shape == RGB.shape


def test_a_pipe_and_a_folder_are_refused_without_being_opened(tmp_path):
    os.mkfifo(tmp_path / "pipe.png")
    (tmp_path / "folder.png").mkdir()
    for name in ("pipe.png", "folder.png"):
        for read in (imaging.read_rgb, imaging.read_label, decoding.size):
            with pytest.raises(DataError, match="no regular file"):
                read(tmp_path / name)


@pytest.mark.parametrize("content", [b"", b"P", b"GIF89a" + bytes(50), b"RIFF\0\0\0\0WEBPVP8 ", b"\x89PNG\r\n\x1a\n"])
def test_what_is_no_image_of_the_known_kinds_is_refused(tmp_path, content):
    (tmp_path / "a.png").write_bytes(content)
    for read in (imaging.read_rgb, imaging.read_label, decoding.size):
        with pytest.raises(DataError, match="Cannot decode the image"):
            read(tmp_path / "a.png")


@pytest.mark.parametrize("bits", [1, 2, 4, 8])
def test_a_palette_label_map_gives_its_indices_and_not_its_colours(tmp_path, bits):
    values = np.minimum(INDICES, np.uint8(2**bits - 1))
    assert (imaging.read_label(save(tmp_path / "a.png", palette(values, bits), bits=bits)) == values).all()


def test_a_palette_bitmap_gives_its_indices(tmp_path):
    assert (imaging.read_label(save(tmp_path / "a.bmp", palette(INDICES, 8))) == INDICES).all()


def test_the_palette_of_a_label_map_may_be_transparent_in_places(tmp_path):
    path = save(tmp_path / "a.png", palette(INDICES, 8), transparency=0)
    assert (imaging.read_label(path) == INDICES).all()


@pytest.mark.parametrize("bits", [1, 2, 4])
def test_a_grey_label_map_of_few_bits_gives_the_levels_that_are_stored(tmp_path, bits):
    values = np.minimum(INDICES, np.uint8(2**bits - 1))
    assert (imaging.read_label(grey_png(tmp_path / "a.png", values, bits)) == values).all()


def test_a_label_map_of_equal_channels_is_read_and_one_of_colours_is_refused(tmp_path):
    equal = np.repeat(INDICES[..., None], 3, axis=2)
    assert (imaging.read_label(save(tmp_path / "a.png", equal)) == INDICES).all()
    opaque = np.dstack([equal, np.full(INDICES.shape, 255, np.uint8)])
    assert (imaging.read_label(save(tmp_path / "a.png", opaque)) == INDICES).all()
    with pytest.raises(DataError, match=r"not colours; write in place of each colour the number of its class"):
        imaging.read_label(save(tmp_path / "a.png", RGB))


def test_a_label_map_of_16_bit_or_lossy_is_refused(tmp_path):
    cv2.imwrite(str(tmp_path / "a.png"), INDICES.astype(np.uint16))
    with pytest.raises(DataError, match="one 8-bit channel"):
        imaging.read_label(tmp_path / "a.png")
    cv2.imwrite(str(tmp_path / "b.png"), np.repeat(INDICES.astype(np.uint16)[..., None], 3, axis=2))
    with pytest.raises(DataError, match="one 8-bit channel"):
        imaging.read_label(tmp_path / "b.png")
    with pytest.raises(DataError, match="is a JPEG"):
        imaging.read_label(save(tmp_path / "a.jpg", INDICES))


def test_the_size_of_an_image_is_height_and_width(tmp_path):
    assert decoding.size(save(tmp_path / "a.png", RGB)) == (24, 40)


def test_text_in_a_png_is_not_taken_for_a_tag(tmp_path):
    note = PngInfo()
    note.add_text("Comment", "eXIf")
    assert (imaging.read_rgb(save(tmp_path / "a.png", RGB, pnginfo=note)) == RGB).all()
