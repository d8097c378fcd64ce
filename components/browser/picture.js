/** The spectrogram and the event timeline, drawn by plotly in the colours of the theme. */

import { address, ask } from "./ask.js";
import { element } from "./element.js";
import { GUTTER, MARGIN, paint } from "./painting.js";

let loading = null;

/** plotly.js, fetched once, from the studio itself, when the first picture is wanted. */
export function plotly() {
  loading ??= new Promise((done, failed) => {
    const script = element("script", { src: address("plotly.js"), async: true });
    script.addEventListener("load", () => done(window.Plotly));
    script.addEventListener("error", () => {
      loading = null;
      failed(new Error("The pictures could not be loaded."));
    });
    document.head.append(script);
  });
  return loading;
}

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
      delete this.node.dataset.problem;
      this.paint();
    } catch (error) {
      this.heard = undefined; // the next look at this card tries again
      this.node.dataset.problem = error.message;
    }
  }

  paint() {
    if (!this.figure || !this.node.isConnected) return;
    paint(window.Plotly, this.plot, this.figure);
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
