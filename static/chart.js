/* Draws a <lag-chart>: what its data-chart says, by uPlot, in a tree of its own that a live region does not touch.
   Without this script the picture inside it is shown, and the table below it has the same figures. */
"use strict";

(() => {
  const HEIGHT = 216, NEAR_PX = 8, FINE_POINTS = 40, UNITS = [[86400, "d"], [3600, "h"], [60, "min"], [1, "s"]];
  const SPANS = [1, 2, 5, 10, 20, 30, 60, 120, 300, 600, 1200, 1800, 3600, 7200, 10800, 21600, 43200, 86400, 172800, 604800, 1209600];
  const COLOURS = ["line", "muted", "lag", "fill", "behind", "in", "out", "warn", "crit", "person", "ok", "edge"];
  const number = (value) => (value == null ? "not known" : Math.round(value).toLocaleString("en-US"));
  const compact = new Intl.NumberFormat("en-US", { notation: "compact", maximumFractionDigits: 1 });

  function span(s) {
    if (s == null) return "not known";
    const [size, unit] = UNITS.find(([each]) => s >= each) || UNITS[3];
    const count = s / size;
    return `${count < 10 && count % 1 ? count.toFixed(1) : Math.round(count)} ${unit}`;
  }

  function rate(value) {
    return value == null ? "not known" : `${value < 10 ? Math.round(value * 10) / 10 : number(value)}/s`;
  }

  /* Times as everywhere on the page: UTC, or the reader's own zone where it was chosen. */
  const zone = () => (document.body.dataset.time === "local" ? undefined : "UTC");
  const clock = (s, options) => new Intl.DateTimeFormat("en-GB", { timeZone: zone(), hour12: false, ...options }).format(s * 1000);
  const time = (s) => clock(s, { hour: "2-digit", minute: "2-digit" });
  const day = (s) => clock(s, { day: "numeric", month: "short" });
  const moment = (s) => (s == null ? "—" : `${day(s)} ${time(s)}${zone() ? " UTC" : ""}`);

  class LagChart extends HTMLElement {
    static observedAttributes = ["data-chart"];

    connectedCallback() {
      if (this.shadowRoot || !window.uPlot) return;
      const root = this.attachShadow({ mode: "open" });
      const sheets = [this.dataset.plot, this.dataset.style].map((href) => Object.assign(document.createElement("link"), { rel: "stylesheet", href }));
      this.plot = Object.assign(document.createElement("div"), { className: "plot" });
      this.said = Object.assign(document.createElement("p"), { className: "said" });
      this.probe = Object.assign(document.createElement("div"), { className: "probe" });
      this.probe.append(...COLOURS.map((name) => Object.assign(document.createElement("i"), { className: name })));
      root.append(...sheets, this.plot, this.probe);
      Promise.allSettled(sheets.map((sheet) => new Promise((done) => sheet.addEventListener("load", done, { once: true })))).then(() => this.draw());
      new ResizeObserver(() => this.drawn?.setSize({ width: this.width(), height: HEIGHT })).observe(this);
      const again = () => this.drawn && this.draw();
      new MutationObserver(again).observe(document.documentElement, { attributeFilter: ["data-theme"] });
      new MutationObserver(again).observe(document.body, { attributeFilter: ["data-time"] });
      matchMedia("(prefers-color-scheme: dark)").addEventListener("change", again);
    }

    attributeChangedCallback() {
      if (!this.drawn) return;
      this.read();
      const { min, max } = this.drawn.scales.x, [first, last] = this.ends;
      const zoomed = min > first + 1 || max < last - 1;
      this.drawn.setData(this.columns, !zoomed);
      if (zoomed) this.drawn.redraw();
      this.ends = [this.columns[0][0], this.columns[0].at(-1)];
    }

    width() {
      return Math.max(200, this.clientWidth - 16);
    }

    read() {
      const told = JSON.parse(this.dataset.chart);
      this.columns = [told.at, told.lag, told.behind, told.in, told.out];
      this.marks = told.marks;
    }

    draw() {
      this.read();
      this.ends = [this.columns[0][0], this.columns[0].at(-1)];
      this.colours = Object.fromEntries(COLOURS.map((name) => [name, getComputedStyle(this.probe.querySelector(`.${name}`)).color]));
      this.drawn?.destroy();
      this.drawn = new window.uPlot(this.options(this.colours), this.columns, this.plot);
      this.plot.append(this.said);
    }

    options({ line, muted, lag, fill, behind, in: came, out }) {
      const long = this.ends[1] - this.ends[0] > 2 * 86400;
      const axis = { stroke: muted, font: "11px system-ui, sans-serif", ticks: { stroke: line, width: 1 }, grid: { stroke: line, width: 1 } };
      const points = { show: this.columns[0].length <= FINE_POINTS, size: 4 };
      const upward = (self, low, high) => [0, Math.max(high || 0, 1) * 1.08];
      return {
        width: this.width(), height: HEIGHT, padding: [10, 4, 0, 4],
        scales: { x: { time: true }, lag: { range: upward }, behind: { range: upward }, rate: { range: upward } },
        axes: [
          { ...axis, space: 70, size: 30, values: (self, splits) => splits.map(long ? day : time) },
          { ...axis, scale: "lag", size: 56, values: (self, splits) => splits.map((each) => compact.format(each)) },
          { ...axis, scale: "behind", side: 1, size: 56, grid: { show: false }, incrs: SPANS, values: (self, splits) => splits.map((each) => (each ? span(each) : "0")) },
        ],
        series: [
          { label: "time", value: (self, at) => moment(at) },
          { label: "records behind", scale: "lag", stroke: lag, fill, width: 1.5, value: (self, value) => number(value), points },
          { label: "time behind", scale: "behind", stroke: behind, width: 1.5, dash: [4, 3], value: (self, value) => span(value), points },
          { label: "come in", scale: "rate", stroke: came, width: 1, show: false, value: (self, value) => rate(value) },
          { label: "are read", scale: "rate", stroke: out, width: 1, show: false, value: (self, value) => rate(value) },
        ],
        hooks: { ready: [(plot) => this.rest(plot)], setData: [(plot) => this.rest(plot)], draw: [(plot) => this.mark(plot)], setCursor: [(plot) => this.near(plot)] },
        cursor: { drag: { x: true, y: false } },
      };
    }

    /* What machines and people did, as lines with a head; what it was stands below when the pointer is near. */
    mark(plot) {
      const { ctx, bbox } = plot, ratio = devicePixelRatio || 1;
      ctx.save();
      for (const [at, kind, status] of this.marks) {
        const x = plot.valToPos(at, "x", true);
        if (x < bbox.left || x > bbox.left + bbox.width) continue;
        ctx.strokeStyle = ctx.fillStyle = this.colours[kind === "person" ? "person" : status] || this.colours.edge;
        ctx.lineWidth = ratio;
        ctx.setLineDash([2 * ratio, 3 * ratio]);
        ctx.beginPath();
        ctx.moveTo(x, bbox.top);
        ctx.lineTo(x, bbox.top + bbox.height);
        ctx.stroke();
        ctx.beginPath();
        ctx.moveTo(x - 4 * ratio, bbox.top - 6 * ratio);
        ctx.lineTo(x + 4 * ratio, bbox.top - 6 * ratio);
        ctx.lineTo(x, bbox.top);
        ctx.fill();
      }
      ctx.restore();
    }

    /* Without a pointer the legend says the newest figures. */
    rest(plot) {
      if (!(plot.cursor.left >= 0)) plot.setLegend({ idx: this.columns[0].length - 1 });
    }

    near(plot) {
      const { left } = plot.cursor;
      if (!(left >= 0)) setTimeout(() => this.rest(plot)); // after uPlot has emptied it
      const close = this.marks.filter(([at]) => left >= 0 && Math.abs(plot.valToPos(at, "x") - left) <= NEAR_PX);
      this.said.textContent = close.slice(0, 3).map(([at, , , text]) => `${moment(at)}: ${text}`).join(" · ");
    }
  }

  customElements.define("lag-chart", LagChart);
})();
