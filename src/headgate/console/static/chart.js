/* The spend chart: stacked bars, a colour for each of what spend is told apart by, drawn by uPlot. */
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

  /* A canvas knows no variables and no schemes: an element says what a colour is now. */
  function color(name) {
    caption.style.color = "var(" + name + ")";
    const found = getComputedStyle(caption).color;
    caption.style.color = "";
    return found;
  }

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

  /* In the browser's own zone, as the server writes all other times. */
  const zoned = (seconds) => new Date(seconds * 1000);

  const two = (number) => String(number).padStart(2, "0");

  const MONTHS = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
  const DAY_S = 86400;
  const day = (moment) => moment.getDate() + " " + MONTHS[moment.getMonth()];

  function clock(seconds, exact) {
    const moment = zoned(seconds);
    const long = data.step_s * data.steps > DAY_S;
    if (long && data.step_s >= DAY_S / 2 && !exact) return day(moment);
    const text = two(moment.getHours()) + ":" + two(moment.getMinutes());
    if (long) return day(moment) + (exact || moment.getHours() ? " " + text : "");
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
      name.textContent = series.name === null ? "all others" : series.name;
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
    const now = fresh.series.map((series) => series.name).join("\n");
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
    const query = new URLSearchParams({ minutes: place.dataset.minutes, by: place.dataset.by });
    const answer = await fetch("/data/spend.json?" + query, { signal: AbortSignal.timeout(10000) });
    if (answer.status === 401) location.reload();
    if (answer.ok) draw(await answer.json());
    return answer.ok;
  }

  const PAUSE_MS = Number(place.dataset.minutes) <= 60 ? 2000 : 10000;

  async function keep() {
    if (!window.headgateLive?.resting()) {
      try {
        await refresh();
      } catch (error) {
        if (!(error instanceof TypeError || error instanceof DOMException)) throw error;
        window.headgateLive?.lost();
      }
    }
    setTimeout(keep, PAUSE_MS);
  }

  function redraw() {
    shape = "";
    if (data) draw(data);
  }

  new ResizeObserver(() => plot?.setSize(size())).observe(place);
  dark.addEventListener("change", redraw);
  document.addEventListener("headgate:theme", redraw);
  keep();
})();
