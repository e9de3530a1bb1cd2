import gc
import json
import os
import subprocess
import sys
import textwrap
import threading
import time
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from multiprocessing import get_context
from pathlib import Path

import fsspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fingan.errors import (
    FinganError,
    ModelDamagedError,
    ModelNotFoundError,
    RequestError,
    StoreError,
)
from fingan.scenarios.store import ModelStore

FILES = ("card.json", "config.json", "generator.safetensors", "manifest.json")


def write_model(directory: Path, weights: bytes = b"weights") -> None:
    (directory / "config.json").write_text('{"seed": 7}')
    (directory / "card.json").write_text('{"trained_on": "sp500-20"}')
    (directory / "generator.safetensors").write_bytes(weights)


def publish(root: str, name: str, count: int) -> list[str]:
    store = ModelStore(root)
    return [store.publish(name, write_model) for _ in range(count)]


@pytest.fixture
def store(tmp_path) -> ModelStore:
    return ModelStore(tmp_path / "models")


@pytest.fixture
def demo(store) -> Path:
    """The directory of a published model."""
    store.publish("demo", write_model)
    return Path(store.root) / "demo" / "1"


@pytest.fixture(params=["local", "file", "memory"])
def any_store(request, tmp_path) -> ModelStore:
    roots = {
        "local": str(tmp_path / "models"),
        "file": f"file://{tmp_path}/models",
        "memory": f"memory://{tmp_path.name}/models",
    }
    return ModelStore(roots[request.param])


def test_a_model_is_published_listed_and_read(any_store):
    assert any_store.publish("demo", write_model) == "demo@1"
    model = any_store.resolve("demo")
    assert model.reference == "demo@1"
    assert model.config == {"seed": 7}
    assert model.card == {"trained_on": "sp500-20"}
    assert model.read("generator.safetensors") == b"weights"
    assert model.open("generator.safetensors").read() == b"weights"
    (entry,) = any_store.list()
    assert (entry.reference, entry.digest, entry.problem) == ("demo@1", model.digest, None)
    assert entry.card == model.card
    assert any_store.show("demo")["config"] == {"seed": 7}
    assert any_store.verify("demo@1").digest == model.digest


def test_the_newest_version_answers_to_the_name_and_each_to_its_number(any_store):
    for number in range(1, 12):
        any_store.publish("demo", lambda path, number=number: write_model(path, bytes([number])))
    assert any_store.resolve("demo").reference == "demo@11"
    assert any_store.resolve("demo@2").read("generator.safetensors") == bytes([2])
    assert [entry.version for entry in any_store.list()] == list(range(1, 12))


def test_the_directory_of_a_model_holds_the_published_files(any_store):
    any_store.publish("demo", write_model)
    model = any_store.resolve("demo")
    assert sorted(path.name for path in model.directory.iterdir()) == list(FILES)
    assert (model.directory / "generator.safetensors").read_bytes() == b"weights"
    assert ModelStore("unused").resolve(f"{model.directory}/").digest == model.digest


def test_a_copy_of_a_remote_model_is_gone_with_it():
    store = ModelStore("memory://copies/models")
    store.publish("demo", write_model)
    model = store.resolve("demo")
    directory = model.directory
    assert directory.is_dir()
    del model
    gc.collect()
    assert not directory.exists()


def test_what_was_read_stays_what_was_verified(store, demo):
    model = store.resolve("demo")
    (demo / "generator.safetensors").write_bytes(b"changed")
    assert model.read("generator.safetensors") == b"weights"


def test_a_path_to_a_version_is_a_reference(store, demo):
    assert ModelStore("elsewhere").resolve(str(demo)).reference == "demo@1"
    with pytest.raises(ModelNotFoundError, match=r"must be given as 'name' or 'name@version', got"):
        store.resolve(str(demo), paths=False)
    with pytest.raises(ModelNotFoundError, match=r"the directory of a model version; its versions"):
        store.resolve(str(demo.parent))


def test_a_url_of_a_version_is_a_reference():
    ModelStore("memory://urls/models").publish("demo", write_model)
    assert ModelStore("x").resolve("memory://urls/models/demo/1").reference == "demo@1"


@pytest.mark.parametrize("name", FILES)
def test_every_flipped_bit_is_refused(store, demo, name):
    content = (demo / name).read_bytes()
    for position in range(len(content)):
        flipped = bytearray(content)
        flipped[position] ^= 1 << position % 8
        (demo / name).write_bytes(flipped)
        with pytest.raises(ModelDamagedError, match=name):
            store.resolve("demo")


