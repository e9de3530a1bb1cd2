"""Models come, go, are damaged and mended, while others are served."""

import json
import shutil
import time

import pytest

from fingan.errors import ModelDamagedError, ModelNotFoundError
from fingan.scenarios.store import ModelStore
from serve.model_shelf import ModelShelf

PLENTY = 2**30


@pytest.fixture
def own(store, tmp_path):
    """A store with ``tiny@1`` that a test may change."""
    shutil.copytree(store / "tiny" / "1", tmp_path / "own" / "tiny" / "1")
    return tmp_path / "own"


@pytest.fixture
def heard():
    return []


@pytest.fixture
def shelf(own, heard):
    return ModelShelf(
        str(own), model_bytes=PLENTY, refusal_seconds=0, tell=lambda *event: heard.append(event)
    )


def publish(own, source, **changes):
    """The files of a version as the next one, some of them replaced."""

    def write(draft):
        for path in source.iterdir():
            if path.name != "manifest.json":
                (draft / path.name).write_bytes(changes.get(path.stem, path.read_bytes()))

    return ModelStore(own).publish("tiny", write)


def reference(shelf, asked="tiny"):
    return shelf.get(asked).sampler.reference


def listed(shelf, name):
    return next(one for one in shelf.listing()["models"] if one["model"] == name)


def wait_for(what, seconds=10.0):
    end = time.monotonic() + seconds
    while not what():
        assert time.monotonic() < end, "it did not happen in time"
        time.sleep(0.01)


def test_a_model_in_use_moves_to_its_new_version_when_the_store_is_looked_at(
    shelf, own, store, heard
):
    assert reference(shelf) == "tiny@1"
    publish(own, store / "tiny" / "2")
    assert reference(shelf) == "tiny@1"
    shelf.look()
    assert reference(shelf) == "tiny@2"
    assert reference(shelf, "tiny@1") == "tiny@1"
    assert [event for event, _ in heard] == ["model-loaded", "model-loaded", "model-current"]
    assert [listed(shelf, f"tiny@{n}")["is_served"] for n in (1, 2)] == [False, True]


def test_a_version_that_this_software_cannot_read_is_refused_and_the_next_one_is_not(
    shelf, own, store, heard
):
    assert reference(shelf) == "tiny@1"
    sound = store / "tiny" / "2"
    shape = json.loads((sound / "market.json").read_bytes())
    publish(own, sound, market=json.dumps(shape | {"assets": shape["assets"][:2]}).encode())
    publish(own, sound, history=b"")
    for _ in range(3):
        shelf.look()
    assert reference(shelf) == "tiny@1"
    assert listed(shelf, "tiny@2")["problem"]
    assert [event for event, _ in heard].count("model-refused") == 2
    with pytest.raises(ModelDamagedError):
        shelf.get("tiny@3")
    publish(own, sound)
    shelf.look()
    assert reference(shelf) == "tiny@4"


def test_a_name_without_a_sound_version_says_why(own):
    (own / "tiny" / "1" / "card.json").write_text("{}")
    shelf = ModelShelf(str(own), model_bytes=PLENTY)
    with pytest.raises(ModelDamagedError, match=r"no sound version: .*card.json"):
        shelf.get("tiny")
    assert not listed(shelf, "tiny@1")["is_served"]


def test_a_version_that_was_copied_while_it_was_looked_at_is_served_once_it_is_whole(
    shelf, own, store
):
    assert reference(shelf) == "tiny@1"
    half = own / "tiny" / "2"
    shutil.copytree(store / "tiny" / "2", half)
    (half / "config.json").rename(own / "config.json")
    shelf.look()
    assert reference(shelf) == "tiny@1"
    assert "config.json is missing" in listed(shelf, "tiny@2")["problem"]
    (own / "config.json").rename(half / "config.json")
    shelf.look()
    assert reference(shelf) == "tiny@2"
    assert listed(shelf, "tiny@2")["problem"] is None


