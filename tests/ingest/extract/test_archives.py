import io
import random
import tarfile
import zipfile
from pathlib import Path
from typing import Any

import pytest

from ingest.extract import archives
from ingest.extract.archives import list_archive, unpack_archive
from ingest.extract.base import DamagedFileError
from tests.file_samples import SENTENCE, docx, tar_gz, zip_of_chinese_windows, zipped


def files_below(folder: Path) -> set[str]:
    return {path.relative_to(folder).as_posix() for path in folder.rglob("*") if not path.is_dir()}


def zip_at(path: Path, members: dict[str, bytes]) -> Path:
    path.write_bytes(zipped(members))
    return path


def test_what_can_be_read_is_unpacked_and_the_rest_named_with_its_reason(tmp_path: Path) -> None:
    members = {
        "notes/a.md": SENTENCE.encode(),
        "b.docx": docx(SENTENCE),
        "README": SENTENCE.encode(),
        "program": b"\x7fELF\x00\x00\x01\x00",
        "photo.bin": b"x",
        ".secret.md": b"x",
        "__MACOSX/a.md": b"x",
        "inner.zip": zipped({"c.md": b"x"}),
    }
    content = unpack_archive(zip_at(tmp_path / "a.zip", members), tmp_path / "out")
    assert set(content.members) == {"notes/a.md", "b.docx", "README", "inner.zip"}
    assert files_below(tmp_path / "out") == set(content.members)
    assert dict(reversed(pair) for pair in content.left_out) == {
        "program": "no_reader",
        "photo.bin": "no_reader",
        ".secret.md": "hidden",
        "__MACOSX/a.md": "hidden",
    }
    assert list_archive(tmp_path / "a.zip") == content


@pytest.mark.parametrize(
    "name", ["../evil.md", "/etc/evil.md", "a/../../evil.md", "C:/evil.md", "..\\evil.md"]
)
def test_no_name_leads_out_of_the_folder(name: str, tmp_path: Path) -> None:
    packed = zip_at(tmp_path / "a.zip", {name: b"x", "good.md": b"y"})
    content = unpack_archive(packed, tmp_path / "deep" / "out")
    assert content.members == ("good.md",)
    assert [reason for reason, _ in content.left_out] == ["unsafe_name"]
    assert files_below(tmp_path) == {"a.zip", "deep/out/good.md"}


def test_links_in_an_archive_are_not_followed(tmp_path: Path) -> None:
    (tmp_path / "a.tar.gz").write_bytes(
        tar_gz({"out/a.md": b"x"}, ("passwd.md", "/etc/passwd"), ("out", "/etc"))
    )
    content = unpack_archive(tmp_path / "a.tar.gz", tmp_path / "unpacked")
    assert content.members == ("out/a.md",)
    assert set(content.left_out) == {("special", "passwd.md"), ("special", "out")}


def test_names_of_chinese_windows_are_read(tmp_path: Path) -> None:
    names = {"值班/手册.md": b"# x", "说明.txt": b"y"}
    (tmp_path / "a.zip").write_bytes(zip_of_chinese_windows(names))
    assert set(list_archive(tmp_path / "a.zip").members) == set(names)


def test_western_names_without_a_flag_stay_western(tmp_path: Path) -> None:
    packed = zipped({"R__sum__.md": b"x"}).replace(b"R__sum__", b"R\x82sum\x82_.")
    (tmp_path / "a.zip").write_bytes(packed)
    assert list_archive(tmp_path / "a.zip").members == ("Résumé_..md",)


@pytest.mark.parametrize("suffix", [".tar", ".tgz", ".tar.bz2", ".tar.xz"])
def test_each_packing_of_a_tar_file_is_read(suffix: str, tmp_path: Path) -> None:
    mode = {".tar": "w", ".tgz": "w:gz", ".tar.bz2": "w:bz2", ".tar.xz": "w:xz"}[suffix]
    (tmp_path / "a.md").write_text(SENTENCE)
    with tarfile.open(tmp_path / f"a{suffix}", mode) as packed:  # type: ignore[call-overload]
        packed.add(tmp_path / "a.md", "./a.md")
    assert unpack_archive(tmp_path / f"a{suffix}", tmp_path / "out").members == ("a.md",)
    assert (tmp_path / "out" / "a.md").read_text() == SENTENCE


@pytest.mark.parametrize("suffix", ["gz", "bz2", "xz"])
def test_one_packed_file_is_an_archive_of_one(suffix: str, tmp_path: Path) -> None:
    import importlib

    module = importlib.import_module({"gz": "gzip", "bz2": "bz2", "xz": "lzma"}[suffix])
    (tmp_path / f"a.md.{suffix}").write_bytes(module.compress(SENTENCE.encode()))
    assert unpack_archive(tmp_path / f"a.md.{suffix}", tmp_path / "out").members == ("a.md",)
    assert (tmp_path / "out" / "a.md").read_text() == SENTENCE