@pytest.mark.parametrize("name", FILES)
def test_every_truncation_and_addition_is_refused(store, demo, name):
    content = (demo / name).read_bytes()
    for changed in (*(content[:length] for length in range(len(content))), content + b"\n"):
        (demo / name).write_bytes(changed)
        with pytest.raises(ModelDamagedError, match=name):
            store.verify("demo")


@pytest.mark.parametrize("name", FILES)
def test_a_missing_file_is_refused_by_its_name(store, demo, name):
    (demo / name).unlink()
    with pytest.raises(ModelDamagedError, match=rf"{name} is missing; publish the model again"):
        store.resolve("demo")


@pytest.mark.parametrize("name", FILES)
def test_a_link_in_place_of_a_file_is_refused(store, demo, tmp_path, name):
    (demo / name).rename(tmp_path / "outside")
    (demo / name).symlink_to(tmp_path / "outside")
    with pytest.raises(ModelDamagedError, match=rf"{name} must be a regular file"):
        store.resolve("demo")


def test_a_pipe_or_directory_in_place_of_a_file_is_refused(store, demo):
    (demo / "card.json").unlink()
    os.mkfifo(demo / "card.json")
    with pytest.raises(ModelDamagedError, match=r"card.json must be a regular file"):
        store.resolve("demo")
    (demo / "card.json").unlink()
    (demo / "card.json").mkdir()
    with pytest.raises(ModelDamagedError, match=r"card.json must be a regular file"):
        store.resolve("demo")


def test_a_link_in_place_of_a_version_is_refused(store, demo, tmp_path):
    demo.rename(tmp_path / "outside")
    demo.symlink_to(tmp_path / "outside")
    with pytest.raises(ModelDamagedError, match=r"must be a directory, not a link|Not a directory"):
        store.resolve("demo")


def test_an_added_file_is_refused(store, demo):
    (demo / "evil.pkl").write_bytes(b"")
    with pytest.raises(ModelDamagedError, match=r"evil\.pkl is no file of this model"):
        store.resolve("demo")


def test_a_version_under_another_number_or_name_is_refused(store, demo):
    demo.rename(demo.parent / "5")
    with pytest.raises(ModelDamagedError, match=r"must be demo@5, but is demo@1"):
        store.resolve("demo")
    assert store.list()[0].problem is not None


def test_a_rewritten_manifest_that_leaves_the_directory_is_refused(store, demo):
    document = json.loads((demo / "manifest.json").read_text())
    document["files"]["../../secret"] = document["files"].pop("card.json")
    (demo / "manifest.json").write_text(json.dumps(document))
    with pytest.raises(ModelDamagedError, match=r"manifest.json"):
        store.resolve("demo")


@pytest.mark.parametrize(
    "content", [b"", b"[]", b"{}", b'{"a": NaN}', b'{"a": 1, "a": 2}', b"[" * 100_000, b"\xff"]
)
def test_a_manifest_that_is_no_manifest_is_refused(store, demo, content):
    (demo / "manifest.json").write_bytes(content)
    with pytest.raises(ModelDamagedError, match=r"manifest.json"):
        store.resolve("demo")


def test_a_huge_manifest_is_refused_without_reading_it(store, demo):
    with (demo / "manifest.json").open("r+b") as file:
        file.truncate(2**34)
    with pytest.raises(ModelDamagedError, match=r"must be at most 16,777,216 bytes"):
        store.resolve("demo")


def test_the_list_shows_damage_beside_the_whole(store, demo):
    store.publish("demo", write_model)
    (demo / "card.json").write_text("{}")
    damaged, whole = store.list()
    assert damaged.digest is None
    assert "card.json is not the file of this model" in str(damaged.problem)
    assert whole.problem is None


def test_asking_whether_a_store_can_be_written_leaves_nothing(any_store, tmp_path):
    any_store.check_writable("demo")
    assert list(tmp_path.iterdir()) == []
    with pytest.raises(RequestError, match=r"a model's name must be"):
        any_store.check_writable("../demo")
    with pytest.raises(StoreError, match=r"store '/proc/models' cannot be written: "):
        ModelStore("/proc/models").check_writable("demo")


