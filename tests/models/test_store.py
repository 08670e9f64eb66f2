from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from models.errors import ManifestError, ModelFileError, ModelUnavailableError, NotADetectorError
from models.fetch import FetchError, Opener
from models.manifest import Manifest, ModelEntry
from models.spec import ModelSpec
from models.store import ModelStore, user_store

MakeEntry = Callable[..., ModelEntry]


def serving(data: bytes, *, chunk: int = 1000, fail_after: int | None = None) -> Opener:
    @contextmanager
    def opener(address: str) -> Iterator[Iterator[bytes]]:
        assert address.startswith("https://")

        def chunks() -> Iterator[bytes]:
            for start in range(0, len(data), chunk):
                if fail_after is not None and start >= fail_after:
                    raise FetchError("connection lost")
                yield data[start : start + chunk]

        yield chunks()

    return opener


def accept(spec: ModelSpec) -> None:
    assert spec.path.is_file()


def refuse(spec: ModelSpec) -> None:
    raise NotADetectorError(spec.id, "it finds nothing", "use another")


def test_the_order_is_path_given_then_store_then_further_folders(
    tmp_path: Path, model_entry: MakeEntry, model_bytes: bytes
) -> None:
    folders = [tmp_path / "given", tmp_path / "store", tmp_path / "beside"]
    for folder in folders:
        folder.mkdir()
        (folder / "small.onnx").write_bytes(model_bytes)
    store = ModelStore(folders[1], Manifest(models=(model_entry(),)), also=[folders[2]], opener=None)
    assert store.resolve("small", path=folders[0] / "small.onnx").path == folders[0] / "small.onnx"
    assert store.resolve("small").path == folders[1] / "small.onnx"
    (folders[1] / "small.onnx").unlink()
    spec = store.resolve("small")
    assert spec.path == folders[2] / "small.onnx"
    assert (spec.id, spec.licence, spec.labels[0]) == ("small", "Apache-2.0", "person")


@pytest.mark.parametrize(
    ("spoil", "told"),
    [
        (lambda data: data[:-1], "truncated: 10239 of 10240 bytes"),
        (lambda data: b"", "truncated: 0 of"),
        (lambda data: data + b"x", "longer than"),
        (lambda data: b"\x01" + data[1:], "sha256"),
    ],
    ids=["truncated", "empty", "too long", "another file"],
)
def test_a_wrong_file_is_refused_by_name_and_not_passed_over(
    tmp_path: Path, model_entry: MakeEntry, model_bytes: bytes, spoil: Callable[[bytes], bytes], told: str
) -> None:
    (tmp_path / "small.onnx").write_bytes(spoil(model_bytes))
    store = ModelStore(tmp_path, Manifest(models=(model_entry(),)), opener=serving(model_bytes))
    with pytest.raises(ModelFileError) as caught:
        store.resolve("small")
    assert str(tmp_path / "small.onnx") in str(caught.value)
    assert told in caught.value.fault
    assert "models pull small" in caught.value.action
    assert [listing.fault is None for listing in store.listings()] == [False]
    # The advice works: a pull puts the right file in the wrong one's place.
    store.pull("small")
    assert store.resolve("small").path.read_bytes() == model_bytes


def test_what_is_nowhere_is_pulled_into_the_store(tmp_path: Path, model_entry: MakeEntry, model_bytes: bytes) -> None:
    store = ModelStore(tmp_path / "new" / "store", Manifest(models=(model_entry(),)), opener=serving(model_bytes))
    assert [listing.path for listing in store.listings()] == [None]
    spec = store.resolve("small")
    assert spec.path.read_bytes() == model_bytes
    assert [path.name for path in store.home.iterdir()] == ["small.onnx"]


@pytest.mark.parametrize("case", ["lost half way", "truncated", "endless", "another file"])
def test_a_bad_download_leaves_nothing_behind(
    tmp_path: Path, model_entry: MakeEntry, model_bytes: bytes, case: str
) -> None:
    opener = {
        "lost half way": serving(model_bytes, fail_after=5000),
        "truncated": serving(model_bytes[:5000]),
        "endless": serving(model_bytes * 100),
        "another file": serving(bytes(len(model_bytes))),
    }[case]
    store = ModelStore(tmp_path, Manifest(models=(model_entry(),)), opener=opener)
    with pytest.raises(ModelUnavailableError) as caught:
        store.resolve("small")
    assert "https://example.org/small.onnx" in str(caught.value)
    assert "models import" in caught.value.action
    assert list(tmp_path.iterdir()) == []