@pytest.mark.parametrize("packing", ["gz", "bz2", "xz"])
def test_a_packed_tar_file_is_read_once(
    packing: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Without a suffix the bytes decide what a file is; a step back would unpack all before it.
    packed = tmp_path / f"a.tar.{packing}"
    bodies = {
        f"notes{n}": f"{SENTENCE} {random.Random(n).randbytes(20_000).hex()}" for n in range(20)
    }
    with tarfile.open(packed, f"w:{packing}") as archive:  # type: ignore[call-overload]
        for name, body in bodies.items():
            entry = tarfile.TarInfo(name)
            entry.size = len(body.encode())
            archive.addfile(entry, io.BytesIO(body.encode()))
    open_plainly, taken = tarfile.open, []

    class Counted(io.FileIO):
        def readinto(self, buffer: Any) -> int | None:
            taken.append(super().readinto(buffer) or 0)
            return taken[-1]

    monkeypatch.setattr(
        tarfile,
        "open",
        lambda path: open_plainly(fileobj=io.BufferedReader(Counted(path))),
    )
    assert len(unpack_archive(packed, tmp_path / "out").members) == len(bodies)
    assert {name: (tmp_path / "out" / name).read_text() for name in bodies} == bodies
    assert sum(taken) < 2 * packed.stat().st_size


def test_bombs_stop_at_the_bound(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(archives, "MAX_FILE_BYTES", 1_000_000)
    monkeypatch.setattr(archives, "MAX_UNPACKED", 2_500_000)
    members = {f"{number}.txt": b"a" * 900_000 for number in range(5)} | {"6.txt": b"b" * 1_100_000}
    content = unpack_archive(zip_at(tmp_path / "a.zip", members), tmp_path / "out")
    assert content.members == ("0.txt", "1.txt")
    assert {reason for reason, _ in content.left_out} == {"beyond_bounds"}
    assert len(content.left_out) == 4
    # A size that is a lie: a gzip file does not even say it.
    import gzip

    (tmp_path / "b.txt.gz").write_bytes(gzip.compress(b"a" * 3_000_000))
    assert unpack_archive(tmp_path / "b.txt.gz", tmp_path / "out2").members == ()
    assert files_below(tmp_path / "out2") == set()


def test_no_more_than_so_many_files_are_looked_at(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(archives, "MAX_MEMBERS", 3)
    packed = zip_at(tmp_path / "a.zip", {f"{number}.md": b"x" for number in range(9)})
    content = list_archive(packed)
    assert len(content.members) == 3
    assert content.left_out == (("beyond_bounds", "…"),)


def test_a_wrong_checksum_costs_its_own_file(tmp_path: Path) -> None:
    packed = zipped({"a.md": SENTENCE.encode() * 9, "b.md": b"whole"})
    place = packed.index(b"a.md") + 20
    (tmp_path / "a.zip").write_bytes(packed[:place] + b"\x00\x01" + packed[place + 2 :])
    content = unpack_archive(tmp_path / "a.zip", tmp_path / "out")
    assert content.members == ("b.md",)
    assert content.left_out == (("unreadable", "a.md"),)


def test_what_comes_before_the_damage_stays(tmp_path: Path) -> None:
    whole = tar_gz({f"{number}.md": bytes(range(256)) * 40 for number in range(9)})
    import gzip

    cut = gzip.decompress(whole)[:30_000]
    (tmp_path / "a.tar").write_bytes(cut)
    content = unpack_archive(tmp_path / "a.tar", tmp_path / "out")
    assert content.members
    assert content.left_out


@pytest.mark.parametrize("name", ["a.zip", "a.tar", "a.tar.gz", "a.tar.xz"])
def test_what_is_no_archive_is_said_to_be_damaged(name: str, tmp_path: Path) -> None:
    for body in (
        b"",
        b"no archive at all",
        zipped({"a.md": b"x"})[:40],
        tar_gz({"a.md": b"x"})[:30],
    ):
        (tmp_path / name).write_bytes(body)
        with pytest.raises(DamagedFileError):
            list_archive(tmp_path / name)


def test_a_protected_file_is_left_out(tmp_path: Path) -> None:
    written = io.BytesIO()
    with zipfile.ZipFile(written, "w") as archive:
        archive.writestr("locked.md", b"x")
    body = bytearray(written.getvalue())
    for mark, offset in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        body[body.index(mark) + offset] |= 1
    (tmp_path / "a.zip").write_bytes(body)
    assert list_archive(tmp_path / "a.zip").left_out == (("encrypted", "locked.md"),)