@pytest.mark.parametrize("fault", [RuntimeError, KeyboardInterrupt])
def test_a_failed_publication_leaves_nothing(any_store, tmp_path, fault):
    def fail(directory: Path) -> None:
        write_model(directory)
        raise fault

    with pytest.raises(fault):
        any_store.publish("demo", fail)
    assert any_store.list() == []
    assert list(tmp_path.iterdir()) == []
    any_store.publish("demo", write_model)
    with pytest.raises(fault):
        any_store.publish("demo", fail)
    assert any_store.resolve("demo").reference == "demo@1"
    if tmp_path.joinpath("models").exists():
        assert [path.name for path in (tmp_path / "models" / "demo").iterdir()] == ["1"]


@pytest.mark.parametrize(
    ("write", "words"),
    [
        (lambda _: None, "a model must hold card.json and config.json"),
        (lambda path: (path / "a.b").symlink_to("/etc/passwd"), "plain files only, got 'a.b'"),
        (lambda path: (path / "inner").mkdir(), "plain files only, got 'inner'"),
        (lambda path: (path / "manifest.json").touch(), "plain files only, got 'manifest.json'"),
    ],
)
def test_what_is_no_model_is_not_published(store, write, words):
    with pytest.raises(ValueError, match=words):
        store.publish("demo", write)
    assert not Path(store.root).exists()


def test_a_number_that_is_taken_by_anything_is_passed_over(store, demo):
    (demo.parent / "2").write_text("a file")
    (demo.parent / "3").mkdir()
    (demo.parent / "3" / "something").touch()
    assert store.publish("demo", write_model) == "demo@4"
    assert (demo.parent / "2").read_text() == "a file"


def test_drafts_are_not_seen_and_only_old_ones_are_collected(store, demo):
    young, old = demo.parent / ".tmp-young", demo.parent / ".tmp-old"
    for draft in (young, old):
        draft.mkdir()
        write_model(draft)
    yesterday = time.time() - 25 * 3600
    os.utime(old, (yesterday, yesterday))
    assert [entry.reference for entry in store.list()] == ["demo@1"]
    store.publish("demo", write_model)
    assert young.exists()
    assert not old.exists()


def test_publishing_threads_get_each_a_version_of_their_own(any_store):
    barrier = threading.Barrier(4)

    def work(_: int) -> list[str]:
        barrier.wait()
        return publish(any_store.root, "demo", 5)

    with ThreadPoolExecutor(4) as pool:
        references = [reference for found in pool.map(work, range(4)) for reference in found]
    assert len(set(references)) == 20
    assert {entry.problem for entry in any_store.list()} == {None}
    assert len(any_store.list()) == 20


def test_publishing_processes_get_versions_without_gaps(store):
    with ProcessPoolExecutor(3, mp_context=get_context("spawn")) as pool:
        found = pool.map(publish, [store.root] * 3, ["demo"] * 3, [25] * 3)
        references = {reference for part in found for reference in part}
    assert references == {f"demo@{number}" for number in range(1, 76)}
    assert len(list((Path(store.root) / "demo").iterdir())) == 75


KILLED_AT_EACH_CALL = """
    import os, sys
    from fingan.scenarios.store import ModelStore

    def write(directory):
        for name in ("config.json", "card.json", "generator.safetensors"):
            (directory / name).write_text('{"new": 1}')

    def publish_until(number):
        calls = 0
        def kill(event, arguments):
            nonlocal calls
            calls += event.startswith(("open", "os."))
            if calls == number:
                os._exit(9)
        sys.addaudithook(kill)
        ModelStore(sys.argv[1]).publish("demo", write)
        os._exit(0)

    number, killed = 0, True
    while killed:
        number += 1
        child = os.fork()
        if not child:
            publish_until(number)
        killed = os.waitpid(child, 0)[1] != 0
        store = ModelStore(sys.argv[1])
        newest, entries = store.resolve("demo"), store.list()
        assert {entry.problem for entry in entries} == {None}, entries
        assert newest.config == ({"seed": 7} if newest.reference == "demo@1" else {"new": 1})
    print(number, len(entries))
"""