def test_a_refused_version_is_left_alone_for_a_while(own, store, heard):
    shelf = ModelShelf(
        str(own), model_bytes=PLENTY, refusal_seconds=60, tell=lambda *event: heard.append(event)
    )
    shutil.copytree(store / "tiny" / "2", own / "tiny" / "2")
    config = own / "tiny" / "2" / "config.json"
    whole = config.read_bytes()
    config.write_bytes(b"")
    shelf.look()
    assert reference(shelf) == "tiny@1"
    config.write_bytes(whole)
    shelf.look()
    assert reference(shelf) == "tiny@1"
    assert [event for event, _ in heard] == ["model-refused", "model-loaded"]


def test_a_version_that_left_the_store_answers_no_more_and_its_number_may_come_again(
    shelf, own, store
):
    publish(own, store / "tiny" / "2")
    shelf.look()
    before = shelf.get("tiny@2").digest
    shutil.rmtree(own / "tiny" / "2")
    shelf.look()
    assert reference(shelf) == "tiny@1"
    with pytest.raises(ModelNotFoundError, match="has no version 2; it has 1"):
        shelf.get("tiny@2")
    publish(own, store / "tiny" / "1")
    shelf.look()
    assert (reference(shelf), shelf.get("tiny").digest != before) == ("tiny@2", True)
    shutil.rmtree(own / "tiny")
    shelf.look()
    with pytest.raises(ModelNotFoundError, match="model 'tiny' is not in the store"):
        shelf.get("tiny")


@pytest.mark.parametrize("section", ["data", "gates", "selection"])
def test_a_card_without_a_section_is_listed_with_what_it_has(own, store, shelf, section):
    card = json.loads((store / "tiny" / "1" / "card.json").read_text())
    publish(own, store / "tiny" / "1", card=json.dumps(card | {section: None}).encode())
    shelf.look()
    whole, without = listed(shelf, "tiny@1"), listed(shelf, "tiny@2")
    assert without["status"] == whole["status"]
    assert (without["assets"] == whole["assets"]) is (section != "data")
    assert without["n_trials"] == 1
    assert without["gates_passed"] == (0 if section == "gates" else whole["gates_passed"])


def test_what_callers_are_told_of_damage_does_not_say_where_the_store_is(own, shelf):
    (own / "tiny" / "1" / "card.json").write_text("{}")
    with pytest.raises(ModelDamagedError) as damaged:
        shelf.get("tiny@1")
    told = [str(damaged.value), listed(shelf, "tiny@1")["problem"]]
    assert all("tiny/1" in one and str(own) not in one for one in told)


def test_models_beyond_the_memory_go_and_come_again(own, store):
    publish(own, store / "tiny" / "2")
    shelf = ModelShelf(str(own), model_bytes=1)
    for asked in ("tiny@1", "tiny@2", "tiny@1"):
        assert reference(shelf, asked) == asked
        assert shelf.n_loaded == 1


def test_damage_is_known_before_anybody_asks(own, store):
    publish(own, store / "tiny" / "2", generators=b"")
    shelf = ModelShelf(str(own), model_bytes=PLENTY, poll_seconds=0.01)
    assert listed(shelf, "tiny@2")["problem"] is None
    shelf.start()
    try:
        wait_for(lambda: listed(shelf, "tiny@2")["problem"])
    finally:
        shelf.close()
    assert listed(shelf, "tiny@1")["is_served"]
    assert shelf.n_loaded == 0


def test_a_store_that_cannot_be_read_leaves_what_is_in_memory(shelf, own):
    assert reference(shelf) == "tiny@1"
    own.rename(own.with_name("away"))
    own.write_text("no directory")
    shelf.look()
    assert shelf.store_problem is not None
    assert reference(shelf) == "tiny@1"
    own.unlink()
    own.with_name("away").rename(own)
    shelf.look()
    assert shelf.store_problem is None
    assert reference(shelf) == "tiny@1"
