/** The spectrogram and the event timeline, drawn by plotly in the colours of the theme. */

import { address, ask, element } from "./ask.js";
import { GUTTER, MARGIN } from "./player.js";

let loading = null;

/** plotly.js, fetched once, from the studio itself, when the first picture is wanted. */
function plotly() {
  loading ??= new Promise((done, failed) => {
    const script = element("script", { src: address("plotly.js"), async: true });
    script.addEventListener("load", () => done(window.Plotly));
    script.addEventListener("error", () => failed(new Error("The pictures could not be loaded.")));
    document.head.append(script);
  });
  return loading;
}

const SCALES = {
  dark: ["#15181c", "#261f45", "#6f2a69", "#d2504d", "#f6b062", "#fff4d6"],
  light: ["#fffdf9", "#f6dfc0", "#e39a66", "#ad3f5d", "#4c2060", "#170c2b"],
};
const LANES = {
  dark: ["#7cc4de", "#e5b567", "#b79ce6", "#8bd0a2", "#f08aa8", "#a9b8c8"],
  light: ["#1f6f8b", "#8a5a00", "#6a4c93", "#2f7a4d", "#a33b5e", "#4a5a6a"],
};

const isDark = () => document.body.classList.contains("dark");

export class Picture {
  constructor(card, player) {
    this.id = card.id;
    this.player = player;
    this.plot = element("div", { class: "bs-plot" });
    this.head = element("i", { class: "bs-head", hidden: true });
    this.node = element(
      "div",
      { class: "bs-picture", role: "img", "aria-label": "Mel spectrogram: seconds across, Hz upwards" },
      this.plot,
      this.head,
    );
    player.heads.push(this.head);
    this.node.addEventListener("click", (event) => this.seek(event), true);
    this.heard = undefined;
    this.watcher = new ResizeObserver(() => this.fit());
    this.watcher.observe(this.node);
    this.themed = () => this.paint();
    window.addEventListener("baton-theme", this.themed);
  }

  /** Draw, or draw again once the listener's events are there. */
  async show(heard) {
    if (this.heard === heard) return;
    this.heard = heard;
    try {
      const [figure] = await Promise.all([ask(`candidates/${this.id}/picture`), plotly()]);
      this.figure = figure;
      this.paint();
    } catch (error) {
      this.node.dataset.problem = error.message;
    }
  }

  paint() {
    if (!this.figure || !this.node.isConnected) return;
    const style = getComputedStyle(document.body);
    const [ink, line] = ["--bs-soft", "--bs-line"].map((name) => style.getPropertyValue(name).trim());
    const theme = isDark() ? "dark" : "light";
    const scale = SCALES[theme].map((colour, i, all) => [i / (all.length - 1), colour]);
    const data = this.figure.data.map((trace, i) =>
      trace.type === "heatmap"
        ? { ...trace, colorscale: scale }
        : {
            ...trace,
            marker: { color: LANES[theme][(i - 1) % LANES[theme].length] },
            textfont: { color: theme === "dark" ? "#14171b" : "#ffffff", size: 11 },
          },
    );
    const axis = { color: ink, gridcolor: line, linecolor: line, zeroline: false, showgrid: false, fixedrange: true };
    const { xaxis, yaxis, yaxis2 } = this.figure.layout;
    const layout = {
      autosize: true,
      margin: { l: GUTTER, r: MARGIN, t: 2, b: 34 },
      paper_bgcolor: "rgba(0,0,0,0)",
      plot_bgcolor: SCALES[theme][0],
      font: { family: style.fontFamily, size: 11, color: ink },
      dragmode: false,
      bargap: 0,
      barmode: "overlay",
      showlegend: false,
      xaxis: { ...axis, ...xaxis, ticks: "outside", ticklen: 3 },
      yaxis: { ...axis, ...yaxis },
      ...(yaxis2 ? { yaxis2: { ...axis, ...yaxis2 } } : {}),
    };
    window.Plotly.react(this.plot, data, layout, { displayModeBar: false, responsive: false });
    this.node.classList.add("is-drawn");
  }

  fit() {
    if (this.node.classList.contains("is-drawn")) window.Plotly.Plots.resize(this.plot);
    else this.paint();
  }

  seek(event) {
    const box = this.node.getBoundingClientRect();
    const share = (event.clientX - box.left - GUTTER) / (box.width - GUTTER - MARGIN);
    if (share >= 0 && share <= 1) this.player.seek(share * this.player.seconds);
  }

  close() {
    this.watcher.disconnect();
    window.removeEventListener("baton-theme", this.themed);
    if (this.node.classList.contains("is-drawn")) window.Plotly.purge(this.plot);
  }
}
