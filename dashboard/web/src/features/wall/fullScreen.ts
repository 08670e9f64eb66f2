/** The page in full screen: all of it, so that alarms stay in sight. */

/** A browser that refuses (no gesture, a policy) leaves the page as it is, which is seen at once. */
export function toggleFullScreen(): void {
  const asked = document.fullscreenElement === null ? document.documentElement.requestFullscreen() : document.exitFullscreen();
  asked.catch(() => undefined);
}
