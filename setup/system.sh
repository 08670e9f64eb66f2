#!/usr/bin/env bash
# What only the system's package manager can give. Root on Debian: installed. Otherwise: the exact command is named.
# The product itself runs without these; the tests want them.
set -euo pipefail
missing=()
need() { # need PACKAGE TEST...
  local package=$1; shift
  "$@" >/dev/null 2>&1 || missing+=("$package")
}
have_gst() { gst-inspect-1.0 "$1"; }
need chromium bash -c 'command -v chromium || command -v chromium-browser || command -v google-chrome'
need ffmpeg command -v ffprobe
need redis-server command -v redis-server
need postgresql bash -c 'ls /usr/lib/postgresql/*/bin/postgres'
need gstreamer1.0-tools command -v gst-launch-1.0
need gstreamer1.0-plugins-base have_gst videotestsrc
need gstreamer1.0-plugins-good have_gst rtspsrc
need gstreamer1.0-plugins-bad have_gst h264parse
need gstreamer1.0-plugins-ugly have_gst x264enc
need gstreamer1.0-libav have_gst avdec_h264
need python3-gi /usr/bin/python3 -c 'import gi'
need gir1.2-gst-rtsp-server-1.0 /usr/bin/python3 -c 'import gi; gi.require_version("GstRtspServer", "1.0")'
need fonts-noto-cjk bash -c 'ls /usr/share/fonts/opentype/noto/NotoSansCJK-Regular.ttc'
[ ${#missing[@]} -eq 0 ] && exit 0
command="apt-get update && apt-get install --yes --no-install-recommends ${missing[*]}"
if [ "$(id -u)" -eq 0 ] && command -v apt-get >/dev/null; then
  echo "installing: ${missing[*]}"
  export DEBIAN_FRONTEND=noninteractive
  apt-get update -qq && apt-get install --yes -qq --no-install-recommends "${missing[@]}" >/dev/null
else
  echo "the tests need what only the system can give. Install it with:" >&2
  echo "  sudo sh -c '$command'" >&2
  exit 1
fi
