"""Log-returns as tables: what each cell means, and where it stands.

Values are computed in float64 and stored as float32, element by element, so that a value does not
depend on which paths are written with it.
"""

from collections.abc import Iterator, Sequence
from itertools import pairwise

import pyarrow as pa
import torch
from jaxtyping import Float, Float32
from torch import Tensor

from fingan.errors import RequestError
from fingan.scenarios.header import Layout, ScenarioHeader, Values

GROUP_VALUES = 2**19  # of one record batch or row group: 2 MiB of float32, 8 MiB of text at most
INDEX_CELLS = 4  # of a row beside its values: scenario, step, date and weight
FIRST_GROUP = 512  # paths of the first one, so that a reader soon has something
INDEX_COLUMNS = ("scenario", "step", "date", "asset")
_RESERVED = (*INDEX_COLUMNS[:3], "weight")
_MAX_INT16 = 2**15 - 1

Paths = Float[Tensor, "n_paths horizon n_assets"]


def as_values(log_returns: Paths, header: ScenarioHeader, values: Values) -> Paths:
    """Log-returns in the words of the reader; float64, but log-returns as they are.

    Args:
        log_returns: Log-returns, or differences where the kind is a level.
        header: Kind and start prices.
        values: ``"simple_return"`` exp(r) - 1, for a level the change itself; ``"price"`` the
            start price compounded up to each step, for a level the start plus the changes.
    """
    is_level = header.kind == "level"
    if values == "log_return" or (values == "simple_return" and is_level):
        return log_returns
    if values == "simple_return":
        return log_returns.to(torch.float64, copy=True).expm1_()
    start = torch.tensor(header.start_prices, dtype=torch.float64)
    so_far = log_returns.cumsum(dim=1, dtype=torch.float64)
    return so_far.add_(start) if is_level else so_far.exp_().mul_(start)


def as_log_returns(paths: Paths, header: ScenarioHeader, values: Values) -> Paths:
    """The inverse of :func:`as_values`, to the rounding of what was stored."""
    is_level = header.kind == "level"
    if values == "log_return" or (values == "simple_return" and is_level):
        return paths
    if values == "simple_return":
        return paths.double().log1p()
    start = torch.tensor(header.start_prices, dtype=torch.float64)
    prices = torch.cat([start.expand(len(paths), 1, -1), paths.double()], dim=1)
    return prices.diff(dim=1) if is_level else prices.log().diff(dim=1)


def horizon_totals(log_returns: Paths) -> Float[Tensor, "n_paths 1 n_assets"]:
    """Sum over the horizon, in float64 and in the order of time, as one step."""
    total = log_returns.new_zeros(log_returns.shape[0], log_returns.shape[2], dtype=torch.float64)
    for step in log_returns.unbind(dim=1):
        total += step
    return total.unsqueeze(1)


def table_schema(
    header: ScenarioHeader, values: Values, layout: Layout, *, has_weights: bool
) -> pa.Schema:
    """The columns of a layout, with the header as JSON under the key ``fingan``.

    Steps are int16, and int32 beyond 32,767 of them.

    Raises:
        RequestError: If an asset bears the name of another column.
    """
    step = pa.field("step", pa.int16() if header.horizon <= _MAX_INT16 else pa.int32())
    fields = [pa.field("scenario", pa.int32())]
    if layout in ("wide", "long"):
        fields.append(step)
        if header.dates is not None:
            fields.append(pa.field("date", _date_column(header).type))
    if has_weights:
        fields.append(pa.field("weight", pa.float64()))
    match layout:
        case "wide" | "terminal":
            _check_names(header.assets, layout)
            fields += [pa.field(asset, pa.float32()) for asset in header.assets]
        case "tensor":
            fields.append(pa.field("returns", _tensor_type(header)))
        case "long":
            fields.append(pa.field("asset", pa.dictionary(pa.int32(), pa.string())))
            fields.append(pa.field("value", pa.float32()))
    text = header.to_json(layout=layout, values=values)
    return pa.schema(fields, metadata={b"fingan": text.encode()})


def record_batches(
    blocks: Iterator[Tensor],
    schema: pa.Schema,
    header: ScenarioHeader,
    values: Values,
    layout: Layout,
    weights: Tensor | None,
    bounds: Sequence[int],
) -> Iterator[pa.RecordBatch]:
    """Blocks of log-returns as record batches whose bounds do not depend on the blocks.

    A batch may share memory with the next one: use it before asking for that.

    Args:
        blocks: Log-returns in the order of the paths.
        schema: Of :func:`table_schema`.
        header: What the paths are about.
        values: What the numbers are.
        layout: How they are laid out.
        weights: Of the paths; None where all are equal.
        bounds: First path of each batch, counted from the first of these paths, and the end.

    Raises:
        RequestError: If a value is not finite as a float32.
    """
    if layout == "terminal":
        blocks = map(horizon_totals, blocks)
    for first, group in zip(bounds, _regrouped(blocks, bounds), strict=False):
        part = None if weights is None else weights[first : first + len(group)]
        yield _batch(group, header.first + first, schema, header, values, layout, part)


