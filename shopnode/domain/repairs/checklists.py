"""What is looked at when a device is taken in, by what kind of device it is (rule 61). Pure.

"Could not test" is an answer like any other: what a dead phone does, nobody knows. What nobody answered was not tested.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum


class Answer(StrEnum):
    OK = "ok"
    FAULT = "fault"
    NOT_TESTED = "not_tested"


class DeviceType(StrEnum):
    PHONE = "phone"
    FEATURE_PHONE = "feature_phone"
    TABLET = "tablet"
    LAPTOP = "laptop"
    WATCH = "watch"
    CONSOLE = "console"
    OTHER = "other"


_OUTSIDE = ("powers_on", "screen_glass", "display", "body")
_PHONE = (*_OUTSIDE, "touch", "buttons", "charging", "battery", "microphone", "earpiece", "loudspeaker")
CHECKLISTS: dict[DeviceType, tuple[str, ...]] = {
    DeviceType.PHONE: (
        *_PHONE, "front_camera", "back_camera", "flash", "fingerprint_or_face", "wifi", "bluetooth", "sim_and_network",
        "sensors", "back_cover",
    ),
    DeviceType.FEATURE_PHONE: (
        "powers_on", "display", "body", "keypad", "charging", "battery", "microphone", "earpiece", "sim_and_network",
        "torch",
    ),
    DeviceType.TABLET: (*_PHONE[:-2], "loudspeaker", "front_camera", "back_camera", "wifi", "sim_and_network"),
    DeviceType.LAPTOP: (
        *_OUTSIDE, "hinges", "keyboard", "touchpad", "charging", "battery", "ports", "webcam", "loudspeaker", "wifi",
        "disk",
    ),
    DeviceType.WATCH: (*_OUTSIDE, "touch", "buttons", "charging", "battery", "strap", "sensors"),
    DeviceType.CONSOLE: ("powers_on", "body", "display_output", "disc_drive", "controllers", "ports", "wifi"),
    DeviceType.OTHER: _OUTSIDE,
}  # fmt: skip


def label_of(item: str) -> str:
    """An item as people read it: `screen_glass` is Screen glass."""
    return item.replace("_", " ").capitalize()


def filled_in(device_type: DeviceType, answers: Mapping[str, str], *, is_dead: bool = False) -> dict[str, str]:
    """The whole list with its answers, in its order. `is_dead`: whatever was not answered could not be tested.

    Raises ValueError, in words, for an item that is not of this kind of device, and for an answer that is none.
    """
    items = CHECKLISTS[device_type]
    odd = [item for item in answers if item not in items]
    if odd:
        raise ValueError(f"has no “{odd[0]}”: of a {device_type.value} are asked {', '.join(items)}")
    wrong = [item for item, answer in answers.items() if answer not in set(Answer)]
    if wrong:
        raise ValueError(f"answers “{wrong[0]}” by something else than {', '.join(Answer)}")
    if is_dead and any(answer == Answer.OK for item, answer in answers.items() if item not in {"body", "screen_glass"}):
        raise ValueError("says that something works, of a device that could not be tested")
    return {item: answers.get(item, Answer.NOT_TESTED.value) for item in items}
