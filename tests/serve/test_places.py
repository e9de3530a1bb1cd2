from pathlib import Path

import pytest

from serve.places import placed
from serve.settings import ServiceSettings


@pytest.fixture(autouse=True)
def elsewhere(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)


def test_local_places_are_absolute(tmp_path):
    settings = ServiceSettings(store="models", state="state", prices={"desk": "desk.csv"})
    found = placed(settings)
    assert (found.store, found.state) == (f"{tmp_path}/models", f"{tmp_path}/state")
    assert found.prices == {"desk": f"{tmp_path}/desk.csv"}
    assert placed(found) == found


def test_urls_and_bundled_data_stay_as_they_are():
    prices = {"far": "s3://desk/prices.parquet", "index": "sp500-index"}
    settings = ServiceSettings(store="s3://models", prices=prices)
    assert placed(settings) == settings


def test_no_state_is_none():
    settings = placed(ServiceSettings(store=str(Path("models"))))
    assert settings.state is None
