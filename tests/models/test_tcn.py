import torch
from torch.nn import functional

from fingan.models.tcn import CausalBlock, CausalNetwork

WIDTH, DILATIONS = 6, (1, 2, 4)


def network_and_input(n_steps=20):
    random = torch.Generator().manual_seed(1)
    network = CausalNetwork(WIDTH, DILATIONS).requires_grad_(False)
    for weights in network.parameters():
        weights.normal_(0, 0.5, generator=random)
    return network, torch.randn(n_steps, 5, WIDTH, generator=random)


def test_the_output_at_a_step_ignores_all_later_steps():
    network, hidden = network_and_input()
    changed = hidden.clone()
    changed[12:] += 1
    assert torch.equal(network(changed)[0][:12], network(hidden)[0][:12])
    assert not torch.equal(network(changed)[0][12], network(hidden)[0][12])


def test_the_memory_reaches_back_the_sum_of_the_dilations():
    network, hidden = network_and_input()
    changed = hidden.clone()
    changed[2] += 1
    moved = (network(changed)[0] != network(hidden)[0]).flatten(1).any(1)
    assert moved.nonzero().flatten().tolist() == list(range(2, 2 + sum(DILATIONS) + 1))


def test_stretches_of_any_length_equal_one_pass():
    network, hidden = network_and_input()
    whole, _ = network(hidden)
    for sizes in ([10, 10], [1] * 20, [3, 1, 7, 2, 7], [19, 1]):
        memory, parts = None, []
        for stretch in hidden.split(sizes):
            part, memory = network(stretch, memory)
            parts.append(part)
        torch.testing.assert_close(torch.cat(parts), whole, msg=f"stretches {sizes}")


def test_the_input_is_left_as_it_was():
    network, hidden = network_and_input()
    before = hidden.clone()
    _, memory = network(hidden[:10])
    kept = [rows.clone() for rows in memory]
    network(hidden[10:], memory)
    assert torch.equal(hidden, before)
    for rows, copy in zip(memory, kept, strict=True):
        assert torch.equal(rows, copy)


def test_a_block_is_a_dilated_convolution_beside_its_input():
    block = CausalBlock(WIDTH, 3).requires_grad_(False)
    hidden = torch.randn(10, 4, WIDTH, generator=torch.Generator().manual_seed(2))
    kernel = torch.stack([block.past.weight, block.now.weight], dim=-1)
    padded = functional.pad(hidden.permute(1, 2, 0), (3, 0))
    mixed = functional.conv1d(padded, kernel, block.now.bias, dilation=3).permute(2, 0, 1)
    torch.testing.assert_close(block(hidden, None), functional.leaky_relu(mixed, 0.2) + hidden)


def test_gradients_are_those_of_finite_differences():
    network, hidden = network_and_input(9)
    network, hidden = network.double(), hidden[:, :2].double().requires_grad_()
    assert torch.autograd.gradcheck(lambda hidden: network(hidden)[0], hidden)
