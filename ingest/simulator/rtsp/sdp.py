"""The session description of one stream (RFC 4566; RFC 6184, 8.2; RFC 7798, 7.2)."""

from __future__ import annotations

import base64
from fractions import Fraction
from typing import Final

from ingest.nal import CodecName

CONTROL: Final = "trackID=0"
PAYLOAD_TYPE: Final = 96


def describe(*, codec: CodecName, parameters: tuple[bytes, ...], fps: Fraction, bit_rate: int, host: str) -> bytes:
    """SDP text. ``parameters``: SPS and PPS, for H.265 the VPS before them, NAL units without start code.

    ``fps`` frames a second; ``bit_rate`` bit/s.
    """
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
        f"a=rtpmap:{PAYLOAD_TYPE} {'H264' if codec == 'h264' else 'H265'}/90000",
        f"a=fmtp:{PAYLOAD_TYPE} {_format(codec, parameters)}",
        f"a=framerate:{float(fps):g}",
        f"a=control:{CONTROL}",
    ]
    return ("\r\n".join(lines) + "\r\n").encode()


def _format(codec: CodecName, parameters: tuple[bytes, ...]) -> str:
    sets = [base64.b64encode(unit).decode() for unit in parameters]
    if codec == "hevc":
        return ";".join(f"sprop-{name}={text}" for name, text in zip(("vps", "sps", "pps"), sets, strict=True))
    level = parameters[0][1:4].hex().upper()
    return f"packetization-mode=1;profile-level-id={level};sprop-parameter-sets={','.join(sets)}"
