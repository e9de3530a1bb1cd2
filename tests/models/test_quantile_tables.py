import numpy as np
import torch

from fingan.models.quantile_tables import N_CELLS, REACH, QuantileTable


def test_a_line_is_met_wherever_it_is_read():
    table = QuantileTable.of([lambda x: 3 * x - 1, lambda x: -x])
    numbers = torch.linspace(-REACH, REACH, 997).unsqueeze(1).repeat(1, 2)
    read = table(numbers)
    torch.testing.assert_close(read[:, 0], 3 * numbers[:, 0] - 1, rtol=1e-5, atol=1e-5)
    torch.testing.assert_close(read[:, 1], -numbers[:, 1], rtol=1e-5, atol=1e-5)


def test_a_curve_is_met_but_for_its_bend_within_a_cell():
    table = QuantileTable.of([np.sinh])
    numbers = torch.linspace(-7.9, 7.9, 10_007, dtype=torch.float64)
    read = table(numbers.float().unsqueeze(1)).squeeze(1).double()
    cell = 2 * REACH / N_CELLS
    rounding = 4e-6 * numbers.cosh()  # of numbers in float32
    assert ((read - numbers.sinh()).abs() <= cell**2 / 8 * numbers.cosh() + rounding).all()


def test_beyond_the_grid_a_function_stays_at_its_last_value():
    table = QuantileTable.of([np.exp, np.tanh], reach=2.0, n_cells=64)
    outside = torch.tensor([[-50.0, -2.1], [2.0, 1e9]])
    expected = torch.tensor([[np.exp(-2), np.tanh(-2)], [np.exp(2), np.tanh(2)]]).float()
    torch.testing.assert_close(table(outside), expected)


def test_reading_leaves_the_numbers_as_they_were():
    table = QuantileTable.of([np.exp])
    numbers = torch.randn(5, 8, 1, generator=torch.Generator().manual_seed(1))
    before = numbers.clone()
    assert table(numbers).shape == numbers.shape
    assert torch.equal(numbers, before)
