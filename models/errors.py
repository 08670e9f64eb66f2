"""What can be wrong with a model. Four kinds; each says which model or file, what failed, and what to do."""

from __future__ import annotations


class ModelError(Exception):
    """Base of the family. ``subject`` is a model id or a path, ``action`` what a person does next."""

    kind = "model_error"

    def __init__(self, subject: object, fault: str, action: str) -> None:
        super().__init__(f"model {subject}: {fault}; {action}")
        self.subject = str(subject)
        self.fault = fault
        self.action = action


class ManifestError(ModelError):
    """The manifest cannot be read, has no such id, or would hold an id twice."""

    kind = "manifest"


class ModelUnavailableError(ModelError):
    """No file of the model is on this machine and none could be fetched. The one kind that allows a fallback."""

    kind = "unavailable"


class ModelFileError(ModelError):
    """A file is there, and is not the one meant: truncated, of another hash, unreadable."""

    kind = "file"


class NotADetectorError(ModelError):
    """The right bytes, but not a working detector of the stated head: shape, labels or scores do not fit."""

    kind = "not_a_detector"
