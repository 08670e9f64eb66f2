"""The settings of setting up: what a person may add by the page."""

from __future__ import annotations

from ipaddress import ip_network

from pydantic import Field, field_validator

from configs.section import Section


class SetupSettings(Section):
    """``camera_networks``: where a camera that is added or changed by the page may stand."""

    camera_networks: tuple[str, ...] = Field(
        default=(),
        description="such as 10.0.0.0/8; none: anywhere but this machine and addresses that no camera has",
    )

    @field_validator("camera_networks")
    @classmethod
    def _networks(cls, networks: tuple[str, ...]) -> tuple[str, ...]:
        for each in networks:
            try:
                ip_network(each)
            except ValueError:
                raise ValueError(f"{each!r} is no network: want ADDRESS/BITS, such as 10.0.0.0/8") from None
        return networks