@pytest.mark.usefixtures("demo")
def test_a_writer_killed_at_any_call_leaves_the_old_version_or_a_whole_new_one(store):
    program = textwrap.dedent(KILLED_AT_EACH_CALL)
    run = [sys.executable, "-c", program, store.root]
    done = subprocess.run(run, check=False, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    n_calls, n_versions = map(int, done.stdout.split())
    assert n_calls > 20
    assert n_versions >= 2


def test_an_upload_without_manifest_does_not_count():
    store = ModelStore("memory://uploads/models")
    store.publish("demo", write_model)
    fsspec.filesystem("memory").pipe("/uploads/models/demo/2/config.json", b"{}")
    assert store.resolve("demo").reference == "demo@1"
    assert [entry.version for entry in store.list()] == [1]


def test_a_changed_object_of_a_bucket_is_refused():
    store = ModelStore("memory://changed/models")
    store.publish("demo", write_model)
    memory = fsspec.filesystem("memory")
    memory.pipe("/changed/models/demo/1/generator.safetensors", b"Weights")
    with pytest.raises(ModelDamagedError, match=r"generator.safetensors is not the file"):
        store.resolve("demo")


def test_an_unknown_name_is_answered_with_the_nearest(store):
    store.publish("equities", write_model)
    store.publish("rates", write_model)
    with pytest.raises(ModelNotFoundError, match=r"did you mean 'equities'\? it has equities, rat"):
        store.resolve("equites")
    with pytest.raises(ModelNotFoundError, match=r"model 'equities' has no version 7; it has 1"):
        store.resolve("equities@7")


def test_an_empty_store_says_so(any_store):
    assert any_store.list() == []
    with pytest.raises(ModelNotFoundError, match=r"model 'demo' is not in store '.*', which is"):
        any_store.resolve("demo")


@given(name=st.text(max_size=80))
def test_a_name_is_published_or_refused_but_never_leaves_the_store(tmp_path_factory, name):
    home = tmp_path_factory.mktemp("home")
    store = ModelStore(home / "models")
    try:
        reference = store.publish(name, write_model)
    except RequestError:
        assert list(home.iterdir()) == []
    else:
        assert reference == f"{name}@1"
        assert (home / "models" / name / "1" / "manifest.json").exists()


@given(
    reference=st.one_of(
        st.text(max_size=80),
        st.lists(st.sampled_from(["..", ".", "/", "\\", "%2e", "demo", "@", "1", "\0"])).map(
            "".join
        ),
    )
)
def test_a_reference_of_a_stranger_finds_a_model_or_nothing(tmp_path_factory, reference):
    home = tmp_path_factory.getbasetemp() / "strangers"
    store = ModelStore(home / "models")
    if not home.exists():
        store.publish("demo", write_model)
        ModelStore(home / "secret").publish("demo", write_model)
    try:
        model = store.resolve(reference, paths=False)
    except ModelNotFoundError:
        return
    assert model.reference == "demo@1"
    assert model.directory == home / "models" / "demo" / "1"


@given(reference=st.text(max_size=40))
def test_any_text_is_answered_in_one_sentence(tmp_path_factory, reference):
    store = ModelStore(tmp_path_factory.getbasetemp() / "nowhere")
    with pytest.raises(FinganError) as refused:
        store.resolve(reference)
    assert str(refused.value)


@pytest.mark.parametrize("name", ["..", "../x", "a/b", "", "A", "-a", "a" * 65, "demo@1", "a.b"])
def test_a_name_that_is_not_plain_is_refused(store, name):
    with pytest.raises(RequestError, match=r"a model's name must be 1 to 64 lower-case letters"):
        store.publish(name, write_model)


def test_a_store_without_rights_is_refused_in_one_sentence(tmp_path):
    with pytest.raises(StoreError, match=r"store '/proc/models' cannot be written: "):
        ModelStore("/proc/models").publish("demo", write_model)
    (tmp_path / "file").touch()
    with pytest.raises(StoreError, match=r"cannot be written: Not a directory"):
        ModelStore(tmp_path / "file" / "models").publish("demo", write_model)
    with pytest.raises(StoreError, match=r"cannot be read: Not a directory"):
        ModelStore(tmp_path / "file").list()


@pytest.mark.parametrize("number", range(1, 9))
def test_no_failure_to_sync_is_called_a_success(store, demo, monkeypatch, number):
    calls = []
    sync = os.fsync

    def fail(descriptor: int) -> None:
        calls.append(descriptor)
        if len(calls) == number:
            raise OSError(5, "Input/output error")
        sync(descriptor)

    monkeypatch.setattr(os, "fsync", fail)
    if number > 6:  # three files, the manifest, the draft, its parent
        assert store.publish("demo", write_model) == "demo@2"
        return
    with pytest.raises(StoreError, match=r"cannot be written: Input/output error"):
        store.publish("demo", write_model)
    assert {path.name for path in demo.parent.iterdir()} <= {"1", "2"}
    assert {entry.problem for entry in store.list()} == {None}


@pytest.mark.usefixtures("demo")
def test_a_model_without_the_file_that_is_asked_for_says_what_it_has(store):
    with pytest.raises(ModelDamagedError, match=r"has no file 'x'; it has card.json, config.json"):
        store.resolve("demo").read("x")
