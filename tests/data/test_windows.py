"""Splits keep time's order and an embargo; windows are views."""

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from fingan.data.windows import Span, WindowSet, chronological_split


@given(n_days=st.integers(50, 5000), share=st.floats(0.05, 0.4), embargo=st.integers(0, 20))
def test_training_ends_an_embargo_before_validation_begins(n_days, share, embargo):
    split = chronological_split(n_days, share, embargo)
    assert split.training.start == 0
    assert split.validation.end == n_days
    assert split.validation.start - split.training.end == embargo
    assert len(split.validation) == round(n_days * share)


def test_a_split_needs_days_on_both_sides():
    with pytest.raises(ValueError, match="10 days must leave at least one day for training"):
        chronological_split(10, 0.5, 5)
    with pytest.raises(ValueError, match=r"validation_share must lie in \(0, 1\), got 1.0"):
        chronological_split(10, 1.0, 0)
    with pytest.raises(ValueError, match="embargo must not be negative"):
        chronological_split(10, 0.5, -1)


def test_windows_are_the_slices_of_the_tensor_and_share_its_memory():
    values = torch.arange(40, dtype=torch.float64).reshape(20, 2)
    windows = WindowSet.of(values, 5)
    assert len(windows) == 16
    assert windows.views.shape == (16, 5, 2)
    assert windows.views.data_ptr() == values.data_ptr()
    batch, mask = windows.gather(torch.tensor([0, 7]))
    assert torch.equal(batch[1], values[7:12])
    assert mask is None


def test_windows_stay_within_their_span():
    values = torch.zeros(100, 2)
    split = chronological_split(100, 0.3, 10)
    training = WindowSet.of(values, 10, span=split.training)
    validation = WindowSet.of(values, 10, span=split.validation)
    assert training.starts.max().item() + 10 == split.training.end
    assert validation.starts.min().item() == split.validation.start
    assert validation.starts.max().item() + 10 == 100


def test_windows_observed_too_little_are_left_out_and_holes_are_masked():
    values = torch.ones(20, 2)
    values[:8, 1] = torch.nan
    windows = WindowSet.of(values, 4, least_observed=0.75)
    assert windows.starts.tolist() == list(range(6, 17))
    batch, mask = windows.gather(windows.starts[:1])
    assert batch[0, :, 1].tolist() == [0, 0, 1, 1]
    assert mask[0, :, 1].tolist() == [False, False, True, True]


def test_a_window_set_without_windows_is_refused():
    with pytest.raises(ValueError, match=r"window must lie in 1..5, the span's days, got 6"):
        WindowSet.of(torch.zeros(10, 1), 6, span=Span(0, 5))
    with pytest.raises(ValueError, match="no window of 3 days has 80% of its cells observed"):
        WindowSet.of(torch.full((10, 1), torch.nan), 3)
    with pytest.raises(ValueError, match="least_observed must lie in"):
        WindowSet.of(torch.zeros(10, 1), 3, least_observed=1.5)
