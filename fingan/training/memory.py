"""Memory that training frees stays with the process until training ends.

A step asks for the same large tensors again and again. glibc gives each back to the system at once,
and the system hands it out anew page by page, zeroed: a third of the time of a step with hundreds
of assets. Told to keep what is freed, the C library changes no value. Elsewhere nothing is done.

Source: mallopt(3), M_MMAP_THRESHOLD and M_TRIM_THRESHOLD.
"""

import ctypes
import sys

TRIM_THRESHOLD, MMAP_THRESHOLD = -1, -3  # parameters of mallopt
KEPT = 2**31 - 1  # bytes: no block and no heap that training needs is as large
USUAL_MMAP, USUAL_TRIM = 2**25, 2**26  # bytes: where glibc's own tuning ends


def keep_freed_memory() -> None:
    """Keep freed memory for the next tensor."""
    _set_thresholds(KEPT, KEPT)


def return_freed_memory() -> None:
    """Give freed memory back to the system, now and from now on."""
    _set_thresholds(USUAL_MMAP, USUAL_TRIM)
    if (library := _glibc()) is not None:
        library.malloc_trim(0)


def _set_thresholds(largest_block: int, largest_heap: int) -> None:
    if (library := _glibc()) is not None:
        library.mallopt(MMAP_THRESHOLD, largest_block)
        library.mallopt(TRIM_THRESHOLD, largest_heap)


def _glibc() -> ctypes.CDLL | None:
    """The C library of the process, if it is GNU's."""
    if sys.platform != "linux":
        return None
    library = ctypes.CDLL(None)
    return library if hasattr(library, "gnu_get_libc_version") else None
