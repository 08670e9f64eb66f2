/** What crosses between the server and the page, as the server describes it. Times are UTC epoch seconds. */

import type { components } from "@/generated/api";

type Schemas = components["schemas"];

export type EventRow = Schemas["EventRow"];
export type EventPage = Schemas["EventPage"];
export type Evidence = Schemas["Evidence"];
export type RecordingTimeline = Schemas["RecordingTimeline"];
export type RecordingGap = Schemas["RecordingGap"];
export type Course = Schemas["Course"];
export type Correction = Schemas["Correction"];
export type Histogram = Schemas["Histogram"];
export type Account = Schemas["Me"];
export type DeskInfo = Schemas["DeskInfo"];
export type HandOver = Schemas["HandOver"];
export type Shift = Schemas["Shift"];
export type Scene = Schemas["Scene"];
export type SceneDraft = Schemas["SceneDraft"];
export type ScreenInfo = Schemas["ScreenInfo"];
export type ScreenStatus = Schemas["ScreenStatus"];
export type ScreenContent = NonNullable<ScreenStatus["state"]["content"]>;
export type Sending = Schemas["Sending"];
export type ScreenCode = Schemas["ScreenCode"];
export type AlarmLoad = Schemas["AlarmLoad"];
export type Overview = Schemas["Overview"];
export type CrowdCurve = Schemas["CrowdCurve"];
export type RegionOutline = Schemas["RegionOutline"];
export type SetupState = Schemas["SetupState"];
export type CameraSetup = Schemas["CameraSetup"];
export type CameraDraft = Schemas["CameraDraft"];
export type Saved = Schemas["Saved"];
export type CellFault = Schemas["CellFault"];
export type ImportReport = Schemas["ImportReport"];
export type RevisionInfo = Schemas["RevisionInfo"];
export type Probing = Schemas["Probing"];
export type ProbeReport = Schemas["ProbeReport"];
export type Zone = Schemas["Zone"];
export type Line = Schemas["Line"];
export type Rule = NonNullable<CameraDraft["rules"]>[number];
export type NodeInfo = Schemas["Node"];
export type CameraInfo = Schemas["CameraInfo"];
export type SiteInfo = Schemas["SiteInfo"];
export type RegionInfo = Schemas["RegionInfo"];
export type CameraHealth = Schemas["CameraStatus"];
export type Rotation = Schemas["Rotation"];
export type RotationSlot = Schemas["Slot"];
export type RotationPromise = Schemas["Promise"];

export type EventKind = EventRow["kind"];
export type Severity = EventRow["severity"];
export type AlarmState = EventRow["state"];

export const KINDS: readonly EventKind[] = [
  "intrusion", "loitering", "line_crossing", "crowding", "unattended", "wrong_way", "stopped_vehicle", "camera_offline", "camera_fault",
];
/** Of the camera itself, not of what it sees. */
export const ofCamera = ({ kind }: Pick<EventRow, "kind">): boolean => kind === "camera_offline" || kind === "camera_fault";
export const STATES: readonly AlarmState[] = ["new", "acknowledged", "in_progress", "on_hold", "shelved", "closed"];
export const SEVERITIES: readonly Severity[] = ["critical", "high", "medium", "low"];

export type OverlayBox = Schemas["Box"];
export type Phase = StateMessage["phase"];
export type StateMessage = Schemas["LiveState"];
export type InitMessage = Schemas["LiveInit"];
export type OverlayMessage = Schemas["LiveOverlay"];
export type LiveMessage = Schemas["LiveMessage"];

export type Standing = Schemas["Standing"];
export type AlarmChange = Schemas["AlarmChange"];
export type FeedItem = Schemas["Batch"]["items"][number] | Schemas["Pong"];
/** A batch of the feed; the answer to a ping is taken as a batch of one. */
export type FeedBatch = Pick<Schemas["Batch"], "last_id"> & { readonly items: readonly FeedItem[] };
