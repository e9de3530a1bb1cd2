import pytest

from benchmarks.planted_signal import believer, every_row, mean_rule, universe
from fingan.cli.screen_validation import print_validation, run_validation
from fingan.errors import RequestError
from fingan.pipeline import load_model
from fingan.scenarios.baselines import baseline
from fingan.screening.records import find_validation
from fingan.screening.validation import Subject, validate
from fingan.screening.walk_forward import Rule, WalkForwardDesign


def record_of(n_dates, **arguments):
    market = universe(8, n_dates, 0.4, seed=5)
    subject = Subject("oracle@1", None, "screen")
    fit, rule, design = believer(market, knows=True), mean_rule(market), every_row(market, 256)
    return validate(fit, market.prices, rule, design, subject, **arguments).record()


def test_a_record_is_printed_with_its_answers_and_what_they_rest_on(
    capsys: pytest.CaptureFixture[str],
):
    references = {"fhs-gjr": lambda rows: baseline("gaussian", rows)}
    record = record_of(31, references=references)
    print_validation(record)
    printed = capsys.readouterr().out
    assert "oracle@1: the screen on 31 dates" in printed
    assert "out of sample" in printed
    for question in record["questions"]:
        assert question["asked"] in printed
    assert f"{record['rank_ic']['estimate']:+.3f}" in printed
    assert f"{record['minimum_detectable_ic']['t3']:.3f} at t = 3" in printed
    assert "CRPS skill beside fhs-gjr" in printed
    assert "window 2 after" in printed


def test_what_few_dates_cannot_tell_is_said(capsys: pytest.CaptureFixture[str]):
    print_validation(record_of(5))
    printed = capsys.readouterr().out
    assert "cannot tell" in printed
    assert "n/a" in printed
    assert "CRPS skill" not in printed


def plain_rule(assets):
    return Rule(
        assets=assets,
        candidates=assets,
        horizon=10,
        hurdle=0.0,
        n_picks=2,
        costs_bps=10,
        net=lambda scenarios: scenarios.terminal() - 0.002,
        gross=lambda scenarios: scenarios.terminal(),
        score=lambda scenarios: -scenarios.terminal().std(0),
        prepared=lambda sampler: sampler,
    )


def test_a_published_model_is_walked_forward_and_its_record_kept(
    tiny_model, garch_prices, tmp_path
):
    model = load_model(tiny_model.reference, tiny_model.store)
    design = WalkForwardDesign(first="2018-01-02", last="2018-01-12", every=4, n_paths=100)
    arguments = {"screen_digest": "e" * 64, "references": ("gaussian",), "n_trials": 4}
    record = run_validation(
        model, garch_prices, plain_rule(model.assets), design, str(tmp_path), **arguments
    )
    standing = find_validation(str(tmp_path), "e" * 64, model.digest)
    assert standing.status == "ok"
    assert standing.record == record
    assert record["design"]["trained_until"] == "2017-12-29"
    assert record["top_minus_bottom"]["n_trials"] == 4
    assert set(record["references"]) == {"gaussian", "random", "momentum", "low-volatility"}


def test_dates_within_the_training_are_refused_by_name(tiny_model, garch_prices, tmp_path):
    model = load_model(tiny_model.reference, tiny_model.store)
    design = WalkForwardDesign(first="2017-06-01", every=20)
    with pytest.raises(RequestError, match="first must lie after 2017-12-29"):
        run_validation(
            model,
            garch_prices,
            plain_rule(model.assets),
            design,
            str(tmp_path),
            screen_digest="e" * 64,
        )
