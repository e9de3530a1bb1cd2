import pytest
import torch

from fingan.volatility.recurrence import LONG, linear_recurrence


def step_by_step(multiplier, offset, initial):
    states = [initial]
    for gain, shift in zip(multiplier, offset, strict=True):
        states.append(gain * states[-1] + shift)
    return torch.stack(states)


def steps(n_steps, *shape):
    random = torch.Generator().manual_seed(n_steps)
    drawn = torch.rand(2, n_steps, *shape, generator=random, dtype=torch.float64)
    return drawn[0], drawn[1], torch.rand(shape, generator=random, dtype=torch.float64)


def test_gradients_are_those_of_finite_differences():
    multiplier, offset, initial = (tensor.requires_grad_() for tensor in steps(7, 3, 2))
    assert torch.autograd.gradcheck(linear_recurrence, (multiplier, offset, initial))


def test_gradients_reach_an_offset_that_is_an_expanded_view():
    multiplier, _, initial = steps(6, 5, 2)
    constant = torch.tensor([0.1, 0.4], dtype=torch.float64, requires_grad=True)

    def states(constant):
        return linear_recurrence(multiplier, constant.expand_as(multiplier), initial)

    assert torch.autograd.gradcheck(states, constant)


@pytest.mark.parametrize("n_steps", [1, 5, LONG - 1, LONG, LONG + 1, 1000, 1023, 1024, 4099])
def test_a_history_of_any_length_is_swept_as_step_by_step(n_steps):
    multiplier, offset, initial = steps(n_steps, 3)
    states = linear_recurrence(multiplier, offset, initial)
    torch.testing.assert_close(states, step_by_step(multiplier, offset, initial))


def test_the_sweep_by_blocks_gives_the_states_of_the_sweep_with_gradients():
    multiplier, offset, initial = steps(2 * LONG, 2, 3)
    with_gradient = linear_recurrence(multiplier, offset, initial.requires_grad_())
    torch.testing.assert_close(
        linear_recurrence(multiplier, offset, initial.detach()), with_gradient.detach()
    )


def test_the_sweep_by_blocks_takes_an_expanded_offset():
    multiplier, _, initial = steps(LONG + 50, 4)
    offset = torch.full((4,), 0.3, dtype=torch.float64).expand_as(multiplier)
    states = linear_recurrence(multiplier, offset, initial)
    torch.testing.assert_close(states, step_by_step(multiplier, offset, initial))
