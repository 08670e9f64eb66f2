/** The land under the map, drawn by MapLibre GL from outlines alone: no tiles, no glyphs, nothing from another server. */

import type { FeatureCollection } from "geojson";
import { Map as GlMap, setWorkerUrl, type GeoJSONSource, type StyleSpecification } from "maplibre-gl";
import workerUrl from "maplibre-gl/dist/maplibre-gl-worker.mjs?worker&url";

import { unmercator, zoomOf, type Point, type Position, type View } from "./geometry";
import type { Area, Palette } from "./land";

export interface Ground {
  readonly project: (position: Position) => Point;
  readonly show: (areas: readonly Area[], palette: Palette) => void;
  readonly look: (view: View, slowly: boolean) => void;
  readonly close: () => void;
}

export interface Callbacks {
  readonly onMove: () => void;
  readonly onPick: (region: string) => void;
  /** The context is gone, and nothing is drawn any more. */
  readonly onLost: () => void;
}

setWorkerUrl(workerUrl);

const TURN_MS = 450;

function collection(areas: readonly Area[]): FeatureCollection {
  return {
    type: "FeatureCollection",
    features: areas.map(({ region, polygons, tone }) => ({
      type: "Feature",
      properties: { region, tone },
      geometry: { type: "MultiPolygon", coordinates: polygons.map((polygon) => polygon.map((ring) => ring.map(([lon, lat]) => [lon, lat]))) },
    })),
  };
}

function styleOf(areas: readonly Area[], palette: Palette): StyleSpecification {
  return {
    version: 8,
    sources: { areas: { type: "geojson", data: collection(areas), tolerance: 0 } },
    layers: [
      { id: "fill", type: "fill", source: "areas", paint: { "fill-color": ["match", ["get", "tone"], "outer", palette.outer, "open", palette.open, "waiting", palette.waiting, palette.quiet] } },
      { id: "border", type: "line", source: "areas", layout: { "line-join": "round" }, paint: { "line-color": palette.border, "line-width": 1.5 } },
    ],
  };
}

/** Resolves when the first picture stands; rejects where WebGL cannot be had after all. */
export function openGround(host: HTMLElement, areas: readonly Area[], palette: Palette, view: View, callbacks: Callbacks): Promise<Ground> {
  const lonLat = ({ centre }: View): [number, number] => {
    const [lon, lat] = unmercator(centre);
    return [lon, lat];
  };
  const map = new GlMap({
    container: host,
    style: styleOf(areas, palette),
    center: lonLat(view),
    zoom: zoomOf(view),
    attributionControl: false,
    dragRotate: false,
    pitchWithRotate: false,
    touchPitch: false,
    keyboard: false,
    doubleClickZoom: false,
    renderWorldCopies: false,
    fadeDuration: 0,
  });
  map.getCanvas().removeAttribute("tabindex"); // keys lead by the page: the drawing takes no focus and has no name
  map.touchZoomRotate.disableRotation();
  map.on("move", callbacks.onMove);
  map.on("resize", callbacks.onMove);
  map.on("webglcontextlost", callbacks.onLost);
  map.on("click", "fill", (event) => {
    // The uppermost: a child, or the region itself where none lies.
    const picked: unknown = event.features?.[0]?.properties["region"];
    if (typeof picked === "string") callbacks.onPick(picked);
  });
  let drawn = JSON.stringify(palette);
  const ground: Ground = {
    project: ([lon, lat]) => map.project([lon, lat]),
    show: (next, colours) => {
      const wanted = JSON.stringify(colours);
      if (wanted !== drawn) map.setStyle(styleOf(next, colours), { diff: true });
      else map.getSource<GeoJSONSource>("areas")?.setData(collection(next));
      drawn = wanted;
    },
    look: (next, slowly) => map.easeTo({ center: lonLat(next), zoom: zoomOf(next), duration: slowly ? TURN_MS : 0 }),
    close: () => map.remove(),
  };
  return new Promise((resolve, reject) => {
    map.once("load", () => resolve(ground));
    map.once("error", ({ error }) => {
      map.remove();
      reject(error);
    });
  });
}
