"""An RTSP server that is not ours: gst-rtsp-server from Debian, run by the system's Python as its own process.

Prints ``ready PORT`` and ends with its standard input.
"""

from __future__ import annotations

import argparse
import sys
import threading

import gi  # type: ignore[import-not-found]  # only the system's Python has it

gi.require_version("Gst", "1.0")
gi.require_version("GstRtsp", "1.0")
gi.require_version("GstRtspServer", "1.0")
from gi.repository import GLib, Gst, GstRtsp, GstRtspServer  # type: ignore[import-not-found]  # noqa: E402  # as above; its versions come first


def _authenticate(server: GstRtspServer.RTSPServer, user: str, password: str, basic: bool) -> None:
    auth = GstRtspServer.RTSPAuth()
    token = GstRtspServer.RTSPToken()
    token.set_string("media.factory.role", "viewer")
    if basic:
        auth.set_supported_methods(GstRtsp.RTSPAuthMethod.BASIC)
        auth.add_basic(GstRtspServer.RTSPAuth.make_basic(user, password), token)
    else:
        auth.set_supported_methods(GstRtsp.RTSPAuthMethod.DIGEST)
        auth.add_digest(user, password, token)
    server.set_auth(auth)


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--fps", type=int, default=25)
    parser.add_argument("--gop", type=int, default=12)
    parser.add_argument("--size", default="320x240")
    parser.add_argument("--slices", type=int, default=1)
    parser.add_argument("--user", default="")
    parser.add_argument("--basic", action="store_true")
    parser.add_argument("--launch", default="", help="a whole pipeline, instead of --fps, --gop, --size, --slices")
    options = parser.parse_args()
    Gst.init(None)
    width, height = options.size.split("x")
    server = GstRtspServer.RTSPServer()
    server.set_address("127.0.0.1")
    server.set_service("0")
    factory = GstRtspServer.RTSPMediaFactory()
    factory.set_launch(
        options.launch
        or f"( videotestsrc is-live=true pattern=ball ! video/x-raw,width={width},height={height},"
        f"framerate={options.fps}/1 ! x264enc tune=zerolatency speed-preset=ultrafast "
        f"key-int-max={options.gop} threads=1 option-string=slices={options.slices} "
        "! video/x-h264,profile=baseline ! rtph264pay name=pay0 pt=96 config-interval=0 )"
    )
    factory.set_shared(True)
    if options.user:
        password = sys.stdin.readline().strip()
        _authenticate(server, options.user, password, options.basic)
        permissions = GstRtspServer.RTSPPermissions()
        permissions.add_permission_for_role("viewer", "media.factory.access", True)
        permissions.add_permission_for_role("viewer", "media.factory.construct", True)
        factory.set_permissions(permissions)
    server.get_mount_points().add_factory("/test", factory)
    server.attach(None)
    loop = GLib.MainLoop()

    def wait_for_end() -> None:
        sys.stdin.read()
        loop.quit()

    threading.Thread(target=wait_for_end, daemon=True).start()
    print(f"ready {server.get_bound_port()}", flush=True)
    loop.run()


if __name__ == "__main__":
    main()
