/** What a tile without a new picture says: what is wrong, for how long, and what is being done. Pure. */

import type { Words } from "@/lib/i18n";
import type { StateMessage } from "@/lib/model";
import type { Freshness } from "@/lib/player/freshness";
import { age, elapsed, moment } from "@/lib/time";

export interface Sentence {
  readonly title: string;
  readonly text: string;
  readonly action: string;
}

export interface Moment {
  /** Page's monotonic clock, ms. */
  readonly monotonic: number;
  /** Server's clock, epoch ms. */
  readonly now: number;
  readonly zone: string;
}

/** Null while the picture is live. `browserFault`: a word of `browser.*`; `faultSinceMs`: when the camera's was told, epoch ms. */
export function sentence(fresh: Freshness, camera: StateMessage | null, browserFault: string | null, faultSinceMs: number | null, at: Moment, words: Words): Sentence | null {
  const { t } = words;
  const waited = at.monotonic - fresh.sinceMs;
  const cause = causeOf(fresh, camera, browserFault, words);
  const action = doing(fresh, camera, at, words);
  switch (fresh.state) {
    case "live":
      return null;
    case "connecting":
      return { title: t("tile.connecting"), text: fresh.cause === "camera" && !fresh.fault ? t("tile.connecting.text", { elapsed: elapsed(waited) }) : cause, action: fresh.cause === "camera" ? "" : action };
    case "stale": {
      // A picture that arrives and never changes is as old as the camera's own word for it.
      const toldAt = fresh.cause !== "camera" ? null : camera?.phase === "stale" ? camera.since * 1000 : fresh.fault === "stuck" ? faultSinceMs : null;
      const since = toldAt === null ? waited : Math.max(waited, at.now - toldAt);
      return { title: t(fresh.cause === "late" ? "tile.late" : "tile.stale", { age: age(since) }), text: cause, action };
    }
    case "offline":
    case "refused": {
      const since = (camera?.since ?? at.now / 1000) * 1000;
      const when = t("tile.since", { since: moment(since, at.now, at.zone), elapsed: elapsed(at.now - since) });
      const title = t(fresh.state === "offline" ? "tile.offline" : "tile.refused");
      return { title, text: fresh.state === "offline" ? `${cause} · ${when}` : when, action };
    }
  }
}

function causeOf(fresh: Freshness, camera: StateMessage | null, browserFault: string | null, { t, word }: Words): string {
  switch (fresh.cause) {
    case "network":
      return t("tile.cause.network");
    case "worker":
      return t("tile.cause.worker");
    case "late":
      return t("tile.cause.late");
    case "browser":
      return word("browser", browserFault, "tile.cause.browser");
    default:
      if (fresh.fault === null && camera?.phase === "connecting") return t("tile.cause.connecting");
      return word("fault", fresh.fault, "fault.unknown");
  }
}

function doing(fresh: Freshness, camera: StateMessage | null, at: Moment, { t }: Words): string {
  if (fresh.cause === "worker" || fresh.cause === "browser" || fresh.cause === "late") return "";
  if (fresh.cause === "camera" && camera?.next_try_at) {
    const pause = camera.next_try_at * 1000 - at.now;
    if (pause > 4_000) return t("tile.retry.at", { elapsed: elapsed(pause), attempt: Math.max(1, fresh.attempt) });
  }
  return fresh.attempt > 0 ? t("tile.retry", { attempt: fresh.attempt }) : t("tile.waiting");
}
