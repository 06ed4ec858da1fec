"""A zip of photos is unpacked within limits, in a process of its own."""

from __future__ import annotations

import io
import random
import zipfile
from collections.abc import Callable, Iterator

import pytest

from recon.pipeline.decoding.opening import Opener
from recon.pipeline.decoding.pool import Pool
from recon.pipeline.decoding.slots import Slots
from recon.pipeline.errors import UserError
from recon.pipeline.photos.photo_zips import ZipLimits, is_zip, unpack
from tests.zips import bomb, claiming, locked, zip_of

LIMITS = ZipLimits(max_photos=20, min_photos=3, max_bytes=4 * 2**20, max_photo_bytes=3 * 2**20)
MODEL = {"sparse/0/cameras.bin": b"c", "sparse/0/images.bin": b"i"}


def out_of(content: bytes) -> list[tuple[str, str]]:
    return [(one.kind, one.path) for one in unpack(io.BytesIO(content), "a.zip", LIMITS)]


def code_of(content: bytes) -> str:
    with pytest.raises(UserError) as caught:
        out_of(content)
    return caught.value.code


def test_photos_come_out_by_path_then_the_positions() -> None:
    content = zip_of({"set/b.JPG": b"b", "set/a.png": b"a", "notes.txt": b"", **MODEL})
    assert out_of(content) == [
        ("photo", "set/a.png"),
        ("photo", "set/b.JPG"),
        ("poses", "sparse/0/cameras.bin"),
        ("poses", "sparse/0/images.bin"),
    ]


def test_what_systems_hide_in_zips_is_no_photo() -> None:
    names = ["a.jpg", "__MACOSX/._a.jpg", ".hidden/b.jpg", "._c.jpg", "folder/"]
    assert out_of(zip_of(dict.fromkeys(names, b""))) == [("photo", "a.jpg")]


def test_smaller_copies_of_the_photos_are_left_out() -> None:
    names = ["d/images/a.jpg", "d/images_2/a.jpg", "d/images_8/a.jpg", "e_2/b.jpg"]
    found = [path for _, path in out_of(zip_of(dict.fromkeys(names, b"")))]
    assert found == ["d/images/a.jpg", "e_2/b.jpg"]


@pytest.mark.parametrize(
    "name", ["../a.jpg", "x/../../a.jpg", "/a.jpg", "C:\\a.jpg", "..\\a.jpg", "\\\\box\\a.jpg"]
)
def test_names_that_lead_out_are_refused(name: str) -> None:
    assert code_of(zip_of({name: b"a", "b.jpg": b"b"})) == "zip_unsafe"


HURTING: dict[str, tuple[Callable[[], bytes], str]] = {
    "link": (lambda: zip_of({}, link="a.jpg"), "zip_unsafe"),
    "nested": (lambda: zip_of({"a.jpg": b"a", "more.ZIP": zip_of({})}), "zip_nested"),
    "locked": (lambda: locked(zip_of({"a.jpg": b"a"})), "zip_encrypted"),
    "bomb": (bomb, "zip_too_large"),
    "large": (lambda: zip_of({"a.jpg": bytes(5 * 2**20)}), "zip_too_large"),
    "a large photo": (lambda: zip_of({"a.jpg": bytes(3 * 2**20 + 1)}), "zip_photo_too_large"),
    "claims more": (lambda: claiming(zip_of({"a.jpg": b"a"}), 2**32 - 2), "zip_too_large"),
    "claims less": (lambda: claiming(zip_of({"a.jpg": b"a" * 99}), 5), "zip_unreadable"),
    "other files": (lambda: zip_of({"a.txt": b"a"}), "zip_without_photos"),
    "empty": (lambda: zip_of({}), "zip_without_photos"),
    "many photos": (lambda: zip_of({f"{n}.jpg": b"" for n in range(21)}), "too_many_photos"),
    "many files": (lambda: zip_of({f"{n}.txt": b"" for n in range(10_001)}), "zip_too_large"),
    "cut off": (lambda: zip_of({"a.jpg": b"a" * 1000})[:500], "zip_unreadable"),
    "its head alone": (lambda: b"PK\x03\x04", "zip_unreadable"),
}


@pytest.mark.parametrize("kind", HURTING)
def test_what_is_made_to_hurt_or_broken_is_refused(kind: str) -> None:
    content, code = HURTING[kind]
    assert code_of(content()) == code


def test_damage_is_never_another_kind_of_error() -> None:
    whole = zip_of({"a.jpg": b"a" * 200, "b.jpg": b"b" * 200}, kind=zipfile.ZIP_DEFLATED)
    chance = random.Random(3)
    codes = set()
    for _ in range(400):
        damaged = bytearray(whole)
        for _ in range(3):
            damaged[chance.randrange(len(damaged))] = chance.randrange(256)
        try:
            out_of(bytes(damaged))
        except UserError as error:
            codes.add(error.code)
    assert "zip_unreadable" in codes


def test_a_zip_is_known_by_its_content() -> None:
    assert is_zip(zip_of({"a": b""})[:64])
    assert is_zip(zip_of({})[:64])
    assert not is_zip(b"\xff\xd8\xff" + bytes(61))


@pytest.fixture(scope="module")
def opener() -> Iterator[Opener]:
    pool = Pool(Slots(1))
    yield Opener(pool)
    pool.close()


@pytest.mark.slow
def test_a_process_of_its_own_says_the_same(opener: Opener) -> None:
    content = zip_of({"x/a.jpg": b"photo" * 1000, **MODEL})
    there = list(opener.unpack(io.BytesIO(content), name="a.zip", limits=LIMITS))
    assert there == list(unpack(io.BytesIO(content), "a.zip", LIMITS))
    with pytest.raises(UserError) as caught:
        list(opener.unpack(io.BytesIO(bomb()), name="a.zip", limits=LIMITS))
    assert caught.value.code == "zip_too_large"
