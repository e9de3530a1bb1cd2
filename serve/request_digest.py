"""What an answer is a function of, as one digest: the ETag, and the key under which it is kept."""

import hashlib
import json
from typing import Any

from fingan import __version__


def request_digest(kind: str, model: str, model_digest: str, history: str, **asked: Any) -> str:
    """SHA-256 over everything that determines the bytes of an answer.

    Args:
        kind: Of the question.
        model: Reference of the version that answers.
        model_digest: Of its files.
        history: Digest of the prices it continues.
        **asked: The question as JSON, without model and history, and how it is written.
    """
    document = {
        "kind": kind,
        "software": f"fingan {__version__}",
        "model": model,
        "model_digest": model_digest,
        "history": history,
        "asked": asked,
    }
    text = json.dumps(document, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()
