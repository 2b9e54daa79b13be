/* The spend chart: stacked bars, one colour per deployment, drawn by uPlot. */
"use strict";

(() => {
  const place = document.getElementById("chart");
  const legend = document.getElementById("legend");
  const caption = document.getElementById("chart-now");
  if (!place) return;

  const dark = matchMedia("(prefers-color-scheme: dark)");
  let plot = null;
  let shape = "";
  let data = null;
  let hovered = null;

  const color = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();

  /* To look at, as `show.short_usd` writes it: two decimals, and below ten cents two digits. */
  function usd(nanos) {
    const dollars = nanos / 1e9;
    if (nanos === 0 || nanos >= 1e8) return "$" + dollars.toLocaleString("en", { minimumFractionDigits: 2, maximumFractionDigits: 2 });
    const digits = nanos < 10 ? 1 : 2;
    return "$" + dollars.toLocaleString("en", { minimumSignificantDigits: digits, maximumSignificantDigits: digits });
  }

  function exact(nanos) {
    const digits = String(nanos).padStart(10, "0");
    return "$" + digits.slice(0, -9) + "." + digits.slice(-9);
  }

  /* Steps of the axis that two digits can tell apart. */
  const INCREMENTS = Array.from({ length: 16 }, (_, power) => [1, 2, 5].map((one) => one * 10 ** power)).flat();

  const size = () => ({ width: Math.max(place.clientWidth, 200), height: Math.max(place.clientHeight, 160) });

  function zoned(seconds) {
    return uPlot.tzDate(new Date(seconds * 1000), data.zone);
  }

  const two = (number) => String(number).padStart(2, "0");

  function clock(seconds, exact) {
    const moment = zoned(seconds);
    const text = two(moment.getHours()) + ":" + two(moment.getMinutes());
    return exact ? text + ":" + two(moment.getSeconds()) : text;
  }

  /* Stacked by drawing sums: the tallest first, each next one over it. */
  function columns() {
    const times = Array.from({ length: data.steps }, (_, step) => data.since_s + step * data.step_s);
    const sums = [];
    let below = new Array(data.steps).fill(0);
    for (const series of data.series) {
      below = below.map((sum, step) => sum + series.amounts_nanos[step]);
      sums.unshift(below);
    }
    return [times, ...sums];
  }

  function options() {
    const axis = {
      stroke: color("--soft"),
      font: "11px system-ui, sans-serif",
      grid: { stroke: color("--line"), width: 1 },
      ticks: { show: false },
    };
    const bars = uPlot.paths.bars({ size: [0.72, 26], radius: 0.15, align: 1 });
    const series = data.series.map((_, place) => {
      const fill = color("--series-" + (data.series.length - 1 - place));
      return { fill, width: 0, paths: bars, points: { show: false } };
    });
    return {
      ...size(),
      padding: [8, 8, 0, 0],
      legend: { show: false },
      cursor: { y: false, drag: { x: false, y: false }, points: { show: false } },
      scales: {
        x: { time: true, range: () => [data.since_s, data.since_s + data.steps * data.step_s] },
        y: { range: (_, low, high) => [0, high > 0 ? high * 1.08 : 1e9] },
      },
      tzDate: zoned,
      series: [{}, ...series],
      axes: [
        { ...axis, grid: { show: false }, size: 28, space: 70, values: (_, splits) => splits.map((at) => clock(at)) },
        { ...axis, size: 58, space: 36, incrs: INCREMENTS, values: (_, splits) => splits.map(usd) },
      ],
      hooks: { setCursor: [hover] },
    };
  }

  function hover(self) {
    const index = self.cursor.left >= 0 ? Math.floor((self.posToVal(self.cursor.left, "x") - data.since_s) / data.step_s) : null;
    hovered = index !== null && index >= 0 && index < data.steps ? index : null;
    describe();
  }

  /* The sums of the whole window, or of the bar under the pointer. */
  function describe() {
    const items = data.series.map((series, index) => {
      const nanos = hovered === null ? series.amounts_nanos.reduce((a, b) => a + b, 0) : series.amounts_nanos[hovered];
      const item = document.createElement("li");
      const swatch = document.createElement("span");
      const name = document.createElement("span");
      const amount = document.createElement("span");
      swatch.className = "swatch s" + index;
      name.className = "name";
      name.textContent = series.deployment === null ? "all others" : series.deployment;
      name.title = name.textContent;
      amount.className = "num";
      amount.textContent = usd(nanos);
      amount.title = exact(nanos);
      item.append(swatch, name, amount);
      return item;
    });
    legend.replaceChildren(...items);
    caption.title = exact(data.total_nanos);
    if (hovered !== null) {
      const from = data.since_s + hovered * data.step_s;
      const sum = data.series.reduce((total, series) => total + series.amounts_nanos[hovered], 0);
      caption.textContent = clock(from, true) + " to " + clock(from + data.step_s, true) + ": " + usd(sum);
      caption.title = exact(sum);
    } else if (data.series.length === 0) {
      caption.textContent = "Nothing was spent in this window.";
    } else {
      caption.textContent = data.total + " posted, by when the attempt began" +
        (data.complete_from_s === null ? "" : "; complete from " + clock(data.complete_from_s, true));
    }
  }

  function draw(fresh) {
    const now = fresh.series.map((series) => series.deployment).join("\n") + dark.matches + fresh.zone;
    data = fresh;
    if (plot === null || now !== shape) {
      plot?.destroy();
      shape = now;
      plot = new uPlot(options(), columns(), place);
    } else {
      plot.setData(columns());
    }
    describe();
  }

  async function refresh() {
    const answer = await fetch("/data/spend.json?minutes=" + encodeURIComponent(place.dataset.minutes), { signal: AbortSignal.timeout(10000) });
    if (answer.status === 401) location.reload();
    if (answer.ok) draw(await answer.json());
    return answer.ok;
  }

  new ResizeObserver(() => plot?.setSize(size())).observe(place);
  dark.addEventListener("change", () => data && draw(data));
  window.headgateChart = { refresh };
})();
