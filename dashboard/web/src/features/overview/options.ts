/** What ECharts is told. Pure: colours and sizes are handed in. */

import type { EChartsCoreOption } from "echarts/core";

import type { CrowdCurve, Overview } from "@/lib/model";

export interface Style {
  readonly font: string;
  /** One 1920th of the screen's width, or 1080th of its height: px. */
  readonly unit: number;
  readonly text: string;
  readonly muted: string;
  readonly line: string;
  readonly back: string;
  readonly bar: string;
  readonly usual: string;
  readonly limit: string;
  /** From nothing to most. */
  readonly ramp: readonly string[];
}

export interface ChartWords {
  readonly today: string;
  readonly usual: string;
  /** Monday first. */
  readonly weekdays: readonly string[];
}

const HOURS = Array.from({ length: 24 }, (_, hour) => String(hour));

function axisX(style: Style): EChartsCoreOption {
  return {
    type: "category",
    data: HOURS,
    axisTick: { show: false },
    axisLine: { lineStyle: { color: style.line } },
    axisLabel: { color: style.muted, fontSize: 21 * style.unit, interval: 5, margin: 10 * style.unit },
  };
}

/** Today's events an hour as bars, the usual as a line; from zero. */
export function todayOption(told: Overview, style: Style, words: ChartWords): EChartsCoreOption {
  const u = style.unit;
  return {
    animation: false,
    textStyle: { fontFamily: style.font, color: style.text },
    grid: { left: 46 * u, right: 6 * u, top: 14 * u, bottom: 36 * u },
    xAxis: axisX(style),
    yAxis: { type: "value", min: 0, minInterval: 1, splitNumber: 2, splitLine: { lineStyle: { color: style.line, width: 1 } }, axisLabel: { color: style.muted, fontSize: 21 * u } },
    series: [
      { name: words.today, type: "bar", data: told.hours.map(({ events }) => events), barCategoryGap: "28%", itemStyle: { color: style.bar } },
      ...(told.usual_days === 0 ? [] : [{ name: words.usual, type: "line", data: told.hours.map(({ usual }) => usual), symbol: "none", lineStyle: { color: style.usual, width: 3 * u }, itemStyle: { color: style.usual } }]),
    ],
  };
}

/** Events by weekday and hour: the lighter (by day the darker), the more. Null as long as no whole day is stored. */
export function heatOption(told: Overview, style: Style, words: ChartWords): EChartsCoreOption | null {
  if (!told.heat) return null;
  const u = style.unit;
  const cells = told.heat.flatMap((row, weekday) => row.map((events, hour) => [hour, weekday, events]));
  const most = Math.max(1, ...told.heat.flat());
  return {
    animation: false,
    textStyle: { fontFamily: style.font, color: style.text },
    grid: { left: 46 * u, right: 6 * u, top: 4 * u, bottom: 36 * u },
    xAxis: { ...axisX(style), axisLine: { show: false }, splitArea: { show: false } },
    yAxis: { type: "category", data: [...words.weekdays], inverse: true, axisLine: { show: false }, axisTick: { show: false }, axisLabel: { color: style.muted, fontSize: 21 * u, interval: 1 } },
    visualMap: { show: false, min: 0, max: most, inRange: { color: [...style.ramp] } },
    series: [{ type: "heatmap", data: cells, itemStyle: { borderWidth: 2 * u, borderColor: style.back, borderRadius: 3 * u }, emphasis: { disabled: true } }],
  };
}

const QUARTERS = Array.from({ length: 96 }, (_, quarter) => String(Math.floor(quarter / 4)));

/** How many stood in a place today as an area, the usual as a dashed line, the limit as a dotted one; from zero. */
export function crowdOption(curve: CrowdCurve, style: Style): EChartsCoreOption {
  const u = style.unit;
  const latest = curve.today.findLastIndex((mean) => mean !== null);
  const line = (colour: string, type: string, width: number): EChartsCoreOption => ({ type: "line", symbol: "none", lineStyle: { color: colour, width: width * u, type }, itemStyle: { color: colour } });
  return {
    animation: false,
    textStyle: { fontFamily: style.font, color: style.text },
    grid: { left: 40 * u, right: 8 * u, top: 10 * u, bottom: 32 * u },
    xAxis: { ...axisX(style), data: QUARTERS, boundaryGap: false, axisLabel: { color: style.muted, fontSize: 20 * u, interval: (quarter: number) => quarter % 24 === 0, margin: 8 * u } },
    yAxis: { type: "value", min: 0, max: ({ max }: { max: number }) => Math.ceil(Math.max(4, max)), splitNumber: 2, minInterval: 1, splitLine: { lineStyle: { color: style.line, width: 1 } }, axisLabel: { color: style.muted, fontSize: 20 * u, showMaxLabel: true } },
    series: [
      ...(curve.usual_days === 0 ? [] : [{ ...line(style.usual, "dashed", 3), data: [...curve.usual] }]),
      ...(curve.limit === null ? [] : [{ ...line(style.limit, "dotted", 2), data: QUARTERS.map(() => curve.limit) }]),
      {
        ...line(style.bar, "solid", 3),
        areaStyle: { color: style.bar, opacity: 0.25 },
        showAllSymbol: true,
        // The newest mean has a dot: the first of the day would be a line without length.
        data: curve.today.map((mean, quarter) => (quarter === latest ? { value: mean, symbol: "circle", symbolSize: 9 * u } : mean)),
      },
    ],
  };
}
