"""A real MLflow database; servers that do not answer."""

import pytest
from training_runs import kill_after, make_run, unpublished

from fingan.errors import RequestError
from fingan.training.mlflow_log import MlflowLog, check_mlflow

NOBODY = "http://127.0.0.1:9"  # the port of "discard": nothing listens


@pytest.fixture
def database(tmp_path):
    return f"sqlite:///{tmp_path}/mlflow.db"


def runs_of(uri):
    from mlflow.tracking import MlflowClient

    client = MlflowClient(tracking_uri=uri)
    experiment = client.get_experiment_by_name("fingan").experiment_id
    return client, client.search_runs([experiment])


@pytest.mark.filterwarnings("ignore")  # of the packages that read the database
def test_a_resumed_run_goes_on_in_the_same_place(garch_prices, tmp_path, database):
    kill_after(make_run(garch_prices, tmp_path, steps=20, mlflow=database), 10)
    run = make_run(garch_prices, tmp_path, steps=20, resume=True, mlflow=database)
    metrics = [progress.metrics for progress in unpublished(run)]
    client, (found,) = runs_of(database)
    assert found.info.status == "FINISHED"
    assert found.info.run_name == run.directory.name
    assert found.data.params["adversarial.learning_rate"] == "0.0005"
    assert found.data.params["steps"] == "20"
    history = client.get_metric_history(found.info.run_id, "validation_score")
    assert sorted({one.step for one in history}) == [10, 20]
    last = max(history, key=lambda one: one.step)
    assert last.value == metrics[-1]["validation_score"]


def test_a_server_that_does_not_answer_is_refused_before_training(garch_prices, tmp_path):
    with pytest.raises(RequestError, match="mlflow must be a server that answers: API request"):
        list(make_run(garch_prices, tmp_path, mlflow=NOBODY))
    assert not list(tmp_path.iterdir())


def test_training_goes_on_when_the_server_has_gone(tmp_path):
    with pytest.warns(UserWarning, match="MLflow is not written any more: .*training goes on"):
        log = MlflowLog(NOBODY, tmp_path, "x", {})
    with log:
        log.add(1, {"loss": 1.0})  # silently: it was said


def test_without_the_package_the_way_to_it_is_named(monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "mlflow.tracking", None)
    with pytest.raises(RequestError, match=r"pip install 'fingan\[mlflow\]'"):
        check_mlflow(NOBODY)
