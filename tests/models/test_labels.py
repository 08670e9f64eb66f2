from __future__ import annotations

import pytest

from models.labels import LABELS, identity_labels


@pytest.mark.parametrize(
    "label",
    ["face", "Faces", "human_face", "licence plate", "license_plate", "LicensePlate", "number-plate", "plate",
     "carPlate", "person-reid", "person_re_id", "re-identification", "fingerprint", "人脸", "车牌号"],
)  # fmt: skip
def test_what_tells_who_somebody_is_is_told(label: str) -> None:
    assert identity_labels(["person", label]) == (label,)


@pytest.mark.parametrize(
    "label", ["person", "face_mask", "face shield", "FaceMask", "head", "surface", "platform", "template", "安全帽"]
)
def test_what_is_a_thing_is_not(label: str) -> None:
    assert identity_labels([label]) == ()


def test_no_list_of_ours_holds_an_identity() -> None:
    assert [identity_labels(labels) for labels in LABELS.values()] == [()] * len(LABELS)