def test_no_more_is_read_than_the_manifest_allows(tmp_path: Path, model_entry: MakeEntry, model_bytes: bytes) -> None:
    served = 0

    @contextmanager
    def endless(address: str) -> Iterator[Iterator[bytes]]:
        def chunks() -> Iterator[bytes]:
            nonlocal served
            while True:
                served += 1000
                yield bytes(1000)

        yield chunks()

    store = ModelStore(tmp_path, Manifest(models=(model_entry(),)), opener=endless)
    with pytest.raises(ModelUnavailableError, match="longer than"):
        store.pull("small")
    assert served <= len(model_bytes) + 1000


def test_without_a_network_the_way_round_is_told(tmp_path: Path, model_entry: MakeEntry) -> None:
    with pytest.raises(ModelUnavailableError, match=r"switched off.*import FILE --id small"):
        ModelStore(tmp_path, Manifest(models=(model_entry(),)), opener=None).resolve("small")
    with pytest.raises(ModelUnavailableError, match="names no source"):
        ModelStore(tmp_path, Manifest(models=(model_entry(source=None),)), opener=None).resolve("small")


def test_a_store_that_cannot_be_written_is_named(tmp_path: Path, model_entry: MakeEntry, model_bytes: bytes) -> None:
    (tmp_path / "small.onnx").mkdir()
    store = ModelStore(tmp_path, Manifest(models=(model_entry(),)), opener=serving(model_bytes))
    with pytest.raises(ModelUnavailableError, match="cannot be written"):
        store.pull("small")
    assert [path.name for path in tmp_path.iterdir()] == ["small.onnx"]


def test_a_known_model_can_be_imported_where_there_is_no_network(
    tmp_path: Path, model_entry: MakeEntry, model_bytes: bytes
) -> None:
    (tmp_path / "usb.onnx").write_bytes(model_bytes)
    store = ModelStore(tmp_path / "store", Manifest(models=(model_entry(),)), opener=None)
    store.import_file(tmp_path / "usb.onnx", model_entry(), accept)
    assert store.resolve("small").path == tmp_path / "store" / "small.onnx"
    assert not (store.home / "manifest.yaml").exists()


def test_a_model_of_ones_own_is_known_after_a_restart(
    tmp_path: Path, model_entry: MakeEntry, model_bytes: bytes
) -> None:
    shipped = Manifest(models=(model_entry("shipped", sha256="0" * 64),))
    (tmp_path / "mine.onnx").write_bytes(model_bytes)
    own = model_entry("mine", source=None)
    ModelStore(tmp_path / "store", shipped, opener=None).import_file(tmp_path / "mine.onnx", own, accept)
    again = ModelStore(tmp_path / "store", shipped, opener=None)
    assert [entry.id for entry in again.manifest().models] == ["shipped", "mine"]
    assert again.resolve("mine").sha256 == own.sha256


def test_an_import_that_is_refused_changes_nothing(tmp_path: Path, model_entry: MakeEntry, model_bytes: bytes) -> None:
    file = tmp_path / "usb.onnx"
    file.write_bytes(model_bytes)
    store = ModelStore(tmp_path / "store", Manifest(models=(model_entry(),)), opener=None)
    with pytest.raises(NotADetectorError):
        store.import_file(file, model_entry("mine", source=None), refuse)
    with pytest.raises(ManifestError, match="two different files"):
        store.import_file(file, model_entry(sha256="0" * 64), accept)
    file.write_bytes(model_bytes[:99])
    with pytest.raises(ModelFileError, match="truncated"):
        store.import_file(file, model_entry(), accept)
    assert not store.home.exists()


def test_the_users_store_follows_xdg() -> None:
    home = Path("/home/li")
    assert user_store({}, home) == Path("/home/li/.local/share/xueliang/models")
    assert user_store({"XDG_DATA_HOME": "/data"}, home) == Path("/data/xueliang/models")
    assert user_store({"XDG_DATA_HOME": "relative"}, home) == Path("/home/li/.local/share/xueliang/models")
