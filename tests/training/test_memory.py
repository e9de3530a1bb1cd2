import json
import subprocess
import sys

import pytest

PROGRAM = """
import json, resource, torch
from fingan.training.memory import keep_freed_memory, return_freed_memory

def faults():
    return resource.getrusage(resource.RUSAGE_SELF).ru_minflt

def faults_of_large_tensors():
    for _ in range(10):  # the heap grows for some turns
        torch.ones(12 * 2**20)
    before = faults()
    for _ in range(10):
        torch.ones(12 * 2**20)
    return faults() - before

def resident():
    return int(open("/proc/self/statm").read().split()[1]) * resource.getpagesize()

usual = faults_of_large_tensors()
keep_freed_memory()
kept = faults_of_large_tensors()
held = resident()
return_freed_memory()
print(json.dumps([usual, kept, held - resident()]))
"""


@pytest.mark.skipif(sys.platform != "linux", reason="about glibc")
def test_large_tensors_are_handed_out_again_without_new_pages_until_training_ends():
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM], capture_output=True, text=True, check=True
    )
    usual, kept, returned = json.loads(done.stdout)
    assert kept < usual / 4
    assert returned > 40 * 2**20
