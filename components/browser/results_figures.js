/** Figures of results: fetched and drawn when they come into view, in the colours of the theme. */

import { ask } from "./ask.js";
import { element } from "./element.js";
import { plotly } from "./picture.js";

const isDark = () => document.body.classList.contains("dark");
const colour = (name) => getComputedStyle(document.body).getPropertyValue(`--bs-${name}`).trim();

const QUIET = { showgrid: false, zeroline: false };

/** Losing is the colour of A, winning that of B, a half is the card's own. */
const scaleOf = () => [[0, colour("a")], [0.5, colour("card")], [1, colour("accent")]];

const arms = (found, paint) => found && { ...found, color: paint, thickness: 2, width: 5 };

/** A figure of plain values with the theme's colours in place of their names. */
function themed(figure) {
  const [ink, soft, line, card] = ["ink", "soft", "line", "card"].map(colour);
  const data = figure.data.map((trace) => {
    if (trace.type === "heatmap") return { ...trace, colorscale: scaleOf(), textfont: { size: 12 } };
    const paint = colour(trace.meta);
    if (trace.type === "box") return { ...trace, line: { color: paint, width: 1.5 }, fillcolor: `color-mix(in srgb, ${paint} 18%, transparent)` };
    if (trace.mode === "lines") return { ...trace, line: { color: paint, width: 2, ...trace.line } };
    if (trace.type === "bar") return { ...trace, marker: { color: paint, line: { width: 0 } } };
    return { ...trace, marker: { color: paint, size: 9 }, error_x: arms(trace.error_x, paint), error_y: arms(trace.error_y, paint) };
  });
  const axis = { color: soft, gridcolor: line, linecolor: line, zerolinecolor: soft, fixedrange: true, tickfont: { color: ink } };
  const axes = Object.entries(figure.layout).filter(([name]) => /^[xy]axis\d/.test(name)); // of figures with several rows
  const other = ([name, told]) => [name, { ...axis, ...(name.startsWith("y") ? QUIET : {}), ...told }];
  return {
    data,
    layout: {
      autosize: true,
      margin: { l: 10, r: 14, t: 6, b: 44 },
      paper_bgcolor: "rgba(0,0,0,0)",
      plot_bgcolor: "rgba(0,0,0,0)",
      font: { family: getComputedStyle(document.body).fontFamily, size: 12, color: ink },
      dragmode: false,
      showlegend: false,
      legend: { orientation: "h", y: 1, yanchor: "bottom", x: 0 },
      hoverlabel: { bgcolor: isDark() ? card : ink, font: { color: isDark() ? ink : card } },
      ...figure.layout,
      xaxis: { ...axis, ...figure.layout.xaxis },
      yaxis: { ...axis, ...QUIET, ...figure.layout.yaxis },
      ...Object.fromEntries(axes.map(other)),
    },
  };
}

export class Figure {
  /** title: what stands above it; path: its address under /studio/results/{campaign}, with its query. */
  constructor(title, about) {
    this.plot = element("div", { class: "bs-res-plot" });
    this.said = element("p", { class: "bs-status bs-res-none", hidden: true });
    this.frame = element("div", { role: "img", "aria-label": title }, this.plot);
    this.node = element("figure", { class: "bs-res-figure" }, element("figcaption", {}, element("h4", {}, title), about ? element("p", { class: "bs-status" }, about) : null), this.frame, this.said);
    this.isSeen = false;
    this.watcher = new IntersectionObserver(([entry]) => {
      this.isSeen = entry.isIntersecting;
      this.draw();
    }, { rootMargin: "160px" });
    this.resized = new ResizeObserver(() => this.figure && this.plot.isConnected && this.width !== this.plot.clientWidth && this.paint());
    this.watcher.observe(this.node);
    this.resized.observe(this.plot);
    this.repaint = () => this.figure && this.paint();
    window.addEventListener("baton-theme", this.repaint);
  }

  /** What it is to show now; drawn at once if it is in view, else when it comes into view. */
  want(path, version) {
    if (this.version === version) return;
    [this.path, this.version] = [path, version];
    this.draw();
  }

  async draw() {
    if (!this.isSeen || this.drawn === this.version || !this.path || this.isBusy) return;
    const version = this.version;
    this.isBusy = true;
    try {
      const [figure] = await Promise.all([ask(this.path), plotly()]);
      this.figure = figure;
      this.frame.setAttribute("aria-label", figure.said);
      this.onfigure?.(figure);
      this.tell("");
      this.paint();
    } catch (error) {
      this.tell(error.message);
    }
    this.isBusy = false;
    this.drawn = version;
    if (this.version !== version) this.draw();
  }

  tell(text) {
    this.said.textContent = text;
    this.said.hidden = !text;
    this.frame.hidden = Boolean(text);
  }

  paint() {
    const { data, layout } = themed(this.figure);
    this.width = this.plot.clientWidth;
    this.plot.style.height = `${layout.height}px`;
    window.Plotly.react(this.plot, data, layout, { displayModeBar: false, responsive: false });
  }

  close() {
    this.watcher.disconnect();
    this.resized.disconnect();
    window.removeEventListener("baton-theme", this.repaint);
    if (this.figure) window.Plotly.purge(this.plot);
  }
}
