import importlib
import subprocess
import sys

import pytest

import fingan

HEAVY = ("torch", "ray", "skfolio", "pandas", "numpy", "pyarrow", "pydantic")


def modules_loaded_by(statement: str) -> set[str]:
    program = f"import sys; {statement}; print(*(m for m in {HEAVY} if m in sys.modules))"
    command = [sys.executable, "-c", program]
    return set(subprocess.run(command, capture_output=True, text=True, check=True).stdout.split())


def test_import_fingan_loads_no_heavy_library():
    assert modules_loaded_by("import fingan") == set()


def test_the_command_line_loads_no_heavy_library_before_a_command_runs():
    assert modules_loaded_by("import fingan.cli.app") == set()


def test_reading_prices_loads_neither_torch_nor_ray_nor_skfolio():
    loaded = modules_loaded_by("import fingan; fingan.read_prices")
    assert loaded & {"torch", "ray", "skfolio"} == set()


@pytest.mark.parametrize("name", [name for name in fingan.__all__ if not name.startswith("_")])
def test_every_public_name_can_be_loaded(name):
    value = getattr(fingan, name)
    assert value is getattr(importlib.import_module(value.__module__), name)


def test_an_unknown_name_is_an_attribute_error():
    with pytest.raises(AttributeError, match="module 'fingan' has no attribute 'sampel'"):
        _ = fingan.sampel


def test_dir_lists_the_public_names():
    assert set(dir(fingan)) >= {"read_prices", "load_model", "fit", "baseline", "ScenarioSet"}