def _batch(
    group: Tensor,
    first: int,
    schema: pa.Schema,
    header: ScenarioHeader,
    values: Values,
    layout: Layout,
    weights: Tensor | None,
) -> pa.RecordBatch:
    paths = as_values(group, header, values).float()
    _check_finite(paths, first, header, values)
    columns = _columns(paths, first, header, layout, weights)
    return pa.RecordBatch.from_arrays([columns[name] for name in schema.names], schema=schema)


def group_bounds(header: ScenarioHeader, layout: Layout) -> list[int]:
    """First path of each group that is written at once, and the end; a function of the sizes."""
    horizon, n_assets = header.horizon, len(header.assets)
    n_cells = {  # of a path
        "wide": horizon * (n_assets + INDEX_CELLS),
        "tensor": horizon * n_assets + INDEX_CELLS,
        "long": horizon * n_assets * (2 + INDEX_CELLS),
        "terminal": n_assets + INDEX_CELLS,
    }[layout]
    n_paths = max(1, GROUP_VALUES // n_cells)
    first = min(FIRST_GROUP, n_paths)
    return [0, *range(first, header.n_paths, n_paths), header.n_paths]


def _regrouped(blocks: Iterator[Tensor], bounds: Sequence[int]) -> Iterator[Tensor]:
    """The same paths in groups; a group that lies within one block is not copied."""
    buffer: Tensor | None = None
    rest: Tensor | None = None
    for n_paths in (last - first for first, last in pairwise(bounds)):
        filled = 0
        while filled < n_paths:
            if rest is None or not len(rest):
                rest = next(blocks)
            if filled == 0 and len(rest) >= n_paths:
                break
            if buffer is None or len(buffer) < n_paths:
                buffer = rest.new_empty(n_paths, *rest.shape[1:])
            taken = min(n_paths - filled, len(rest))
            buffer[filled : filled + taken] = rest[:taken]
            rest, filled = rest[taken:], filled + taken
        if filled == 0 and rest is not None:
            yield rest[:n_paths]
            rest = rest[n_paths:]
        elif buffer is not None:
            yield buffer[:n_paths]


def _columns(
    paths: Float32[Tensor, "n_paths horizon n_assets"],
    first: int,
    header: ScenarioHeader,
    layout: Layout,
    weights: Tensor | None,
) -> dict[str, pa.Array]:
    n_paths, horizon, n_assets = paths.shape
    cells = {"wide": horizon, "long": horizon * n_assets}.get(layout, 1)  # rows of a path
    scenario = torch.arange(first, first + n_paths, dtype=torch.int32)
    columns = {"scenario": _array(scenario.repeat_interleave(cells))}
    if weights is not None:
        columns["weight"] = _array(weights.double().repeat_interleave(cells))
    if layout in ("wide", "long"):
        step = torch.arange(horizon).repeat_interleave(cells // horizon).repeat(n_paths)
        small = torch.int16 if horizon <= _MAX_INT16 else torch.int32
        columns["step"] = _array((step + 1).to(small))
        if header.dates is not None:
            columns["date"] = _date_column(header).take(_array(step))
    match layout:
        case "wide" | "terminal":
            by_asset = paths.reshape(-1, n_assets).t().contiguous()
            columns |= zip(header.assets, map(_array, by_asset), strict=True)
        case "tensor":
            cube = pa.FixedSizeListArray.from_arrays(_array(paths.reshape(-1)), horizon * n_assets)
            columns["returns"] = pa.ExtensionArray.from_storage(_tensor_type(header), cube)
        case "long":
            asset = torch.arange(n_assets, dtype=torch.int32).repeat(n_paths * horizon)
            names = pa.array(header.assets, pa.string())
            columns["asset"] = pa.DictionaryArray.from_arrays(_array(asset), names)
            columns["value"] = _array(paths.reshape(-1))
    return columns


def _array(values: Tensor) -> pa.Array:
    return pa.array(values.contiguous().numpy())


def _date_column(header: ScenarioHeader) -> pa.Array:
    return pa.array(header.dates, pa.timestamp("us") if header.is_intraday else pa.date32())


def _tensor_type(header: ScenarioHeader) -> pa.FixedShapeTensorType:
    shape = [header.horizon, len(header.assets)]
    return pa.fixed_shape_tensor(pa.float32(), shape, dim_names=["step", "asset"])


def _check_names(assets: tuple[str, ...], layout: Layout) -> None:
    if taken := [name for name in _RESERVED if name in assets]:
        raise RequestError(
            f"asset '{taken[0]}' bears the name of a column of layout '{layout}'; "
            "use layout 'long' or 'tensor', or rename it"
        )


def _check_finite(paths: Tensor, first: int, header: ScenarioHeader, values: Values) -> None:
    finite = paths.isfinite()
    if finite.all():
        return
    path, step, asset = (~finite).nonzero()[0].tolist()
    mend = "" if values == "log_return" else "; ask for log_return values or a shorter horizon"
    raise RequestError(
        f"values must be finite float32 numbers, got {paths[path, step, asset].item()} for "
        f"'{header.assets[asset]}' at step {step + 1} of scenario {first + path}{mend}"
    )
