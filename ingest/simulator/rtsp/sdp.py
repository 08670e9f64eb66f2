"""The session description of one H.264 stream (RFC 4566, RFC 6184 section 8.2)."""

from __future__ import annotations

import base64
from fractions import Fraction
from typing import Final

CONTROL: Final = "trackID=0"
PAYLOAD_TYPE: Final = 96


def describe(*, sps: bytes, pps: bytes, fps: Fraction, bit_rate: int, host: str) -> bytes:
    """SDP text. ``sps`` and ``pps`` are NAL units without start code; ``fps`` frames a second; ``bit_rate`` bit/s."""
    sets = ",".join(base64.b64encode(unit).decode() for unit in (sps, pps))
    lines = [
        "v=0",
        f"o=- 1 1 IN IP4 {host}",
        "s=simulated camera",
        f"c=IN IP4 {host}",
        "t=0 0",
        "a=control:*",
        "a=range:npt=now-",
        f"m=video 0 RTP/AVP {PAYLOAD_TYPE}",
        f"b=AS:{max(1, bit_rate // 1000)}",
        f"a=rtpmap:{PAYLOAD_TYPE} H264/90000",
        f"a=fmtp:{PAYLOAD_TYPE} packetization-mode=1;profile-level-id={sps[1:4].hex().upper()};"
        f"sprop-parameter-sets={sets}",
        f"a=framerate:{float(fps):g}",
        f"a=control:{CONTROL}",
    ]
    return ("\r\n".join(lines) + "\r\n").encode()
